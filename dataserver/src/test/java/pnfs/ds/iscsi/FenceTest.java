package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.Outcome;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.testing.Seeds;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.scsi.ReservationType;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;

/// What a fence promises: from its answer on no byte of the fenced initiator changes the volume. A writer
/// floods the unit over a real socket, in pieces of every kind, while it is fenced by PREEMPT AND ABORT or by
/// the metadata server's own fence; what the volume holds at the answer is what it holds when everything that
/// the writer has sent has been taken in.
@Timeout(120)
class FenceTest {
    private static final String TARGET = "iqn.2026-01.test:target";
    private static final int BLOCK = 4096;
    private static final int BYTES = 1 << 20;
    private static final int ROUNDS = 50;
    private static final int UNDER_WAY = 24;
    private static final long SERVER_KEY = 0x100;
    private static final long FIRST_VICTIM_KEY = 0x200;
    private static final ReservationType TYPE = ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY;

    @TempDir
    Path folder;

    private NioNetwork network;
    private Region region;
    private SharedVolume shared;
    private Listener listener;

    @BeforeEach
    void serve() throws IOException {
        Path path = folder.resolve("region");
        var meters = new SimpleMeterRegistry();
        RegionFile.format(path, RegionHeader.of(new UUID(1, 2), BLOCK, BYTES), IfPresent.REFUSE, written -> {});
        region = RegionFile.open(path, meters);
        shared = SharedVolume.open(new Volume(region));
        var settings = new TargetSettings(
                TARGET, List.of(), 64, 128, 1 << 20, 64 << 10, 64 << 10, 15, 30, AccessList.EVERYBODY);
        var target = new IscsiTarget(settings, new ScsiTarget(TARGET, List.of(shared), meters), meters);
        network = new NioNetwork(2, System::nanoTime);
        listener = network.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), target::accept, ConnectionLimits.DEFAULT);
    }

    @AfterEach
    void stop() {
        network.close();
        region.close();
    }

    private IscsiInitiator initiator(String name, long session) {
        var initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(listener.address(), TARGET, "iqn.2026-01.test:" + name, session));
        initiator.loggedIn().join();
        return initiator;
    }

    private static void reserveOut(IscsiInitiator by, ReserveOutAction action, long key, long actionKey) {
        by.persistentReserveOut(0, action, TYPE.wire(), new ReserveOutParameters(key, actionKey, false))
                .join();
    }

    @Seeds(20)
    void from_the_answer_of_a_fence_on_no_byte_of_the_fenced_changes_the_volume(RandomGenerator random) {
        try (var server = initiator("server", 1)) {
            reserveOut(server, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, SERVER_KEY);
            reserveOut(server, ReserveOutAction.RESERVE, SERVER_KEY, 0);
            for (int round = 0; round < ROUNDS; round++) {
                long victimKey = FIRST_VICTIM_KEY + round; // one that was fenced is none any more
                try (var victim = initiator("victim", 2 + round)) {
                    reserveOut(victim, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, victimKey);
                    var writer = new Writer(victim, new SplittableRandom(random.nextLong()));
                    writer.start();
                    writer.landed.acquireUninterruptibly(random.nextInt(1, UNDER_WAY));

                    if (random.nextBoolean()) {
                        reserveOut(server, ReserveOutAction.PREEMPT_AND_ABORT, SERVER_KEY, victimKey);
                    } else {
                        fenceBeside(victimKey);
                    }

                    byte[] atTheAnswer = content();
                    writer.stopped = true;
                    awaitAllTakenIn(victim);
                    assertThat(Arrays.mismatch(content(), atTheAnswer))
                            .as("first byte of round %d that changed after the fence", round)
                            .isEqualTo(-1);
                }
            }
        }
    }

    /// As the control protocol asks for it.
    private void fenceBeside(long key) {
        var answered = new CompletableFuture<Answer>();
        var pair = new KeyPair(SERVER_KEY, key);
        shared.reservations().change(now -> now.fence(new Nexus("pnfs-metadata-server", 0), pair), answered::complete);
        assertThat(answered.join())
                .isInstanceOfSatisfying(
                        Answer.Decided.class,
                        decided -> assertThat(decided.outcome()).isInstanceOf(Outcome.Done.class));
    }

    /// Commands of a session are taken in order: when this one is answered, so is everything sent before it.
    private static void awaitAllTakenIn(IscsiInitiator victim) {
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                victim.testUnitReady(0).join();
            } catch (CompletionException attention) {
                // It is told once that its registration is gone.
            }
        }
    }

    private byte[] content() {
        var bytes = new byte[BYTES];
        region.view(0, BYTES).get(bytes);
        return bytes;
    }

    /// Keeps so many writes under way, each full of a number of its own.
    private static final class Writer {
        private static final int[] BLOCKS = {1, 3, 16, 40};

        private final IscsiInitiator to;
        private final SplittableRandom random;
        private final Semaphore landed = new Semaphore(0);
        private volatile boolean stopped;

        Writer(IscsiInitiator to, SplittableRandom random) {
            this.to = to;
            this.random = random;
        }

        void start() {
            for (int i = 0; i < UNDER_WAY; i++) {
                write();
            }
        }

        private void write() {
            int blocks;
            long first;
            var data = ByteBuffer.allocateDirect(BLOCK * BLOCKS[BLOCKS.length - 1]);
            synchronized (random) {
                blocks = BLOCKS[random.nextInt(BLOCKS.length)];
                first = random.nextInt(BYTES / BLOCK - blocks + 1);
                long stamp = random.nextLong();
                for (int at = 0; at < blocks * BLOCK; at += Long.BYTES) {
                    data.putLong(at, stamp + at);
                }
            }
            to.write(0, first, blocks, data.limit(blocks * BLOCK), this::written);
        }

        private void written(int bytes, @Nullable RuntimeException failure) {
            landed.release();
            if (failure == null && !stopped) {
                write();
            }
        }
    }
}
