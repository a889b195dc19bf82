package pnfs.client;

import org.junit.jupiter.api.Test;
import pnfs.testing.House;

/// The floor plan of docs/architecture.md; both change in one commit.
class ArchitectureTest {
    @Test
    void rooms_know_only_whom_the_plan_says_and_only_shores_make_noise() {
        House.at("pnfs.client")
                .shore("", "pnfs.wire", "pnfs.layout")
                .shore("cli", "", "pnfs.wire", "pnfs.layout")
                .check();
    }
}
