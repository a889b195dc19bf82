package pnfs.it.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.client.PnfsFile;
import pnfs.wire.nfs4.NfsStatus;

/// Clients that write, read, remove and make files again for as long as they are let, and check everything they
/// see. One client has a file at a time; the next to read it is another one, through layouts or through the
/// metadata server.
final class TortureLoad implements AutoCloseable {
    private static final int FILES = 24;
    private static final int SECTORS = 512;
    private static final int LONGEST_RUN = 64;
    private static final int RUNS = 6;
    private static final int REMOVED_ONE_IN = 12;

    /// A name, and the file that has it now.
    private static final class Named {
        private final ReentrantLock lock = new ReentrantLock();
        private final String path;
        /// Null while nothing has the name. Guarded by the lock.
        private @Nullable StampedFile file;

        Named(String path) {
            this.path = path;
        }
    }

    private final Cluster cluster;
    private final List<Named> files = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<?>> workers = new ArrayList<>();
    private final AtomicLong fileNumbers = new AtomicLong();
    private final LongAdder acknowledged = new LongAdder();
    private final LongAdder checks = new LongAdder();
    private final LongAdder writtenAgain = new LongAdder();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicLong staleBytes = new AtomicLong();
    private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
    private volatile boolean ending;

    TortureLoad(Cluster cluster) {
        this.cluster = cluster;
        for (int i = 0; i < FILES; i++) {
            files.add(new Named("/stamped-" + i));
        }
    }

    /// Begins with so many clients.
    void begin(int writers, SplittableRandom random) {
        for (int writer = 1; writer <= writers; writer++) {
            int number = writer;
            SplittableRandom own = random.split();
            workers.add(threads.submit(() -> {
                work(number, own);
                return null;
            }));
        }
    }

    /// Acknowledgements of fsync, remove and checked reads so far.
    long progress() {
        return acknowledged.sum() + checks.sum();
    }

    long acknowledgements() {
        return acknowledged.sum();
    }

    long checks() {
        return checks.sum();
    }

    /// Calls of fsync that said that something was lost before it was acknowledged.
    long writtenAgain() {
        return writtenAgain.sum();
    }

    int lostAcknowledgements() {
        return lost.get();
    }

    long staleBytes() {
        return staleBytes.get();
    }

    /// What went wrong, a sentence each.
    List<String> complaints() {
        return List.copyOf(complaints);
    }

    /// Lets every client finish what it does, and reads all files once more both ways.
    void end() throws IOException, InterruptedException {
        ending = true;
        for (Future<?> worker : workers) {
            try {
                worker.get();
            } catch (ExecutionException e) {
                complaints.add("a client gave up: " + e.getCause());
            }
        }
        try (PnfsClient direct = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            for (Named named : files) {
                check(direct, named);
                check(through, named);
            }
        }
    }

    @Override
    public void close() {
        ending = true;
        threads.shutdownNow();
        threads.close();
    }

    private void work(int writer, SplittableRandom random) throws IOException {
        try (PnfsClient direct = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            while (!ending) {
                Named named = files.get(random.nextInt(FILES));
                if (!named.lock.tryLock()) {
                    continue;
                }
                try {
                    check(random.nextBoolean() ? direct : through, named);
                    if (named.file != null && random.nextInt(REMOVED_ONE_IN) == 0) {
                        remove(direct, named);
                    } else {
                        write(random.nextInt(8) == 0 ? through : direct, named, writer, random);
                    }
                } finally {
                    named.lock.unlock();
                }
            }
        }
    }

    private void check(PnfsClient client, Named named) throws IOException {
        StampedFile file = named.file;
        if (file == null) {
            requireMissing(client, named);
            return;
        }
        ByteBuffer content = ByteBuffer.allocate(SECTORS * StampedFile.SECTOR_BYTES);
        try (PnfsFile open = client.open(named.path, StandardOpenOption.READ)) {
            while (content.hasRemaining() && open.read(content.position(), content) > 0) {
                // Until all of it is here.
            }
        } catch (PnfsException e) {
            if (e.status() != NfsStatus.NOENT) {
                throw e;
            }
            lost.incrementAndGet();
            complaints.add(named.path + " is gone");
            named.file = null;
            return;
        }
        checks.increment();
        StampedFile.Damage damage = file.check(content.flip());
        if (!damage.equals(StampedFile.Damage.NONE)) {
            lost.addAndGet(damage.lost());
            staleBytes.addAndGet(damage.staleBytes());
            complaints.add(named.path + ": " + damage);
        }
    }

    private void requireMissing(PnfsClient client, Named named) throws IOException {
        try {
            client.stat(named.path);
            lost.incrementAndGet();
            complaints.add(named.path + " was removed and is there");
            client.remove(named.path);
        } catch (PnfsException e) {
            if (e.status() != NfsStatus.NOENT) {
                throw e;
            }
            checks.increment();
        }
    }

    private void remove(PnfsClient client, Named named) throws IOException {
        try {
            client.remove(named.path);
        } catch (PnfsException e) {
            if (e.status() != NfsStatus.NOENT) { // which a resent REMOVE may hear
                throw e;
            }
        }
        named.file = null;
        acknowledged.increment();
    }

    /// Some runs of sectors, then fsync, once or several times.
    private void write(PnfsClient client, Named named, int writer, SplittableRandom random) throws IOException {
        StampedFile file = named.file;
        if (file == null) {
            file = new StampedFile(fileNumbers.incrementAndGet(), SECTORS);
        }
        try (PnfsFile open = client.open(named.path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            named.file = file;
            for (int burst = random.nextInt(1, 4); burst > 0 && !ending; burst--) {
                for (int run = random.nextInt(1, RUNS); run > 0; run--) {
                    int first = random.nextInt(SECTORS);
                    int count = Math.min(random.nextInt(1, LONGEST_RUN), SECTORS - first);
                    open.write((long) first * StampedFile.SECTOR_BYTES, file.write(first, count, writer));
                }
                while (!synced(open)) {
                    for (int sector : file.unacknowledged()) {
                        open.write((long) sector * StampedFile.SECTOR_BYTES, file.write(sector, 1, writer));
                    }
                }
                file.acknowledged();
                acknowledged.increment();
            }
        }
    }

    private boolean synced(PnfsFile file) throws IOException {
        try {
            file.fsync();
            return true;
        } catch (PnfsException e) {
            if (!String.valueOf(e.getMessage()).contains("write them again")) {
                throw e;
            }
            writtenAgain.increment();
            return false;
        }
    }
}
