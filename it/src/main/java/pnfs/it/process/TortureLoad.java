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
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;

/// Clients that write, read, remove and make files again for as long as they are let, and check everything they
/// see. One client has a file at a time; the next to read it is another one, through layouts or through the
/// metadata server.
final class TortureLoad implements AutoCloseable {
    private static final int FILES = 24;
    private static final int SECTORS = 512;
    private static final int LONGEST_RUN = 64;
    private static final int RUNS = 6;
    /// Of so many turns one removes the file, one moves it, one puts another one in its place; the others write.
    private static final int ACTS = 12;

    private static final List<String> FOLDERS = List.of("/here/", "/there/");

    /// Two names, and the file that has one of them now. Guarded by the lock.
    private static final class Named {
        private final ReentrantLock lock = new ReentrantLock();
        private final List<String> names;
        private String path;
        /// Null while nothing has either name.
        private @Nullable StampedFile file;

        Named(int number) {
            names = FOLDERS.stream().map(folder -> folder + "stamped-" + number).toList();
            path = names.getFirst();
        }

        String otherName() {
            return names.get(1 - names.indexOf(path));
        }
    }

    private final Cluster cluster;
    private final TortureLog log;
    private final List<Named> files = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<?>> workers = new ArrayList<>();
    private final AtomicLong fileNumbers = new AtomicLong();
    private final LongAdder acknowledged = new LongAdder();
    private final LongAdder checks = new LongAdder();
    private final LongAdder writtenAgain = new LongAdder();
    private final LongAdder doneTwice = new LongAdder();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicLong staleBytes = new AtomicLong();
    private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
    private volatile boolean ending;

    TortureLoad(Cluster cluster, TortureLog log) {
        this.cluster = cluster;
        this.log = log;
        for (int i = 0; i < FILES; i++) {
            files.add(new Named(i));
        }
    }

    /// Begins with so many clients.
    void begin(int writers, SplittableRandom random) throws IOException {
        try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
            for (String folder : FOLDERS) {
                client.mkdirs(folder);
            }
        }
        for (int writer = 1; writer <= writers; writer++) {
            int number = writer;
            SplittableRandom own = random.split();
            workers.add(threads.submit(() -> {
                try {
                    work(number, own);
                } catch (IOException | RuntimeException e) {
                    complaints.add("client " + number + " gave up: " + e);
                    log.note("client " + number + " gave up", e);
                }
            }));
        }
    }

    private void complain(String what) {
        complaints.add(what);
        log.note(what);
    }

    /// Acknowledgements of fsync, remove and rename, and checked reads and names so far.
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

    /// Requests that were carried out, asked again because the answer was lost, and refused then.
    long doneTwice() {
        return doneTwice.sum();
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

    /// Lets every client finish what it does, reads all files once more both ways, and looks for names that
    /// should not be there.
    void end() throws IOException, InterruptedException {
        ending = true;
        for (Future<?> worker : workers) {
            try {
                worker.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        try (PnfsClient direct = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            for (Named named : files) {
                check(direct, named);
                check(through, named);
            }
            requireOnlyKnownNames(direct);
        }
    }

    private void requireOnlyKnownNames(PnfsClient client) throws IOException {
        for (String folder : FOLDERS) {
            List<String> there = client.list(folder).stream()
                    .filter(entry -> entry.info().type() == FileType.REGULAR)
                    .map(entry -> folder + entry.name())
                    .sorted()
                    .toList();
            List<String> known = files.stream()
                    .filter(named -> named.file != null)
                    .map(named -> named.path)
                    .filter(path -> path.startsWith(folder) && path.lastIndexOf('/') == folder.length() - 1)
                    .sorted()
                    .toList();
            if (!there.equals(known)) {
                complain(folder + " has " + there + " and should have " + known);
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
                    act(random.nextInt(8) == 0 ? through : direct, named, writer, random);
                } finally {
                    named.lock.unlock();
                }
            }
        }
    }

    private void act(PnfsClient client, Named named, int writer, SplittableRandom random) throws IOException {
        StampedFile file = named.file;
        int what = random.nextInt(ACTS);
        if (file == null) {
            named.path = named.names.get(random.nextInt(named.names.size()));
            named.file = create(client, named.path, writer, random);
        } else if (what == 0) {
            remove(client, named.path);
            named.file = null;
        } else if (what == 1) {
            String target = named.otherName();
            rename(client, named.path, target);
            named.path = target;
        } else if (what == 2) {
            String replacement = named.path + ".new";
            StampedFile next = create(client, replacement, writer, random);
            rename(client, replacement, named.path);
            named.file = next;
        } else {
            try (PnfsFile open = client.open(named.path, StandardOpenOption.WRITE)) {
                write(open, file, writer, random);
            }
        }
    }

    /// The file has its name, and its content, and no other name.
    private void check(PnfsClient client, Named named) throws IOException {
        StampedFile file = named.file;
        for (String name : named.names) {
            if (file == null || !name.equals(named.path)) {
                requireMissing(client, name);
            }
        }
        if (file == null) {
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
            complain(named.path + " is gone");
            named.file = null;
            return;
        }
        checks.increment();
        StampedFile.Damage damage = file.check(content.flip());
        if (!damage.equals(StampedFile.Damage.NONE)) {
            lost.addAndGet(damage.lost());
            staleBytes.addAndGet(damage.staleBytes());
            complain(named.path + ": " + damage + " in " + client.extents(named.path));
        }
    }

    private void requireMissing(PnfsClient client, String path) throws IOException {
        try {
            client.stat(path);
            lost.incrementAndGet();
            complain(path + " was taken away and is there");
            client.remove(path);
        } catch (PnfsException e) {
            if (e.status() != NfsStatus.NOENT) {
                throw e;
            }
            checks.increment();
        }
    }

    /// A new file that has this name, which nothing has.
    private StampedFile create(PnfsClient client, String path, int writer, SplittableRandom random) throws IOException {
        var file = new StampedFile(fileNumbers.incrementAndGet(), SECTORS);
        try (PnfsFile open = createNew(client, path)) {
            write(open, file, writer, random);
        }
        return file;
    }

    private PnfsFile createNew(PnfsClient client, String path) throws IOException {
        try {
            return client.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (PnfsException e) {
            requireRepeated(e, NfsStatus.EXIST);
            return client.open(path, StandardOpenOption.WRITE);
        }
    }

    private void remove(PnfsClient client, String path) throws IOException {
        try {
            client.remove(path);
        } catch (PnfsException e) {
            requireRepeated(e, NfsStatus.NOENT);
        }
        acknowledged.increment();
    }

    private void rename(PnfsClient client, String from, String to) throws IOException {
        try {
            client.rename(from, to);
        } catch (PnfsException e) {
            requireRepeated(e, NfsStatus.NOENT);
        }
        acknowledged.increment();
    }

    /// What one hears whose request was carried out, whose answer was lost, and whom the server does not remember
    /// when it asks again: sessions outlive the server so that nobody hears it.
    private void requireRepeated(PnfsException refusal, NfsStatus expected) throws PnfsException {
        if (refusal.status() != expected) {
            throw refusal;
        }
        doneTwice.increment();
        complain("done twice, or not what was acknowledged: " + refusal.getMessage());
    }

    /// Some runs of sectors, then fsync, once or several times.
    private void write(PnfsFile open, StampedFile file, int writer, SplittableRandom random) throws IOException {
        for (int burst = random.nextInt(1, 4); burst > 0; burst--) {
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
