package pnfs.mds.open;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.WriteAccess;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.session.Clients;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// All open files: what was opened by whom, and whether a stateid lets its bearer read or write (RFC 8881 §8.2,
/// §9).
///
/// Opens of a file change under the file's lock; looking up a stateid takes none. Each is recorded in the batch of
/// the change that makes it what it is.
public final class OpenFiles implements WriteAccess, Orphans.InUse {
    private final Clients clients;
    private final StateTable states;
    private final List<OpenEnd> ends = new CopyOnWriteArrayList<>();
    private Delegating delegating = Delegating.NOTHING;
    private final Map<Long, FileOpens> byInode = new ConcurrentHashMap<>();

    /// What hangs on an open, and goes with it.
    @FunctionalInterface
    public interface OpenEnd {
        /// Under the file's lock.
        ///
        /// @param batch takes what is to be recorded of that
        void closed(OpenState open, Batch batch);
    }

    /// Takes up what clients that are still known had open before a restart.
    ///
    /// @throws CorruptStoreException when a record is not what this version writes
    public OpenFiles(MetadataStore store, Clients clients, StateTable states) {
        this.clients = clients;
        this.states = states;
        var left = new Batch();
        store.scan(Keys.OPEN.first(), Keys.OPEN.end(), (key, value) -> {
            OpenState open = OpenRecords.read(key, value);
            if (states.restore(open)) {
                byInode.computeIfAbsent(open.file().inode(), _ -> new FileOpens())
                        .put(open);
            } else {
                left.delete(key);
            }
            return true;
        });
        store.append(left);
    }

    /// Adds a room that keeps something for opens. Before the first client comes.
    public void addEnd(OpenEnd end) {
        ends.add(end);
    }

    /// Who gives delegations. Before the first client comes.
    public void delegateBy(Delegating who) {
        delegating = who;
    }

    Delegating delegating() {
        return delegating;
    }

    /// For what clients other than this one have the file open: bits of [ShareBits]. Called under the file's lock.
    public int accessOfOthers(long inode, long clientId) {
        FileOpens opens = byInode.get(inode);
        return opens == null ? 0 : opens.accessOfOthers(clientId);
    }

    /// Where the stateids of opens are, and those of what hangs on them.
    public StateTable states() {
        return states;
    }

    /// How many files are open, counted once for each open-owner.
    public int count() {
        return states.count(OpenState.class);
    }

    /// The open that `stateid` names: see [StateTable#require].
    OpenState require(Stateid stateid, FileHandle file, CompoundState state) {
        return states.require(OpenState.class, stateid, file, state);
    }

    /// Lets a READ, WRITE or change of size pass, or not: by the open, lock or delegation that `stateid` names,
    /// or for the special stateids by POSIX permissions, share reservations of others, and not before clients
    /// have reclaimed what they had.
    ///
    /// @param stateid the operation's argument; the current stateid is looked up
    /// @param access [ShareBits#READ] or [ShareBits#WRITE]
    /// @throws NfsException BAD_STATEID, OLD_STATEID, OPENMODE, ACCESS, LOCKED, GRACE
    public void requireAccess(Stateid stateid, Inode file, int access, CompoundState state) {
        if ((access & ShareBits.WRITE) != 0) {
            state.requireWritable();
        }
        Stateid meant = state.resolve(stateid);
        if (meant.isAnonymous() || meant.isReadBypass()) {
            requireGraceOver(state);
            requirePermission(file, access, state);
            delegating.requireNone(file, access, state);
            boolean bypasses = meant.isReadBypass() && access == ShareBits.READ;
            if (!bypasses && (denied(file.id()) & access) != 0) {
                throw new NfsException(NfsStatus.LOCKED, "somebody denies access " + access + " to " + file);
            }
            return;
        }
        FileState held = states.require(meant, file.file(), state);
        if ((access & ~held.access()) != 0) {
            // A client that writes parts of pages reads the rest first, whatever the file was opened for
            // (RFC 8881 §9.1.2): it may, where the user could have opened it for that.
            if (access != ShareBits.READ || !mayRead(file, Caller.of(state))) {
                throw new NfsException(NfsStatus.OPENMODE, held + " has access " + held.access() + ", not " + access);
            }
        }
    }

    /// Others may still take back shares that deny this.
    private void requireGraceOver(CompoundState state) {
        if (!clients.grace().isOver(state.nowNanos())) {
            throw new NfsException(NfsStatus.GRACE, "in grace");
        }
    }

    @Override
    public void requireWrite(Stateid stateid, Inode file, CompoundState state) {
        requireAccess(stateid, file, ShareBits.WRITE, state);
    }

    private static void requirePermission(Inode file, int access, CompoundState state) {
        Caller caller = Caller.of(state);
        if ((access & ShareBits.READ) != 0 && !mayRead(file, caller)) {
            file.requireAllowed(caller, Rights.READ);
        }
        // Its owner could give himself the permission.
        if ((access & ShareBits.WRITE) != 0 && !file.isOwnedBy(caller)) {
            file.requireAllowed(caller, Rights.WRITE);
        }
    }

    /// Whoever may execute a file has to read it for that: RFC 8881 §18.22.3.
    static boolean mayRead(Inode file, Caller caller) {
        return file.allows(caller, Rights.READ) || file.allows(caller, Rights.EXECUTE);
    }

    /// In grace every file may be. Called under the file's lock.
    @Override
    public boolean mayBeOpen(long inode) {
        return byInode.containsKey(inode) || !clients.grace().hasEnded();
    }

    /// Whether `owner` could open `file` so. Called under the file's lock.
    ///
    /// @throws NfsException SHARE_DENIED
    void requireShareable(OpenOwner owner, FileHandle file, int access, int deny) {
        FileOpens opens = byInode.get(file.inode());
        if (opens != null) {
            opens.requireShareable(owner, access, deny);
        }
    }

    /// Opens a file, or opens it for more. Called under the file's lock.
    ///
    /// @param batch takes the record
    /// @throws NfsException SHARE_DENIED, DELAY when the client has too much open, EXPIRED when it is being
    ///     released
    OpenState open(Batch batch, OpenOwner owner, FileHandle file, int access, int deny) {
        requireShareable(owner, file, access, deny);
        FileOpens opens = byInode.get(file.inode());
        OpenState open = opens == null ? null : opens.of(owner);
        if (open != null && opens != null) {
            open.become(open.shares().with(access, deny));
            opens.refresh();
            OpenRecords.put(batch, open);
            return open;
        }
        var first = new OpenState(states, owner, file, Shares.first(access, deny));
        states.add(first);
        byInode.computeIfAbsent(file.inode(), _ -> new FileOpens()).put(first);
        OpenRecords.put(batch, first);
        return first;
    }

    /// Called under the file's lock.
    ///
    /// @throws NfsException INVAL when the file was not opened so
    void downgrade(Batch batch, OpenState open, int access, int deny) {
        open.become(open.shares().downgraded(access, deny));
        FileOpens opens = byInode.get(open.file().inode());
        if (opens != null) {
            opens.refresh();
        }
        OpenRecords.put(batch, open);
    }

    /// Called under the file's lock; a second time nothing happens.
    void close(Batch batch, OpenState open) {
        ends.forEach(end -> end.closed(open, batch));
        states.remove(open);
        OpenRecords.delete(batch, open);
        FileOpens opens = byInode.get(open.file().inode());
        if (opens != null) {
            opens.remove(open);
            if (opens.isEmpty()) {
                byInode.remove(open.file().inode());
            }
        }
    }

    /// All that a client has open.
    List<OpenState> of(long clientId) {
        return states.of(clientId, OpenState.class);
    }

    private int denied(long inode) {
        FileOpens opens = byInode.get(inode);
        return opens == null ? 0 : opens.denied();
    }
}
