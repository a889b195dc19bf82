package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pnfs.it.conformance.Tree.at;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;
import pnfs.it.conformance.Tree.Opened;
import pnfs.it.process.Cluster;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.Extent;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiBlockDevice;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.xdr.Opaque;

/// I1 on real processes: a client that fell silent with a layout cannot write any more, from the moment on at
/// which somebody else can. The lease of this server is as short as it gets.
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FenceTest {
    private static final int BLOCK = 4096;
    private static final long CAPACITY = 64L << 20;

    @TempDir
    static Path folder;

    private static Cluster cluster;
    private static Suite suite;
    private static NioNetwork network;

    @BeforeAll
    static void start() throws IOException {
        cluster = Cluster.start(folder, new Cluster.Shape(1, CAPACITY, List.of("--lease", "1s")));
        suite = new Suite(cluster.nfs());
        network = new NioNetwork(1, System::nanoTime);
    }

    @AfterAll
    static void end() {
        network.close();
        suite.close();
        cluster.close();
    }

    /// A client that knows a layout and writes to it, and says nothing to the metadata server in between.
    private static final class Writer {
        final Session session;
        final Opened opened;
        final Stateid layout;
        final Extent extent;
        final long key;
        final IscsiBlockDevice disk;

        Writer(String owner, long verifier, String folderName, String file) throws IOException {
            this(owner, verifier, folderName, file, portal());
        }

        Writer(String owner, long verifier, String folderName, String file, InetSocketAddress portal)
                throws IOException {
            session = Owner.exchange(suite.connect(), owner, verifier).createSession();
            session.ok(new ReclaimCompleteArgs(false));
            Tree tree = Tree.find(session, folderName);
            opened = tree.open(file, "writer", ShareBits.BOTH);
            LayoutGetResult got = Session.find(
                    LayoutGetResult.class,
                    session.ok(ScsiLayouts.get(opened, FileRange.of(0, BLOCK), opened.stateid())));
            layout = got.stateid();
            extent = ScsiLayoutCodec.readLayout(
                            got.segments().getFirst().content().body(), 10)
                    .getFirst();
            Opaque device = Opaque.of(extent.device().bytes());
            key = ScsiLayoutCodec.readDevice(
                            Session.find(
                                            GetDeviceInfoResult.class,
                                            session.ok(
                                                    new GetDeviceInfoArgs(device, LayoutType.SCSI, -1, Bitmap.EMPTY)))
                                    .address()
                                    .body(),
                            designator -> new Scsi(new RegionId(new UUID(0, 0)), CAPACITY, designator))
                    .key();
            disk = disk(owner, portal);
        }

        static Writer registered(String owner, long verifier, String folderName, String file) throws IOException {
            var writer = new Writer(owner, verifier, folderName, file);
            writer.disk.register(writer.key).join();
            return writer;
        }

        void write(int content) {
            begin(content).join();
        }

        CompletableFuture<Integer> begin(int content) {
            var done = new CompletableFuture<Integer>();
            ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
            while (block.hasRemaining()) {
                block.put((byte) content);
            }
            disk.write(extent.volumeOffset(), block.flip(), (bytes, failure) -> {
                if (failure == null) {
                    done.complete(bytes);
                } else {
                    done.completeExceptionally(failure);
                }
            });
            return done;
        }

        void expectShutOut() {
            assertThatThrownBy(() -> write('l'))
                    .hasRootCauseInstanceOf(ScsiException.class)
                    .hasRootCauseMessage("RESERVATION CONFLICT");
        }
    }

    private static ClusterStatus.DataServer dataServer() throws IOException {
        return PnfsClient.status(cluster.control()).dataServers().getFirst();
    }

    private static InetSocketAddress portal() throws IOException {
        String[] portal = dataServer().portals().getFirst().split(":", 2);
        return new InetSocketAddress(portal[0], Integer.parseInt(portal[1]));
    }

    private static IscsiBlockDevice disk(String name, InetSocketAddress portal) throws IOException {
        IscsiInitiator initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(portal, dataServer().targetName(), "iqn.2026-01.test:" + name, 1));
        return IscsiBlockDevice.open(initiator, 0).join();
    }

    private static PnfsClient client() throws IOException {
        return PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
    }

    private static byte[] content(int of) {
        var bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) of);
        return bytes;
    }

    private static void put(PnfsClient client, String path, int content) throws IOException {
        try (PnfsFile file = client.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(0, ByteBuffer.wrap(content(content)));
            file.fsync();
        }
    }

    private static byte[] get(PnfsClient client, String path) throws IOException {
        try (PnfsFile file = client.open(path, StandardOpenOption.READ)) {
            var into = ByteBuffer.allocate(BLOCK);
            file.read(0, into);
            return into.array();
        }
    }

    private static String prepare(PnfsClient other) throws IOException {
        String name = suite.name();
        other.mkdir("/" + name);
        put(other, "/" + name + "/file", 'a');
        return name;
    }

    @Test
    void I1_the_late_write_of_a_silent_client_is_refused_and_it_can_begin_anew() throws IOException {
        try (PnfsClient other = client()) {
            String name = prepare(other);
            var silent = Writer.registered("silent-" + name, 1, name, "file");
            silent.write('s');

            put(other, "/" + name + "/file", 'o');

            silent.expectShutOut();
            assertThat(get(other, "/" + name + "/file")).isEqualTo(content('o'));
            assertThat(PnfsClient.status(cluster.control()).fences()).isEmpty();
            put(other, "/" + name + "/own", 'a');
            var again = Writer.registered("silent-" + name, 2, name, "own");
            assertThat(again.key).isNotEqualTo(silent.key);
            again.write('n');
        }
    }

    @Test
    void I1_a_client_that_stood_still_before_it_registered_its_key_cannot_do_so_after_its_fence() throws IOException {
        try (PnfsClient other = client()) {
            String name = prepare(other);
            var late = new Writer("late-" + name, 1, name, "file");

            put(other, "/" + name + "/file", 'o');

            assertThatThrownBy(() -> late.disk.register(late.key).join())
                    .hasRootCauseInstanceOf(ScsiException.class)
                    .hasRootCauseMessage("RESERVATION CONFLICT");
            late.expectShutOut();
            cluster.dataServer(0).kill();
            cluster.restartDataServer(0);
            assertThatThrownBy(() ->
                            disk("late-" + name, portal()).register(late.key).join())
                    .hasRootCauseInstanceOf(ScsiException.class)
                    .hasRootCauseMessage("RESERVATION CONFLICT");
            assertThat(get(other, "/" + name + "/file")).isEqualTo(content('o'));
        }
    }

    @Test
    void I1_a_client_that_does_not_come_back_after_a_restart_of_the_metadata_server_is_fenced() throws IOException {
        try (PnfsClient other = client()) {
            String name = prepare(other);
            var silent = Writer.registered("silent-" + name, 1, name, "file");
            silent.write('s');
            cluster.mds().kill();
            cluster.restartMds();

            put(other, "/" + name + "/file", 'o');

            silent.expectShutOut();
            assertThat(get(other, "/" + name + "/file")).isEqualTo(content('o'));
        }
    }

    @Test
    void I1_blocks_of_a_data_server_that_is_away_wait_until_it_is_back_and_fenced_the_client() throws IOException {
        try (PnfsClient other = client()) {
            String name = prepare(other);
            var silent = Writer.registered("silent-" + name, 1, name, "file");
            cluster.dataServer(0).kill();
            Thread waiting = Thread.ofVirtual().start(() -> {
                try {
                    put(other, "/" + name + "/file", 'o');
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            await(() -> !PnfsClient.status(cluster.control()).fences().isEmpty());
            assertThat(PnfsClient.status(cluster.control()).fences())
                    .extracting(ClusterStatus.Fence::key)
                    .containsExactly(silent.key);

            cluster.restartDataServer(0);
            join(waiting);

            silent.expectShutOut();
            assertThat(get(other, "/" + name + "/file")).isEqualTo(content('o'));
        }
    }

    @Test
    void I5_what_a_client_sent_before_it_reported_a_failed_write_does_not_come_over_what_others_write_next()
            throws Exception {
        try (PnfsClient other = client();
                var wire = new HeldWire(portal())) {
            String name = prepare(other);
            var writer = new Writer("stuck-" + name, 1, name, "file", wire.address());
            writer.disk.register(writer.key).join();
            writer.write('w');
            wire.hold();
            CompletableFuture<Integer> stuck = writer.begin('l');
            wire.awaitHeld(BLOCK);

            var error = new DeviceError(Opaque.of(writer.extent.device().bytes()), NfsStatus.NXIO, OpCode.WRITE);
            writer.session.ofMinorVersion(2);
            writer.session.ok(
                    at(writer.opened.file(), new LayoutErrorArgs(FileRange.WHOLE_FILE, writer.layout, List.of(error))));
            writer.session.ok(ScsiLayouts.giveBack(writer.opened, writer.layout, FileRange.WHOLE_FILE));
            put(other, "/" + name + "/file", 'o');
            wire.letGo();

            assertThat(get(other, "/" + name + "/file")).isEqualTo(content('o'));
            assertThat(stuck).isNotDone();
        }
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(Condition condition) throws IOException {
        while (!condition.holds()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
