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

    /// @param maxPerClient how many ranges a client may have locked; more is DELAY until it unlocks some
    public LockTable(StateTable states, Callbacks callbacks, int maxPerClient) {
        this.states = states;
        this.callbacks = callbacks;
        this.maxPerClient = maxPerClient;
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
    /// @throws NfsException DELAY when the client has too many locks or stateids, EXPIRED when it is being
    ///     released
    void lock(LockState state, FileRange range, Kind kind) {
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
        file.ranges.lock(state.owner(), range, kind);
        count(state.clientId(), file.ranges.count() - before);
        file.waiters.removeIf(waiter -> waiter.owner().equals(state.owner()));
        wake(file, state.file()); // some of it may have become a lock for reading
        state.advance();
    }

    void unlock(LockState state, FileRange range) {
        LockedFile file = byInode.get(state.file().inode());
        if (file != null) {
            unlock(file, state.file(), state.owner(), range);
        }
        state.advance();
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
            forget(file, state);
        }
    }

    @Override
    public void closed(OpenState open) {
        LockedFile file = byInode.get(open.file().inode());
        if (file != null) {
            for (LockState state : List.copyOf(file.states)) {
                if (state.open() == open) {
                    forget(file, state);
                }
            }
        }
    }

    private void forget(LockedFile file, LockState state) {
        states.remove(state);
        file.states.remove(state);
        if (file.states.stream().noneMatch(other -> other.owner().equals(state.owner()))) {
            unlock(file, state.file(), state.owner(), FileRange.WHOLE_FILE);
        }
        if (file.states.isEmpty()) {
            byInode.remove(state.file().inode());
        }
    }

    private void unlock(LockedFile file, FileHandle handle, LockOwner owner, FileRange range) {
        int before = file.ranges.count();
        file.ranges.unlock(owner, range);
        count(owner.clientId(), file.ranges.count() - before);
        wake(file, handle);
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
