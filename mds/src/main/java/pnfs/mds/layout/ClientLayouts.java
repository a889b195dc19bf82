package pnfs.mds.layout;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.grant.HeldLayout;
import pnfs.layout.grant.LayoutChanges;
import pnfs.layout.grant.LayoutFile;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutManager.Recalled;
import pnfs.layout.grant.LayoutStateid;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Refusal;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.layout.GrantRecords.GrantRecord;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.StateTable;
import pnfs.mds.session.Clients;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// All layouts of one client, for when it gives them back at once or loses them. Safe for any thread; takes each
/// file's lock in turn.
final class ClientLayouts implements StateTable.Elsewhere {
    private static final Logger log = LoggerFactory.getLogger(ClientLayouts.class);

    private final Clients clients;
    private final Inodes inodes;
    private final FileLocks locks;
    private final LayoutManager manager;
    private final FileLayouts layouts;
    private final LayoutBodies bodies;
    private final Orphans orphans;
    /// Stateids that clients lost and have yet to say that they know, by client. No more than it held at a time.
    private final Map<Long, Set<Opaque>> lost = new ConcurrentHashMap<>();
    /// The last LAYOUTGET of what the store says that clients hold. Changed under the file's lock.
    private final Map<Recorded, SessionRef> recorded = new ConcurrentHashMap<>();
    /// Of the run before, by client and file: what was held, where the client does not go on with it.
    private final Map<Long, Map<Long, GrantRecord>> before = new ConcurrentHashMap<>();
    /// Reservation keys of clients that have another than their id.
    private final Map<Long, Long> keys;

    /// A client and a file that it holds layouts of.
    record Recorded(long inode, long client) {}

    ClientLayouts(
            MetadataStore store,
            Clients clients,
            Inodes inodes,
            FileLocks locks,
            LayoutManager manager,
            FileLayouts layouts,
            LayoutBodies bodies,
            Orphans orphans,
            Map<Long, Long> keys) {
        this.clients = clients;
        this.inodes = inodes;
        this.locks = locks;
        this.manager = manager;
        this.layouts = layouts;
        this.bodies = bodies;
        this.orphans = orphans;
        this.keys = new ConcurrentHashMap<>(keys);
        GrantRecords.readAll(store).forEach(this::restore);
    }

    /// A client that goes on has what it held under the key that it has now. What it held under another was taken
    /// from it.
    private void restore(GrantRecord grant) {
        if (clients.isLive(grant.client()) && grant.key() == keyOf(grant.client())) {
            recorded.put(new Recorded(grant.inode(), grant.client()), grant.call());
            grant.held().stream()
                    .filter(layout -> !layout.revoked())
                    .forEach(layout -> manager.restore(grant.inode(), grant.client(), layout));
        } else {
            before.computeIfAbsent(grant.client(), _ -> new ConcurrentHashMap<>())
                    .put(grant.inode(), grant);
            manager.restoreFormer(grant.inode(), grant.client(), grant.unwritten());
        }
    }

    private long keyOf(long clientId) {
        return keys.getOrDefault(clientId, clientId);
    }

    /// From now on the client reaches storage under this key; its id, where it is gone.
    void rekeyed(long clientId, long key) {
        if (key == clientId) {
            keys.remove(clientId);
        } else {
            keys.put(clientId, key);
        }
    }

    /// The last LAYOUTGETs of what was held before the restart. Before the first client comes.
    Map<Recorded, SessionRef> restoredCalls() {
        return Map.copyOf(recorded);
    }

    /// Of the run before: those that nobody waits for will not commit any more. Once, before the first client
    /// comes.
    void forgetStrangers(Set<Long> awaited) {
        before.keySet().stream().filter(client -> !awaited.contains(client)).forEach(this::forgetFormer);
    }

    /// A client of the run before is done with what it held: storage beyond the end of a file that it was granted
    /// and did not commit goes.
    void forgetFormer(long clientId) {
        Map<Long, GrantRecord> files = before.remove(clientId);
        if (files == null) {
            return;
        }
        files.forEach((inode, grant) -> {
            try (var _ = locks.lock(inode)) {
                FileChange change = inodes.change();
                GrantRecords.delete(change.batch(), inode, clientId);
                HeldFile file = find(inode);
                if (file == null) {
                    change.append();
                    return;
                }
                try (var _ = layouts.lockSpace()) {
                    append(change, file, manager.forget(file.view(), clientId, grant.unwritten()));
                }
            }
        });
    }

    /// Adds to a change of the file's layouts what `call` granted its client. Under the file's lock.
    void granted(Batch batch, long inode, SessionRef call) {
        recorded.put(new Recorded(inode, call.clientId()), call);
        record(batch, inode, call.clientId());
    }

    /// Adds to a change of the file's layouts what the client holds after it. Under the file's lock.
    private void record(Batch batch, long inode, long clientId) {
        var key = new Recorded(inode, clientId);
        SessionRef call = recorded.get(key);
        if (call == null) {
            return;
        }
        List<HeldLayout> held = manager.heldBy(inode, clientId);
        if (held.isEmpty()) {
            recorded.remove(key);
            GrantRecords.delete(batch, inode, clientId);
        } else {
            GrantRecords.put(batch, new GrantRecord(inode, clientId, keyOf(clientId), call, held));
        }
    }

    boolean holdsAny(long clientId) {
        return !manager.filesOf(clientId).isEmpty();
    }

    /// Takes all that the client holds, before its key is fenced: see [LayoutManager#revoke].
    ///
    /// @param isLive whether it is there to be told
    void revokeAll(long clientId, long key, boolean isLive) {
        for (long inode : manager.filesOf(clientId)) {
            try (var _ = locks.lock(inode)) {
                for (LayoutStateid stateid : manager.revoke(inode, clientId, key)) {
                    log.warn("layout taken inode={} client={}", inode, Long.toHexString(clientId));
                    if (isLive) {
                        lost.computeIfAbsent(clientId, _ -> ConcurrentHashMap.newKeySet())
                                .add(stateid.other());
                        clients.revoked(clientId);
                    }
                }
            }
        }
    }

    /// The key is fenced but on the volumes `pending`: see [LayoutManager#fenced].
    void dropFenced(long clientId, long key, Set<DeviceId> pending) {
        for (long inode : manager.filesOf(clientId)) {
            try (var _ = locks.lock(inode)) {
                HeldFile file = require(inode);
                if (file.isDamaged() && !pending.isEmpty()) {
                    continue; // nobody can tell what of it lies there
                }
                try (var _ = layouts.lockSpace()) {
                    append(file, clientId, manager.fenced(file.view(), clientId, key, pending));
                }
            }
            reap(inode);
        }
    }

    @Override
    public Optional<NfsStatus> test(Stateid stateid, CompoundState state) {
        if (stateid.isSpecial() || !LayoutStateid.isLayout(stateid.other())) {
            return Optional.empty();
        }
        if (lost.getOrDefault(state.clientId(), Set.of()).contains(stateid.other())) {
            return Optional.of(NfsStatus.DELEG_REVOKED);
        }
        var used = new LayoutStateid(stateid.seqid(), stateid.other());
        for (long inode : manager.filesOf(state.clientId())) {
            Optional<Refusal> fault;
            try (var _ = locks.lock(inode)) {
                fault = manager.faultOf(inode, bodies.requester(state), used);
            }
            if (fault.isEmpty()) {
                return Optional.of(NfsStatus.OK);
            }
            if (fault.get() == Refusal.OLD_STATEID) {
                return Optional.of(NfsStatus.OLD_STATEID);
            }
        }
        return Optional.of(NfsStatus.BAD_STATEID);
    }

    @Override
    public void free(Opaque other, long clientId) {
        Set<Opaque> ofClient = lost.get(clientId);
        if (ofClient != null && ofClient.remove(other)) {
            clients.acknowledged(clientId);
        }
    }

    /// The client goes on as one who knows that it lost what it held, or is gone.
    void forgetLost(long clientId) {
        lost.getOrDefault(clientId, Set.of()).forEach(other -> free(other, clientId));
        lost.remove(clientId);
    }

    void giveBackAll(long clientId, Optional<LayoutType> type) {
        giveBackAll(clientId, type, _ -> true);
    }

    /// @param which of the files, by inode
    void giveBackAll(long clientId, Optional<LayoutType> type, LongPredicate which) {
        for (long inode : manager.filesOf(clientId)) {
            if (which.test(inode)) {
                giveBackIf(inode, clientId, type, () -> true);
            }
        }
    }

    /// What it holds of one file is not the client's any more; nothing where it holds nothing.
    void giveBackFile(long inode, long clientId, LayoutType type) {
        giveBackIf(inode, clientId, Optional.of(type), () -> manager.holds(inode, clientId, type));
    }

    /// What was recalled is not the client's any more, whatever the client thinks; nothing where it was returned.
    void giveBack(Recalled recalled) {
        giveBackIf(recalled.inode(), recalled.client(), Optional.of(recalled.type()), () -> manager.isOut(recalled));
    }

    /// @param isHeld asked under the file's lock
    private void giveBackIf(long inode, long clientId, Optional<LayoutType> type, BooleanSupplier isHeld) {
        try (var _ = locks.lock(inode)) {
            if (isHeld.getAsBoolean()) {
                giveBack(inode, clientId, type);
            }
        }
        reap(inode);
    }

    /// Under the file's lock.
    void giveBack(long inode, long clientId, Optional<LayoutType> type) {
        HeldFile file = require(inode);
        try (var _ = layouts.lockSpace()) {
            append(file, clientId, manager.giveBackAll(file.view(), clientId, type));
        }
    }

    /// A file of which somebody holds a layout, for whoever takes that back.
    ///
    /// @param file null where a record of it is damaged: the layout goes all the same, and nothing of the file
    ///     with it
    record HeldFile(LayoutFile view, @Nullable Inode file) {
        boolean isDamaged() {
            return file == null;
        }
    }

    /// Under the file's lock.
    HeldFile require(long inode) {
        HeldFile file = find(inode);
        if (file == null) {
            throw new IllegalStateException("layouts of inode " + inode + " outlived it");
        }
        return file;
    }

    /// Null where it is gone.
    private @Nullable HeldFile find(long inode) {
        try {
            Inode file = inodes.find(inode).value();
            return file == null ? null : new HeldFile(layouts.view(file), file);
        } catch (CorruptStoreException damage) {
            inodes.damaged().met(damage);
            return new HeldFile(FileLayouts.viewOfDamaged(inode), null);
        }
    }

    /// Appends what a return changed, under the locks of the file and of space.
    ///
    /// @return the ticket: a kill that takes it back brings the layout back
    long append(HeldFile file, long clientId, LayoutChanges changes) {
        FileChange change = inodes.change();
        record(change.batch(), file.view().inode(), clientId);
        return append(change, file, changes);
    }

    private long append(FileChange change, HeldFile file, LayoutChanges changes) {
        Inode inode = file.file();
        if (inode != null && !changes.isEmpty()) {
            change.put(FileLayouts.withSpaceUsed(inode, changes.allocatedBytes()));
        }
        return layouts.append(change, file.view().inode(), changes);
    }

    /// The last layout of it may be gone, and it may have no name.
    void reap(long inode) {
        orphans.reap(inode);
    }
}
