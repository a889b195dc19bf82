package pnfs.mds.attribute;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Batch;
import pnfs.mds.store.DamagedRecords;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.Stored;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// All inodes: the store's, with the recently used ones at hand.
///
/// Safe for any thread. Reading takes no lock of the file's: an [Inode] is immutable, and the one returned was
/// current at some moment during the call. Whoever decides on what it says holds the file's lock, under which
/// alone it changes.
///
/// The cache never shows less than the store: a miss is loaded inside the cache's own lock for that number, and
/// a change enters the cache after it entered the store, so a load that raced with it is overwritten.
public final class Inodes {
    /// Exports at most; the high bits of an inode's number are its export's, so that a file belongs to one for
    /// good.
    public static final int MAX_EXPORTS = 1 << 15;

    private static final int EXPORT_SHIFT = 48;
    private static final long NUMBERS = (1L << EXPORT_SHIFT) - 1;
    /// The root of each export, under the export's number.
    private static final long ROOT = 1;

    /// So many numbers are reserved with one write.
    private static final long RESERVE = 4096;

    /// What other rooms keep about a file and what has to go with it.
    @FunctionalInterface
    public interface Belongings {
        /// Adds the removal of all that belongs to `file`. Called under the file's lock.
        void addRemoval(Batch batch, Inode file);
    }

    private final MetadataStore store;
    private final Cache<Long, Versioned<Inode>> cache;

    /// Guards the numbers below; a leaf: nothing is locked under it.
    private final ReentrantLock numbers = new ReentrantLock();

    private final RandomGenerator generations;
    private Delegates delegates = Delegates.NOBODY;
    private Belongings belongings = (_, _) -> {};
    private long next;
    private long reserved;
    /// The first number of files that this run makes.
    private final long first;

    /// @param cached how many inodes stay at hand
    /// @param generations makes handles that cannot be guessed
    public Inodes(MetadataStore store, int cached, RandomGenerator generations) {
        this.store = store;
        this.generations = generations;
        // The cache's upkeep runs in the thread that caused it: the middle has no threads of its own.
        this.cache = Caffeine.newBuilder()
                .maximumSize(cached)
                .executor(Runnable::run)
                .build();
        Stored last = store.get(InodeRecords.reservedKey());
        byte[] value = last.value();
        reserved = value == null ? ROOT + 1 : InodeRecords.readReserved(value);
        next = reserved;
        first = reserved;
    }

    /// Who is to be asked before a file changes. Before the first client comes.
    public void delegateTo(Delegates who) {
        delegates = who;
    }

    Delegates delegates() {
        return delegates;
    }

    /// The file a handle leads to; `state` waits for what made it so.
    ///
    /// @throws NfsException STALE when the file is gone or never was
    public Inode require(FileHandle file, CompoundState state) {
        Inode found = find(file.inode(), state);
        if (found == null || found.file().generation() != file.generation()) {
            throw new NfsException(NfsStatus.STALE, "no file " + file);
        }
        return found;
    }

    /// The same for whom it is enough that the file is not gone: one whose record is damaged passes.
    ///
    /// @throws NfsException STALE when the file is gone or never was
    public void requireNotGone(FileHandle file, CompoundState state) {
        damaged().leaveOut(() -> require(file, state));
    }

    /// The current file.
    ///
    /// @throws NfsException NOFILEHANDLE, STALE
    public Inode requireCurrent(CompoundState state) {
        return require(state.currentFile(), state);
    }

    /// The file of that number, null when there is none; `state` waits for either answer.
    public @Nullable Inode find(long id, CompoundState state) {
        Versioned<Inode> found = find(id);
        state.dependsOn(found.ticket());
        return found.value();
    }

    /// The same without a compound: the caller's reply waits for the ticket itself.
    public Versioned<Inode> find(long id) {
        Versioned<Inode> found = cache.get(id, this::load);
        return found != null
                ? found
                : new Versioned<>(null, store.get(InodeRecords.key(id)).ticket());
    }

    /// Null, which the cache does not keep, where there is no such file.
    private @Nullable Versioned<Inode> load(long id) {
        Stored stored = store.get(InodeRecords.key(id));
        byte[] value = stored.value();
        return value == null ? null : new Versioned<>(InodeRecords.read(id, value), stored.ticket());
    }

    /// From now on these go with their files. Called while the server is wired.
    public void alsoRemove(Belongings more) {
        belongings = more;
    }

    Belongings belongings() {
        return belongings;
    }

    void appended(Inode inode, long ticket) {
        cache.put(inode.id(), new Versioned<>(inode, ticket));
    }

    void forget(Inode inode) {
        cache.invalidate(inode.id());
    }

    /// Whom to tell of a damaged record.
    public DamagedRecords damaged() {
        return store.damaged();
    }

    MetadataStore store() {
        return store;
    }

    /// The export that an inode belongs to.
    public static int exportOf(long inode) {
        return (int) (inode >>> EXPORT_SHIFT);
    }

    /// The number of an export's root directory.
    public static long rootOf(int export) {
        return ((long) export << EXPORT_SHIFT) | ROOT;
    }

    /// Whether the file was there before this server started.
    public boolean isOfEarlierRun(Inode file) {
        return (file.id() & NUMBERS) < first;
    }

    /// A number and generation that no file has had.
    ///
    /// @param export the one that the file will belong to
    public FileHandle newFile(int export) {
        numbers.lock();
        try {
            if (next == reserved) {
                // Batches become durable in order: when a file with such a number survives a crash, so did this.
                reserved += RESERVE;
                var batch = new Batch();
                batch.put(InodeRecords.reservedKey(), InodeRecords.writeReserved(reserved));
                store.append(batch);
            }
            return new FileHandle(((long) export << EXPORT_SHIFT) | next++, generations.nextLong());
        } finally {
            numbers.unlock();
        }
    }

    /// The same in a store that nobody serves.
    ///
    /// @param batch makes the file, too
    public static FileHandle newFile(int export, StoreEngine engine, Batch batch, RandomGenerator generations) {
        byte[] value = engine.get(InodeRecords.reservedKey());
        long number = value == null ? ROOT + 1 : InodeRecords.readReserved(value);
        batch.put(InodeRecords.reservedKey(), InodeRecords.writeReserved(number + 1));
        return new FileHandle(((long) export << EXPORT_SHIFT) | number, generations.nextLong());
    }

    /// Begins a change. The caller holds the locks of the files it will name.
    public FileChange change() {
        return new FileChange(this);
    }
}
