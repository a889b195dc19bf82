package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import pnfs.client.Addresses;
import pnfs.it.process.Cluster;
import pnfs.mds.MdsCommand;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.GetDeviceListResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.xdr.Opaque;

/// What a client hears of its devices: RFC 8881 §18.40.3, §18.46.3, §20.12.
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DeviceNoticeTest {
    private static final Bitmap BOTH = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);
    private static final int SECONDS = 10;

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init") // each test starts it first, with as many data servers as it wants
    private Cluster cluster;

    @SuppressWarnings("NullAway.Init") // as above
    private Suite suite;

    private void start(int dataServers) throws IOException {
        cluster = Cluster.start(folder, new Cluster.Shape(dataServers, 64L << 20));
        suite = new Suite(cluster.nfs());
    }

    @AfterEach
    void end() {
        suite.close();
        cluster.close();
    }

    private static Bitmap learn(Session session, Opaque device, Bitmap notifications) {
        return Session.find(
                        GetDeviceInfoResult.class,
                        session.ok(new GetDeviceInfoArgs(device, LayoutType.SCSI, -1, notifications)))
                .notifications();
    }

    @Test
    void who_wants_to_hear_is_told_of_a_data_server_that_moved_until_it_asks_again() throws IOException {
        start(1);
        Session first = suite.session();
        Session deaf = suite.session();
        Session sated = suite.session();
        Opaque device = devices(first).getFirst();
        assertThat(learn(first, device, BOTH)).isEqualTo(BOTH);
        assertThat(learn(deaf, device, Bitmap.EMPTY)).isEqualTo(Bitmap.EMPTY);
        learn(sated, device, BOTH);
        learn(sated, device, Bitmap.EMPTY); // has changed its mind

        cluster.dataServer(0).kill();
        cluster.moveDataServer(0);

        var told = (CbNotifyDeviceIdArgs)
                first.peer.callbacks.await(CbNotifyDeviceIdArgs.class, SECONDS).args();
        assertThat(told.notices()).isEqualTo(List.of(new DeviceNotice.Changed(LayoutType.SCSI, device, false)));
        assertThat(first.flags()).isEqualTo(SequenceFlags.DEVID_CHANGED);
        assertThat(deaf.flags()).isZero();
        assertThat(sated.flags()).isZero();
        learn(first, device, BOTH);
        assertThat(first.flags()).isZero();
    }

    @Test
    void who_asked_before_the_server_was_killed_is_told_of_what_moves_after_it() throws IOException {
        start(1);
        Session before = suite.session("client");
        Opaque device = devices(before).getFirst();
        learn(before, device, BOTH);

        cluster.mds().kill();
        cluster.restartMds();
        Session after = Owner.exchange(suite.connect(), "client", 1).createSession();
        assertThat(after.clientId).isEqualTo(before.clientId);
        assertThat(after.flags()).isZero();
        cluster.dataServer(0).kill();
        cluster.moveDataServer(0);

        var told = (CbNotifyDeviceIdArgs)
                after.peer.callbacks.await(CbNotifyDeviceIdArgs.class, SECONDS).args();
        assertThat(told.notices()).isEqualTo(List.of(new DeviceNotice.Changed(LayoutType.SCSI, device, false)));
        assertThat(after.flags()).isEqualTo(SequenceFlags.DEVID_CHANGED);
    }

    @Test
    void who_wants_to_hear_is_told_of_a_device_that_is_no_more_until_it_says_that_it_knows() throws IOException {
        start(2);
        Session first = suite.session();
        Session other = suite.session();
        List<Opaque> both = devices(first);
        both.forEach(device -> {
            learn(first, device, BOTH);
            learn(other, device, DeviceNotice.CHANGE);
        });

        mds("drain", "ds1", "--wait");
        cluster.dataServer(1).close();
        mds("remove", "ds1");

        List<Opaque> left = devices(first);
        Opaque gone = both.stream()
                .filter(device -> !left.contains(device))
                .findFirst()
                .orElseThrow();
        var told = (CbNotifyDeviceIdArgs)
                first.peer.callbacks.await(CbNotifyDeviceIdArgs.class, SECONDS).args();
        assertThat(told.notices()).isEqualTo(List.of(new DeviceNotice.Deleted(LayoutType.SCSI, gone)));
        assertThat(first.flags()).isEqualTo(SequenceFlags.DEVID_DELETED);
        assertThat(other.flags()).isZero();
        first.expect(NfsStatus.NOENT, new GetDeviceInfoArgs(gone, LayoutType.SCSI, -1, Bitmap.EMPTY));
        assertThat(first.flags()).isZero();
    }

    private static List<Opaque> devices(Session session) {
        return Session.find(
                        GetDeviceListResult.class,
                        session.ok(Tree.PUT_ROOT, new GetDeviceListArgs(LayoutType.SCSI, -1, 0, 0)))
                .devices();
    }

    private void mds(String command, String... arguments) {
        var all = new ArrayList<>(List.of(command, "--control=" + Addresses.text(cluster.control())));
        all.addAll(List.of(arguments));
        var said = new StringWriter();
        int status = new CommandLine(new MdsCommand())
                .setOut(new PrintWriter(said))
                .setErr(new PrintWriter(said, true))
                .execute(all.toArray(String[]::new));
        assertThat(status).as(said.toString()).isZero();
    }
}
