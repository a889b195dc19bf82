package pnfs.ds;

import org.junit.jupiter.api.Test;
import pnfs.testing.House;

/// The floor plan of docs/architecture.md; both change in one commit.
class ArchitectureTest {
    @Test
    void rooms_know_only_whom_the_plan_says_and_only_shores_make_noise() {
        House.at("pnfs.ds")
                .shore("region", "pnfs.layout", "pnfs.wire.xdr")
                .room("volume", "region")
                .room("reservation", "volume")
                .room("fault", "pnfs.wire.scsi")
                .room("scsi", "volume", "reservation", "fault", "pnfs.wire.scsi")
                .shore("iscsi", "scsi", "pnfs.wire")
                .shore("agent", "volume", "reservation", "fault", "pnfs.wire")
                .shore("", "iscsi", "agent", "pnfs.wire", "pnfs.layout")
                .check();
    }
}
