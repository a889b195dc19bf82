package pnfs.mds.lock;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.lock.ByteRangeLocks.Held;
import pnfs.mds.lock.ByteRangeLocks.Kind;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenState;
import pnfs.mds.open.StateTable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.CbArgs.CbNotifyLockArgs;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.StateOwner;

/// The byte-range locks of all files. What concerns one file is called under that file's lock.
///
/// A lock belongs to its owner, whichever of the owner's opens it was taken through; it goes at the latest with
/// the CLOSE of the last open that the owner locked through.
public final class LockTable implements OpenFiles.OpenEnd {
    /// Of one file; at the limit the longest waiting is forgotten, and finds out by asking again.
    private static final int MAX_WAITERS = 64;

    private final MetadataStore store;
    private final StateTable states;
    private final Callbacks callbacks;
    private final int maxPerClient;
    private final Map<Long, LockedFile> byInode = new ConcurrentHashMap<>();
    /// Ranges locked by each client that locks any.
    private final Map<Long, Integer> byClient = new ConcurrentHashMap<>();

    /// A file with lock stateids. Guarded by the file's lock.
    private static final class LockedFile {
        final ByteRangeLocks<LockOwner> ranges = new ByteRangeLocks<>();
        final List<LockState> states = new ArrayList<>(1);
        /// The longest waiting first.
        final List<Waiter> waiters = new ArrayList<>(0);
    }

    /// Who was denied a lock and asked to hear when it is free. Held for nobody: it may be gone again by then.
    private record Waiter(LockOwner owner, FileRange range, Kind kind) {}

    /// Notes in a batch what becomes of locks that one owner has on one file.
    ///
    /// @param number of the stateid that they are recorded under
    private record Notes(Batch batch, long inode, long number) implements ByteRangeLocks.Changes<LockOwner> {
        @Override
        public void locked(Held<LockOwner> held) {
            LockRecords.put(batch, inode, number, held);
        }

        @Override
        public void unlocked(Held<LockOwner> held) {
            LockRecords.delete(batch, inode, number, held);
        }
    }

    /// Takes up the locks that hang on opens that were there before a restart and still are.
    ///
    /// @param states the opens are in it
    /// @param maxPerClient how many ranges a client may have locked; more is DELAY until it unlocks some
    /// @throws CorruptStoreException when a record is not what this version writes
    public LockTable(MetadataStore store, StateTable states, Callbacks callbacks, int maxPerClient) {
        this.store = store;
        this.states = states;
        this.callbacks = callbacks;
        this.maxPerClient = maxPerClient;
        var left = new Batch();
        store.scan(Keys.LOCK.first(), Keys.LOCK.end(), (key, value) -> {
            if (!restore(LockRecords.read(key, value))) {
                left.delete(key);
            }
            return true;
        });
        store.scan(Keys.RANGE.first(), Keys.RANGE.end(), (key, value) -> {
            if (!restore(LockRecords.readRange(key, value))) {
                left.delete(key);
            }
            return true;
        });
        store.append(left);
    }

    private boolean restore(LockRecords.Recorded lock) {
        long clientId = lock.facts().clientId();
        Optional<OpenState> open = states.restored(clientId, lock.open());
        if (open.isEmpty()) {
            return false;
        }
        var state = new LockState(this, open.get(), lock.facts(), new LockOwner(clientId, lock.owner()));
        byInode.computeIfAbsent(state.file().inode(), _ -> new LockedFile())
                .states
                .add(state);
        return states.restore(state);
    }

    private boolean restore(LockRecords.RecordedRange locked) {
        LockedFile file = byInode.get(locked.inode());
        if (file == null) {
            return false;
        }
        for (LockState state : file.states) {
            if (state.number() == locked.number()) {
                int before = file.ranges.count();
                file.ranges.lock(state.owner(), locked.range(), locked.kind(), ByteRangeLocks.Changes.unheard());
                count(state.clientId(), file.ranges.count() - before);
                return true;
            }
        }
        return false;
    }

    StateTable states() {
        return states;
    }

    /// How many ranges are locked.
    public int count() {
        return byClient.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// The locks that `owner` has or will have under `open`: a new one is not kept before [#lock] succeeds.
    LockState under(OpenState open, LockOwner owner) {
        LockedFile file = byInode.get(open.file().inode());
        if (file != null) {
            for (LockState state : file.states) {
                if (state.open() == open && state.owner().equals(owner)) {
                    return state;
                }
            }
        }
        return new LockState(this, open, owner);
    }

    /// The lock of another owner that forbids this one.
    Optional<Held<LockOwner>> conflict(long inode, LockOwner owner, FileRange range, Kind kind) {
        LockedFile file = byInode.get(inode);
        return file == null ? Optional.empty() : file.ranges.conflict(owner, range, kind);
    }

    /// The owner was denied this lock and waits for it.
    void await(long inode, LockOwner owner, FileRange range, Kind kind) {
        LockedFile file = byInode.get(inode);
        if (file != null) {
            file.waiters.removeIf(waiter -> waiter.owner().equals(owner));
            if (file.waiters.size() >= MAX_WAITERS) {
                file.waiters.removeFirst();
            }
            file.waiters.add(new Waiter(owner, range, kind));
        }
    }

    /// Locks a range; the caller has asked for conflicts.
    ///
    /// @param batch takes the records
    /// @throws NfsException DELAY when the client has too many locks or stateids, EXPIRED when it is being
    ///     released
    void lock(Batch batch, LockState state, FileRange range, Kind kind) {
        if (byClient.getOrDefault(state.clientId(), 0) >= maxPerClient) {
            throw new NfsException(
                    NfsStatus.DELAY,
                    "client " + Long.toHexString(state.clientId()) + " has " + maxPerClient + " locks");
        }
        long inode = state.file().inode();
        LockedFile file = byInode.get(inode);
        if (file == null || !file.states.contains(state)) {
            states.add(state);
            file = file == null ? new LockedFile() : file;
            file.states.add(state);
            byInode.put(inode, file);
        }
        int before = file.ranges.count();
        file.ranges.lock(state.owner(), range, kind, notes(batch, file, state));
        count(state.clientId(), file.ranges.count() - before);
        file.waiters.removeIf(waiter -> waiter.owner().equals(state.owner()));
        wake(file, state.file()); // some of it may have become a lock for reading
        state.advance();
        LockRecords.put(batch, state);
    }

    /// @param batch takes the records
    void unlock(Batch batch, LockState state, FileRange range) {
        LockedFile file = byInode.get(state.file().inode());
        if (file != null) {
            unlock(batch, file, state, range);
        }
        state.advance();
        LockRecords.put(batch, state);
    }

    private static Notes notes(Batch batch, LockedFile file, LockState state) {
        for (LockState first : file.states) {
            if (first.owner().equals(state.owner())) {
                return new Notes(batch, state.file().inode(), first.number());
            }
        }
        throw new IllegalStateException(state + " is not of its file");
    }

    boolean holdsAny(LockState state) {
        LockedFile file = byInode.get(state.file().inode());
        return file != null && file.ranges.holdsAny(state.owner());
    }

    /// The stateid names nothing any more; what its owner locked goes too, unless another open of the owner
    /// holds it.
    void forget(LockState state) {
        LockedFile file = byInode.get(state.file().inode());
        if (file != null) {
            var batch = new Batch();
            forget(batch, file, state);
            store.append(batch); // no reply shows it
        }
    }

    @Override
    public void closed(OpenState open, Batch batch) {
        LockedFile file = byInode.get(open.file().inode());
        if (file != null) {
            for (LockState state : List.copyOf(file.states)) {
                if (state.open() == open) {
                    forget(batch, file, state);
                }
            }
        }
    }

    private void forget(Batch batch, LockedFile file, LockState state) {
        List<LockState> ofOwner = file.states.stream()
                .filter(other -> other.owner().equals(state.owner()))
                .toList();
        if (ofOwner.size() == 1) {
            unlock(batch, file, state, FileRange.WHOLE_FILE);
        } else if (ofOwner.getFirst() == state) {
            var before = new Notes(batch, state.file().inode(), state.number());
            var after = new Notes(batch, state.file().inode(), ofOwner.get(1).number());
            file.ranges.of(state.owner()).forEach(held -> {
                before.unlocked(held);
                after.locked(held);
            });
        }
        states.remove(state);
        file.states.remove(state);
        LockRecords.delete(batch, state);
        if (file.states.isEmpty()) {
            byInode.remove(state.file().inode());
        }
    }

    private void unlock(Batch batch, LockedFile file, LockState state, FileRange range) {
        int before = file.ranges.count();
        file.ranges.unlock(state.owner(), range, notes(batch, file, state));
        count(state.clientId(), file.ranges.count() - before);
        wake(file, state.file());
    }

    /// Tells those whose lock is free now, which ask again (CB_NOTIFY_LOCK, RFC 8881 §20.11).
    private void wake(LockedFile file, FileHandle handle) {
        file.waiters.removeIf(waiter -> {
            LockOwner owner = waiter.owner();
            boolean free =
                    file.ranges.conflict(owner, waiter.range(), waiter.kind()).isEmpty();
            if (free) {
                var named = new StateOwner(owner.clientId(), owner.owner());
                callbacks.send(
                        owner.clientId(), new CbNotifyLockArgs(handle.toWire(), named), Optional.empty(), _ -> {});
            }
            return free;
        });
    }

    private void count(long clientId, int more) {
        byClient.compute(clientId, (_, now) -> sum(now, more));
    }

    private static @Nullable Integer sum(@Nullable Integer now, int more) {
        int sum = (now == null ? 0 : now) + more;
        return sum == 0 ? null : sum;
    }
}
