package pnfs.mds.store.engine;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.ReadTier;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;
import org.rocksdb.Status;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.StoreRefusedException;

/// The production engine: RocksDB in a directory of its own. One thread commits; whatever was queued while it
/// waited for the disk becomes the next group: one write, which leaves it with the operating system, and one
/// flush of the log.
///
/// On disk: RocksDB's own files. Among the keys, `META "format"` holds the version of everything above RocksDB,
/// a u32; it is written first and never changes. A log that is torn at its end, as `kill -9` or a power cut
/// leaves it, is taken up to the tear, behind which nothing was acknowledged; damage anywhere else is refused.
///
/// Safe for any thread, from [#open] to [#close]; after that nobody may call it.
public final class RocksDbEngine implements StoreEngine {
    /// Version 1: keys and values as the rooms' `…Records` classes describe them.
    static final int FORMAT_VERSION = 1;

    static final byte[] FORMAT_KEY = Keys.META.of("format".getBytes(StandardCharsets.US_ASCII));

    /// A group stops growing here, so that nobody's commit waits for everybody's.
    private static final long GROUP_BYTES = 8L << 20;

    /// RocksDB's file that is there wherever a database is.
    private static final String CURRENT = "CURRENT";

    /// What the operating system calls a full disk; RocksDB repeats it.
    private static final String NO_SPACE = "No space left on device";

    private static final long BLOCK_CACHE_BYTES = 64L << 20;
    /// What is in a buffer and not yet in a table is read from the log again by the next start, which takes 20
    /// ms for a MiB of log.
    private static final long WRITE_BUFFER_BYTES = 8L << 20;
    /// One is written to, one is becoming a table; the others are for a disk that is slow now and then.
    private static final int WRITE_BUFFERS = 4;
    /// The level below the small tables that buffers become. Were it as large as the whole store, each of its
    /// compactions, after four buffers, would write the store anew.
    private static final long BASE_LEVEL_BYTES = 32L << 20;
    private static final long TABLE_BYTES = 16L << 20;

    private static final int BLOOM_BITS_A_KEY = 10;
    private static final int INFO_LOGS_KEPT = 2;

    private final Options options;
    private final LRUCache blockCache;
    private final BloomFilter bloom;
    private final RocksDB db;
    private final WriteOptions durably = new WriteOptions().setSync(true);
    private final WriteOptions unforced = new WriteOptions();
    private final ReadOptions fromMemory = new ReadOptions().setReadTier(ReadTier.BLOCK_CACHE_TIER);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    /// Guarded by the lock, as is `closing`.
    private final ArrayDeque<Queued> queue = new ArrayDeque<>();

    private boolean closing;
    private @Nullable Thread committer;

    private record Queued(long ticket, Batch batch) {}

    private RocksDbEngine(Options options, LRUCache blockCache, BloomFilter bloom, RocksDB db) {
        this.options = options;
        this.blockCache = blockCache;
        this.bloom = bloom;
        this.db = db;
    }

    /// Opens the store in `directory`, or makes one where there is none yet.
    ///
    /// @throws StoreRefusedException when it is in use, of another version, damaged, or no store at all
    public static RocksDbEngine open(Path directory) {
        refuseForeign(directory);
        return open(directory, RocksDB::open);
    }

    /// Opens the store in `directory` as it is at this moment, to be read only: a server may have it open and
    /// go on changing it, which is not seen. Nothing is written to the directory.
    ///
    /// @throws StoreRefusedException as [#open], or when there is no store
    public static RocksDbEngine openReadOnly(Path directory) {
        if (!Files.exists(directory.resolve(CURRENT))) {
            throw new StoreRefusedException(
                    "store " + directory + " holds no store: name the directory that" + " 'pnfs mds --store' names");
        }
        return open(directory, RocksDB::openReadOnly);
    }

    @FunctionalInterface
    private interface Opener {
        RocksDB open(Options options, String path) throws RocksDBException;
    }

    private static RocksDbEngine open(Path directory, Opener opener) {
        RocksDB.loadLibrary();
        var blockCache = new LRUCache(BLOCK_CACHE_BYTES);
        var bloom = new BloomFilter(BLOOM_BITS_A_KEY);
        var options = new Options()
                .setCreateIfMissing(true)
                .setParanoidChecks(true)
                .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)
                .setWriteBufferSize(WRITE_BUFFER_BYTES)
                .setMaxWriteBufferNumber(WRITE_BUFFERS)
                .setMaxBytesForLevelBase(BASE_LEVEL_BYTES)
                .setTargetFileSizeBase(TABLE_BYTES)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(INFO_LOGS_KEPT)
                .setTableFormatConfig(
                        new BlockBasedTableConfig().setBlockCache(blockCache).setFilterPolicy(bloom));
        try {
            RocksDB db = opener.open(options, directory.toString());
            var engine = new RocksDbEngine(options, blockCache, bloom, db);
            try {
                engine.checkFormat(directory);
            } catch (RuntimeException e) {
                engine.release();
                throw e;
            }
            return engine;
        } catch (RocksDBException e) {
            options.close();
            bloom.close();
            blockCache.close();
            throw refusal(directory, e);
        }
    }

    /// RocksDB would happily put a new store among the files of somebody else.
    private static void refuseForeign(Path directory) {
        try {
            Files.createDirectories(directory);
            if (Files.exists(directory.resolve(CURRENT))) {
                return;
            }
            try (Stream<Path> files = Files.list(directory)) {
                if (files.findAny().isPresent()) {
                    throw new StoreRefusedException("store " + directory
                            + " is not empty and holds no store: choose an empty or new directory,"
                            + " or restore the store from a backup");
                }
            }
        } catch (IOException e) {
            throw new StoreRefusedException(
                    "store " + directory + " cannot be read or made (" + e
                            + "): choose a directory this user may write",
                    e);
        }
    }

    private static StoreRefusedException refusal(Path directory, RocksDBException e) {
        String what = String.valueOf(e.getMessage());
        Status status = e.getStatus();
        boolean damaged = status != null && status.getCode() == Status.Code.Corruption;
        String sentence;
        if (damaged) {
            sentence = " is damaged (" + what + "): restore it from a backup, or choose another directory";
        } else if (what.contains("/LOCK")) {
            sentence = " is in use: stop the server that has it open, or choose another directory";
        } else if (what.contains(NO_SPACE)) {
            sentence = " has no space left on its disk (" + what + "): free some and start again, nothing is lost";
        } else {
            sentence =
                    " cannot be opened (" + what + "): mend what keeps this user from it, or restore it from a backup";
        }
        return new StoreRefusedException("store " + directory + sentence, e);
    }

    private static CorruptStoreException unreadable(RocksDBException e) {
        return new CorruptStoreException("a record cannot be read: " + e.getMessage(), e);
    }

    private void checkFormat(Path directory) {
        byte[] format = get(FORMAT_KEY);
        if (format == null) {
            if (!isEmpty()) {
                throw new StoreRefusedException("store " + directory
                        + " is a RocksDB database of another program: choose an empty or new directory");
            }
            try {
                db.put(
                        durably,
                        FORMAT_KEY,
                        ByteBuffer.allocate(Integer.BYTES)
                                .putInt(FORMAT_VERSION)
                                .array());
            } catch (RocksDBException e) {
                throw refusal(directory, e);
            }
            return;
        }
        int version = format.length == Integer.BYTES ? ByteBuffer.wrap(format).getInt() : -1;
        if (version != FORMAT_VERSION) {
            throw new StoreRefusedException("store " + directory + " has format version " + version
                    + ", this server reads version " + FORMAT_VERSION
                    + ": start the server version that wrote it, or choose another directory");
        }
    }

    private boolean isEmpty() {
        try (RocksIterator all = db.newIterator()) {
            all.seekToFirst();
            return !all.isValid();
        }
    }

    @Override
    public void start(Listener listener) {
        committer = Thread.ofPlatform().name("store-committer").start(() -> commitGroups(listener));
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        try {
            return db.get(key);
        } catch (RocksDBException e) {
            throw unreadable(e);
        }
    }

    @Override
    public byte @Nullable [] get(byte[] key, Runnable beforeDisk) {
        try {
            return db.get(fromMemory, key);
        } catch (RocksDBException e) {
            if (!isNotInMemory(e)) {
                throw unreadable(e);
            }
        }
        beforeDisk.run();
        return get(key);
    }

    private static boolean isNotInMemory(RocksDBException e) {
        Status status = e.getStatus();
        return status != null && status.getCode() == Status.Code.Incomplete;
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive) {
        return new RocksCursor(db, fromInclusive, toExclusive, null);
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive, Runnable beforeDisk) {
        return new RocksCursor(db, fromInclusive, toExclusive, beforeDisk);
    }

    @Override
    public void commit(long ticket, Batch batch) {
        lock.lock();
        try {
            queue.add(new Queued(ticket, batch));
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        Thread running = committer;
        lock.lock();
        try {
            closing = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        if (running != null) {
            joinUninterruptibly(running);
        }
        release();
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // closing half a store helps nobody
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void release() {
        db.close();
        durably.close();
        unforced.close();
        fromMemory.close();
        options.close();
        bloom.close();
        blockCache.close();
    }

    private void commitGroups(Listener listener) {
        try {
            for (long last = writeGroup(); last > 0; last = writeGroup()) {
                listener.written(last);
                db.syncWal();
                listener.durable(last);
            }
        } catch (RocksDBException | RuntimeException e) {
            listener.failed(e);
        }
    }

    /// Waits for batches and writes what there is; returns the youngest ticket of it, 0 when the engine closes.
    private long writeGroup() throws RocksDBException {
        try (var group = new WriteBatch()) {
            long last = takeGroup(group);
            if (last > 0) {
                db.write(unforced, group);
            }
            return last;
        }
    }

    private long takeGroup(WriteBatch group) throws RocksDBException {
        long last = 0;
        lock.lock();
        try {
            while (queue.isEmpty() && !closing) {
                work.awaitUninterruptibly();
            }
            for (long bytes = 0; !queue.isEmpty() && bytes < GROUP_BYTES; ) {
                Queued next = queue.remove();
                add(group, next.batch());
                bytes += next.batch().bytes();
                last = next.ticket();
            }
        } finally {
            lock.unlock();
        }
        return last;
    }

    private static void add(WriteBatch group, Batch batch) throws RocksDBException {
        for (Batch.Change change : batch.changes()) {
            byte[] value = change.value();
            if (value == null) {
                group.delete(change.key());
            } else {
                group.put(change.key(), value);
            }
        }
    }

    /// Over one snapshot, and where somebody must not wait for a disk, in memory as far as that goes.
    private static final class RocksCursor implements Cursor {
        private final RocksDB db;
        /// Where it may have to begin again.
        private final @Nullable Snapshot snapshot;

        private final Slice end;
        /// What is to be done before it goes on from the disk; null when it may.
        private @Nullable Runnable beforeDisk;

        private ReadOptions options;
        private RocksIterator iterator;
        /// Where it stands.
        private byte[] at;

        private boolean started;

        RocksCursor(RocksDB db, byte[] from, byte[] toExclusive, @Nullable Runnable beforeDisk) {
            this.db = db;
            this.at = from;
            this.beforeDisk = beforeDisk;
            snapshot = beforeDisk == null ? null : db.getSnapshot();
            end = new Slice(toExclusive);
            options = options(beforeDisk == null ? ReadTier.READ_ALL_TIER : ReadTier.BLOCK_CACHE_TIER);
            iterator = db.newIterator(options); // without a snapshot it takes one here
        }

        private ReadOptions options(ReadTier tier) {
            return new ReadOptions()
                    .setSnapshot(snapshot)
                    .setIterateUpperBound(end)
                    .setReadTier(tier);
        }

        @Override
        public boolean next() {
            if (started) {
                iterator.next();
            } else {
                iterator.seek(at);
            }
            boolean found = iterator.isValid() || (!isAtEnd() && nextFromDisk());
            started = true;
            if (found && beforeDisk != null) {
                at = iterator.key();
            }
            return found;
        }

        /// Whether there is nothing more; otherwise not in memory.
        private boolean isAtEnd() {
            try {
                iterator.status();
                return true;
            } catch (RocksDBException e) {
                if (beforeDisk == null || !isNotInMemory(e)) {
                    throw unreadable(e);
                }
                return false;
            }
        }

        private boolean nextFromDisk() {
            requireNonNull(beforeDisk).run();
            beforeDisk = null;
            iterator.close();
            options.close();
            options = options(ReadTier.READ_ALL_TIER);
            iterator = db.newIterator(options);
            iterator.seek(at);
            if (started) {
                iterator.next();
            }
            return iterator.isValid() || !isAtEnd();
        }

        @Override
        public byte[] key() {
            return iterator.key();
        }

        @Override
        public byte[] value() {
            return iterator.value();
        }

        @Override
        public void close() {
            iterator.close();
            options.close();
            end.close();
            if (snapshot != null) {
                db.releaseSnapshot(snapshot);
            }
        }
    }
}
