package pnfs.wire;

import org.junit.jupiter.api.Test;
import pnfs.testing.House;

/// The floor plan of docs/architecture.md; both change in one commit.
class ArchitectureTest {
    @Test
    void rooms_know_only_whom_the_plan_says_and_only_shores_make_noise() {
        House.at("pnfs.wire")
                .shore("net")
                .room("xdr")
                .room("rpc", "net", "xdr")
                .room("nfs4", "rpc", "xdr")
                .room("scsi")
                .room("iscsi", "net", "scsi")
                .shore("control", "net")
                .shore("metrics", "net")
                .check();
    }
}
