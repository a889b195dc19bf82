package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.FakeDataServers.Order;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.IoCount;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
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

    private List<NfsStatus> reported(LayoutErrorArgs error) {
        var answers = new ArrayList<NfsStatus>();
        rooms.begin(1, file, error, result -> answers.add(result.status()));
        return answers;
    }

    private Opaque writable() {
        Opaque device = layout();
        var info = new GetDeviceInfoArgs(device, LayoutType.SCSI, 4096, Bitmap.EMPTY);
        assertThat(status(info)).isEqualTo(NfsStatus.OK);
        return device;
    }

    @Test
    void a_write_that_failed_is_answered_when_the_data_servers_have_dropped_what_was_sent_there() {
        Opaque device = writable();
        rooms.dataServers.slow = true;

        List<NfsStatus> answers = reported(error(device));

        assertThat(answers).isEmpty();
        Order order = rooms.dataServers.disconnecting.getFirst();
        assertThat(order.volume()).isEqualTo(DeviceId.of(device.toByteArray()));
        assertThat(order.key()).isEqualTo(rooms.idOf(1));
        order.then().accept(null);
        assertThat(answers).containsExactly(NfsStatus.OK);
        assertThat(rooms.dataServers.fenced).isEmpty();
        assertThat(reported(error(device))).as("the layout is held still").isEmpty();
    }

    @Test
    void while_a_data_server_is_away_nobody_knows_what_becomes_of_a_write_that_failed() {
        Opaque device = writable();
        rooms.dataServers.slow = true;
        List<NfsStatus> answers = reported(error(device));

        rooms.dataServers.disconnecting.getFirst().then().accept("it is away");

        assertThat(answers).containsExactly(NfsStatus.DELAY);
        rooms.dataServers.slow = false;
        assertThat(reported(error(device))).containsExactly(NfsStatus.OK);
    }

    @Test
    void nobody_is_asked_in_vain_while_a_data_server_of_the_volume_is_away() {
        Opaque device = writable();
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, List.of(), Set.of());

        assertThat(reported(error(device))).containsExactly(NfsStatus.DELAY);
        assertThat(rooms.dataServers.disconnected).isEmpty();
    }

    @Test
    void each_volume_of_a_report_is_asked_about_once_and_only_for_writes() {
        Opaque device = writable();
        var read = new DeviceError(device, NfsStatus.IO, OpCode.READ);
        var write = new DeviceError(device, NfsStatus.NXIO, OpCode.WRITE);

        assertThat(status(new LayoutErrorArgs(PAGE, held, List.of(read)))).isEqualTo(NfsStatus.OK);
        assertThat(rooms.dataServers.disconnected).isEmpty();
        assertThat(status(new LayoutErrorArgs(PAGE, held, List.of(write, read, write))))
                .isEqualTo(NfsStatus.OK);
        assertThat(rooms.dataServers.disconnected).hasSize(1);
    }

    @Test
    void who_never_heard_a_key_has_sent_nothing() {
        assertThat(status(error(layout()))).isEqualTo(NfsStatus.OK);
        assertThat(rooms.dataServers.disconnected).isEmpty();
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
