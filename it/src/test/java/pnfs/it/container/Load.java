package pnfs.it.container;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.client.PnfsFile;

/// Work that knows what it must find: a few writers, each with a file of its own that it overwrites at random
/// places, fsync after each write. Now and then the file is closed and a second client reads all of it. What
/// was acknowledged must be there and nothing else may be: neither a lost write nor a stale byte nor a failed
/// call passes. It prints how much it has looked at.
final class Load implements AutoCloseable {
    private static final AtomicInteger LOADS = new AtomicInteger();
    private static final int WRITERS = 3;
    private static final int FILE_BYTES = 512 << 10;
    private static final int MAX_WRITE_BYTES = 64 << 10;
    private static final int WRITES_A_ROUND = 8;

    private final PnfsClient writing;
    private final PnfsClient reading;
    private final AtomicLong acknowledged = new AtomicLong();
    private final LongAdder comparedBytes = new LongAdder();
    private final LongAdder staleBytes = new LongAdder();
    private final LongAdder lostWrites = new LongAdder();
    private final List<Writer> writers = new ArrayList<>();
    private final List<CompletableFuture<Void>> running = new ArrayList<>();
    private volatile boolean stopping;

    private Load(PnfsClient writing, PnfsClient reading) {
        this.writing = writing;
        this.reading = reading;
    }

    /// Begins at once, in threads of its own.
    static Load start(PnfsCluster cluster) throws IOException {
        return start(cluster.client(), cluster.client());
    }

    static Load start(PnfsClient writing, PnfsClient reading) {
        var load = new Load(writing, reading);
        int number = LOADS.incrementAndGet();
        for (int i = 0; i < WRITERS; i++) {
            var writer = load.new Writer("/load" + number + "-" + i, new SplittableRandom(i));
            load.writers.add(writer);
            load.running.add(CompletableFuture.runAsync(
                    writer,
                    task -> Thread.ofPlatform().daemon().name(writer.path).start(task)));
        }
        return load;
    }

    private final class Writer implements Runnable {
        private final String path;
        private final SplittableRandom random;
        private final byte[] expected = new byte[FILE_BYTES];
        /// Of each byte, which write it is of; 0 where nothing was written.
        private final int[] writtenBy = new int[FILE_BYTES];
        private int writes;
        private int length;

        Writer(String path, SplittableRandom random) {
            this.path = path;
            this.random = random;
        }

        @Override
        public void run() {
            try {
                while (!stopping) {
                    round();
                    verify(reading);
                }
            } catch (IOException e) {
                throw new AssertionError(path + ": " + e.getMessage(), e);
            }
        }

        private void round() throws IOException {
            try (PnfsFile file = writing.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                for (int i = 0; i < WRITES_A_ROUND && !stopping; i++) {
                    var bytes = new byte[random.nextInt(1, MAX_WRITE_BYTES)];
                    random.nextBytes(bytes);
                    int offset = random.nextInt(FILE_BYTES - bytes.length);
                    do {
                        file.write(offset, ByteBuffer.wrap(bytes));
                    } while (!committed(file));
                    System.arraycopy(bytes, 0, expected, offset, bytes.length);
                    Arrays.fill(writtenBy, offset, offset + bytes.length, ++writes);
                    length = Math.max(length, offset + bytes.length);
                    acknowledged.incrementAndGet();
                }
            }
        }

        /// What was not committed yet may be lost with a server; then it says so, and wants it again.
        private static boolean committed(PnfsFile file) throws IOException {
            try {
                file.fsync();
                return true;
            } catch (PnfsException e) {
                if (String.valueOf(e.getMessage()).contains("write them again")) {
                    return false;
                }
                throw e;
            }
        }

        void verify(PnfsClient client) throws IOException {
            try (PnfsFile file = client.open(path, StandardOpenOption.READ)) {
                assertThat(file.size()).as("length of " + path).isEqualTo(length);
                ByteBuffer found = ByteBuffer.allocate(length);
                while (found.hasRemaining()) {
                    assertThat(file.read(found.position(), found)).isPositive();
                }
                compare(found.array());
            }
        }

        private void compare(byte[] found) {
            var lost = new BitSet();
            for (int at = 0; at < length; at++) {
                if (found[at] != expected[at]) {
                    staleBytes.increment();
                    lost.set(writtenBy[at]);
                }
            }
            comparedBytes.add(length);
            lost.clear(0);
            lostWrites.add(lost.cardinality());
            assertThat(Arrays.mismatch(found, 0, length, expected, 0, length))
                    .as("first byte of " + path + " that is not what was acknowledged")
                    .isEqualTo(-1);
        }
    }

    /// Returns when as many more writes as it takes to say that all is well have been acknowledged.
    void awaitProgress() {
        long wanted = acknowledged.get() + 10L * WRITERS;
        Await.until(wanted + " writes are acknowledged", () -> {
            running.stream().filter(CompletableFuture::isDone).forEach(CompletableFuture::join);
            return acknowledged.get() >= wanted;
        });
    }

    long acknowledged() {
        return acknowledged.get();
    }

    /// Ends the work and reads everything back by another client.
    void stopAndVerify(PnfsClient client) throws IOException {
        try {
            stopping = true;
            running.forEach(CompletableFuture::join);
            for (Writer writer : writers) {
                writer.verify(client);
            }
        } finally {
            System.out.printf(
                    "load: %s writes acknowledged, %s lost; %s bytes compared, %s stale%n",
                    acknowledged, lostWrites, comparedBytes, staleBytes);
        }
    }

    @Override
    public void close() {
        stopping = true;
    }
}
