package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.IoCount;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutStatsArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

class LayoutReportsTest {
    private static final FileRange PAGE = FileRange.of(0, 4096);

    private final LayoutRooms rooms = LayoutRooms.committing().withoutProxy();
    private final FileHandle file = rooms.open(1, "f");
    private final Stateid open = rooms.stateid(1, file);
    private Stateid held = open;

    private Opaque layout() {
        var granted = rooms.run(
                1, file, new LayoutGetArgs(false, LayoutType.SCSI, Iomode.READ_WRITE, PAGE, 4096, open, 4096));
        held = ((LayoutGetResult) granted).stateid();
        return Opaque.of(rooms.extents(file).getFirst().device().bytes());
    }

    private NfsStatus status(OpArgs operation) {
        return rooms.run(1, file, operation).status();
    }

    private double counted(String name, Opaque device) {
        return rooms.meters
                .get(name)
                .tag("device", DeviceId.of(device.toByteArray()).toString())
                .counter()
                .count();
    }

    private LayoutErrorArgs error(Opaque device) {
        return new LayoutErrorArgs(PAGE, held, List.of(new DeviceError(device, NfsStatus.IO, OpCode.WRITE)));
    }

    private LayoutStatsArgs moved(Opaque device, long read, long written) {
        var nothing = new LayoutBody(LayoutType.SCSI, Opaque.EMPTY);
        return new LayoutStatsArgs(PAGE, held, new IoCount(1, read), new IoCount(1, written), device, nothing);
    }

    @Test
    void errors_and_bytes_are_counted_for_their_volume() {
        Opaque device = layout();

        assertThat(status(error(device))).isEqualTo(NfsStatus.OK);
        assertThat(status(error(device))).isEqualTo(NfsStatus.OK);
        assertThat(status(moved(device, 100, 20))).isEqualTo(NfsStatus.OK);
        assertThat(status(moved(device, 3, 0))).isEqualTo(NfsStatus.OK);

        assertThat(counted("pnfs.mds.layout.error", device)).isEqualTo(2);
        assertThat(counted("pnfs.mds.layout.moved", device)).isEqualTo(123);
    }

    @Test
    void only_who_holds_a_layout_of_the_file_has_something_to_report_and_only_of_volumes_there_are() {
        Opaque unknown = Opaque.of(new byte[16]);
        assertThat(status(error(unknown))).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(status(moved(unknown, 1, 1))).isEqualTo(NfsStatus.BAD_STATEID);
        Opaque device = layout();

        assertThat(status(error(unknown))).isEqualTo(NfsStatus.INVAL);
        assertThat(status(moved(unknown, 1, 1))).isEqualTo(NfsStatus.INVAL);
        assertThat(status(moved(device, -1, 1))).isEqualTo(NfsStatus.INVAL);
        assertThat(rooms.run(1, rooms.root, error(device)).status()).isEqualTo(NfsStatus.ISDIR);
        held = open;
        assertThat(status(error(device))).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(status(moved(device, 1, 1))).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.meters.find("pnfs.mds.layout.error").counter()).isNull();
    }
}
