package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import pnfs.testing.Seeds;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.NioNetwork;

/// `kill -9` of a data server while WRITE ATOMIC flows: each is whole or absent after the restart, and those that
/// were acknowledged are there.
@Timeout(120)
class AtomicWriteCrashTest {
    private static final int BLOCK = 4096;
    /// The longest that there is.
    private static final int BLOCKS = 256;

    private static final int PLACES = 4;

    /// Kills of one server after the other.
    private static final int KILLS = 4;

    /// Where one write follows the other, each as soon as the one before it was acknowledged, each with its number
    /// in all bytes.
    private static final class Place {
        private final int first;
        private final ByteBuffer data = ByteBuffer.allocateDirect(BLOCKS * BLOCK);
        int acknowledged;
        int latest;

        Place(int number) {
            this.first = (number + 1) * BLOCKS; // the first blocks have the disk signature
        }

        void write(IscsiInitiator initiator, Runnable whenAcknowledged) {
            latest++;
            initiator.writeAtomic(0, first, BLOCKS, fill(data.clear(), latest), (bytes, failure) -> {
                if (failure == null) {
                    acknowledged = latest;
                    whenAcknowledged.run();
                    write(initiator, whenAcknowledged);
                }
            });
        }

        void check(IscsiInitiator initiator) {
            var found = ByteBuffer.allocateDirect(BLOCKS * BLOCK);
            read(initiator, first, found).join();
            int value = found.getInt(0);
            assertThat(value).isBetween(acknowledged, latest);
            assertThat(found.mismatch(fill(data.clear(), value)))
                    .as("where it differs from write " + value)
                    .isNegative();
        }
    }

    private static ByteBuffer fill(ByteBuffer data, int value) {
        while (data.hasRemaining()) {
            data.putInt(value);
        }
        return data.flip();
    }

    /// On a file system in memory, where there is one: the less time goes into the disk, the more kills meet
    /// the copy itself.
    private static Path folder() throws IOException {
        Path inMemory = Path.of("/dev/shm");
        return Files.isWritable(inMemory)
                ? Files.createTempDirectory(inMemory, "pnfs-atomic")
                : Files.createTempDirectory("pnfs-atomic");
    }

    @Seeds(1)
    void each_write_is_whole_or_absent_and_acknowledged_ones_are_there(RandomGenerator random) throws IOException {
        Path folder = folder();
        Path region = folder.resolve("region");
        Path log = folder.resolve("ds.log");
        try {
            ServerProcess.run(log, List.of("format", "--size", "8MiB", region.toString()));
            List<Place> places = IntStream.range(0, PLACES).mapToObj(Place::new).toList();
            for (int kill = 0; kill < KILLS; kill++) {
                try (ServerProcess server = start(log, region);
                        var network = new NioNetwork(1, System::nanoTime);
                        var initiator = logIn(network, server)) {
                    places.forEach(place -> place.check(initiator));
                    var enough = new CompletableFuture<Void>();
                    var left = new AtomicInteger(random.nextInt(20, 200));
                    for (Place place : places) {
                        place.write(initiator, () -> {
                            if (left.decrementAndGet() == 0) {
                                enough.complete(null);
                            }
                        });
                    }
                    enough.join();
                    server.kill();
                } // with the network's loop ended, what it knows of the places is ours
            }
            try (ServerProcess server = start(log, region);
                    var network = new NioNetwork(1, System::nanoTime);
                    var initiator = logIn(network, server)) {
                places.forEach(place -> place.check(initiator));
            }
        } finally {
            Files.deleteIfExists(region);
            Files.deleteIfExists(log);
            Files.deleteIfExists(folder);
        }
    }

    private static CompletableFuture<Integer> read(IscsiInitiator initiator, long block, ByteBuffer into) {
        var done = new CompletableFuture<Integer>();
        initiator.read(0, block, into.remaining() / BLOCK, into, (bytes, failure) -> {
            if (failure == null) {
                done.complete(bytes);
            } else {
                done.completeExceptionally(failure);
            }
        });
        return done;
    }

    private static ServerProcess start(Path log, Path region) throws IOException {
        return ServerProcess.start(
                "ds",
                log,
                List.of("-Xmx128m"),
                List.of("ds", "--region", region.toString(), "--listen", "127.0.0.1:0"));
    }

    private static IscsiInitiator logIn(NioNetwork network, ServerProcess server) {
        String[] address = server.fact("iscsi").split(":", 2);
        var portal = new InetSocketAddress(address[0], Integer.parseInt(address[1]));
        var initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(portal, server.fact("target"), "iqn.2026-01.test:client", 1));
        initiator.loggedIn().join();
        return initiator;
    }
}
