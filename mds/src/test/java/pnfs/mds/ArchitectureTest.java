package pnfs.mds;

import org.junit.jupiter.api.Test;
import pnfs.testing.House;

/// The floor plan of docs/architecture.md; both change in one commit.
class ArchitectureTest {
    @Test
    void rooms_know_only_whom_the_plan_says_and_only_shores_make_noise() {
        House.at("pnfs.mds")
                .room("store")
                .shore("store.engine", "store")
                .room("compound", "store", "pnfs.wire")
                .room("session", "compound")
                .room("callback", "session")
                .room("attribute", "compound")
                .room("xattr", "attribute")
                .room("namespace", "attribute")
                .room("export", "namespace", "pnfs.wire")
                .room("open", "namespace", "session")
                .room("lock", "open", "callback")
                .room("delegation", "open", "callback")
                .room("layout", "open", "callback", "pnfs.layout", "pnfs.wire")
                .room("check", "layout", "lock", "delegation", "xattr", "pnfs.layout")
                .shore("proxy", "layout", "open", "pnfs.layout", "pnfs.wire")
                .room("drain", "proxy", "pnfs.layout")
                .shore("cluster", "store", "compound", "pnfs.layout", "pnfs.wire")
                .shore(
                        "",
                        "drain",
                        "cluster",
                        "check",
                        "xattr",
                        "export",
                        "lock",
                        "delegation",
                        "store.engine",
                        "pnfs.layout",
                        "pnfs.wire")
                .check();
    }
}
