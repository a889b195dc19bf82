package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.LoginStage;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.SendTargets;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.scsi.VpdPage;

/// The target over real sockets and a region on a disk, with the initiator that clients use.
@Timeout(60)
class TargetSocketTest {
    private static final String TARGET = "iqn.2026-01.test:target";
    private static final int BYTES = 8 << 20;

    @TempDir
    Path folder;

    private NioNetwork network;
    private Region region;
    private Listener listener;

    @BeforeEach
    void serve() throws IOException {
        Path path = folder.resolve("region");
        var meters = new SimpleMeterRegistry();
        RegionFile.format(path, RegionHeader.of(new UUID(1, 2), 4096, BYTES), IfPresent.REFUSE, written -> {});
        region = RegionFile.open(path, meters);
        var settings = new TargetSettings(
                TARGET, List.of(), 64, 128, 1 << 20, 4 << 20, 256 << 10, 15, 30, AccessList.EVERYBODY);
        var volume = SharedVolume.open(new Volume(region));
        var target = new IscsiTarget(settings, new ScsiTarget(TARGET, List.of(volume), meters), meters);
        network = new NioNetwork(2, System::nanoTime);
        listener = network.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), target::accept, ConnectionLimits.DEFAULT);
    }

    @AfterEach
    void stop() {
        network.close();
        region.close();
    }

    private IscsiInitiator initiator(int number) {
        var initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(listener.address(), TARGET, "iqn.2026-01.test:client" + number, number));
        initiator.loggedIn().join();
        return initiator;
    }

    private static CompletableFuture<Integer> write(IscsiInitiator to, long block, byte[] data) {
        var done = new CompletableFuture<Integer>();
        to.write(0, block, data.length / 4096, ByteBuffer.wrap(data), (bytes, failure) -> finish(done, bytes, failure));
        return done;
    }

    private static CompletableFuture<Integer> read(IscsiInitiator from, long block, ByteBuffer into) {
        var done = new CompletableFuture<Integer>();
        from.read(0, block, into.remaining() / 4096, into, (bytes, failure) -> finish(done, bytes, failure));
        return done;
    }

    private static void finish(CompletableFuture<Integer> done, int bytes, @Nullable RuntimeException failure) {
        if (failure == null) {
            done.complete(bytes);
        } else {
            done.completeExceptionally(failure);
        }
    }

    @Test
    void an_initiator_finds_us_and_the_disk_by_its_name() {
        var found = SendTargets.ask(network, listener.address(), "iqn.2026-01.test:client")
                .join();
        assertThat(found).singleElement().satisfies(target -> {
            assertThat(target.name()).isEqualTo(TARGET);
            assertThat(target.portals()).singleElement().satisfies(portal -> {
                assertThat(portal.getHostString()).isEqualTo("127.0.0.1");
                assertThat(portal.getPort()).isEqualTo(listener.address().getPort());
            });
        });

        try (var initiator = initiator(1)) {
            assertThat(initiator.readCapacity(0).join().bytes()).isEqualTo(BYTES);
            assertThat(initiator.reportLuns().join().luns()).containsExactly(0);
            assertThat(initiator
                            .vitalProductData(0, VpdPage.DEVICE_IDENTIFICATION)
                            .join())
                    .isInstanceOfSatisfying(
                            VpdPage.DeviceIdentification.class,
                            names -> assertThat(names.designators().getFirst())
                                    .hasToString(region.header().naa().toString()));
        }
    }

    @Test
    void many_sessions_write_at_once_and_each_reads_back_what_it_wrote() {
        int sessions = 8;
        int bytesEach = BYTES / sessions;
        var initiators = new ArrayList<IscsiInitiator>();
        var written = new ArrayList<byte[]>();
        var done = new ArrayList<CompletableFuture<Integer>>();
        for (int s = 0; s < sessions; s++) {
            initiators.add(initiator(s));
            var data = new byte[bytesEach];
            new Random(s).nextBytes(data);
            written.add(data);
        }

        // Copied, in place, and over several bursts.
        int[] pieces = {4096, 20_480, 768 << 10};
        for (int s = 0; s < sessions; s++) {
            for (int at = 0, i = 0; at < bytesEach; i++) {
                int length = Math.min(pieces[i % pieces.length], bytesEach - at);
                byte[] piece = Arrays.copyOfRange(written.get(s), at, at + length);
                done.add(write(initiators.get(s), ((long) s * bytesEach + at) / 4096, piece));
                at += length;
            }
        }
        done.forEach(CompletableFuture::join);

        for (int s = 0; s < sessions; s++) {
            var back = ByteBuffer.allocate(bytesEach);
            assertThat(read(initiators.get(s), (long) s * bytesEach / 4096, back)
                            .join())
                    .isEqualTo(bytesEach);
            assertThat(back.array()).isEqualTo(written.get(s));
            assertThat(region.view((long) s * bytesEach, bytesEach)).isEqualTo(ByteBuffer.wrap(written.get(s)));
        }
        initiators.forEach(IscsiInitiator::close);
    }

    @Test
    void a_peer_that_talks_something_else_disturbs_nobody() throws IOException {
        try (var initiator = initiator(1);
                var stranger = new Socket(
                        listener.address().getAddress(), listener.address().getPort())) {
            String request = "GET / HTTP/1.1\r\nHost: target\r\n".repeat(20);
            stranger.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            assertThat(stranger.getInputStream().read()).as("closed").isEqualTo(-1);

            assertThat(write(initiator, 0, new byte[4096]).join()).isEqualTo(4096);
        }
    }

    @Test
    void a_login_does_not_wait_for_the_former_connection_to_take_what_was_sent_to_it() throws IOException {
        RawInitiator pdus = new TargetFixture().connect();
        byte[] login = pdus.bytes(
                pdus.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE)),
                LoginKeys.of(LoginKeys.INITIATOR_NAME, RawInitiator.NAME, LoginKeys.TARGET_NAME, TARGET)
                        .plus(LoginKeys.SESSION_TYPE, "Normal")
                        .toBytes());
        try (var former = new Socket(
                        listener.address().getAddress(), listener.address().getPort());
                var next = new Socket(
                        listener.address().getAddress(), listener.address().getPort())) {
            former.getOutputStream().write(login);
            assertThat(former.getInputStream().read()).isEqualTo(Opcode.LOGIN_RESPONSE);
            for (int i = 0; i < 16; i++) {
                former.getOutputStream().write(pdus.bytes(pdus.read16(0, 1024), new byte[0]));
            }

            next.setSoTimeout(10_000); // a peer that takes nothing is cut off after 30 s
            next.getOutputStream().write(login);

            assertThat(next.getInputStream().read()).isEqualTo(Opcode.LOGIN_RESPONSE);
        }
    }
}
