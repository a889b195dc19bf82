package pnfs.mds.delegation;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.callback.CallbackOutcome;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.RecalledException;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.open.Delegating;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.session.Clients;
import pnfs.mds.session.StateHolder;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.Ace;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallAnyArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult.CbGetAttrResult;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NoDelegationReason;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.SpaceLimit;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.XdrException;

/// All delegations: who is granted one, whom it stands in the way of, how it ends. What concerns one file is
/// called under that file's lock, unless it says otherwise.
///
/// A client that asks for a delegation gets it where nobody else uses the file otherwise. One that does not ask
/// gets it when it opens a file again, and nobody else wanted the file lately: a delegation that is recalled at
/// once costs more than it saves.
public final class Delegations implements Delegating, StateHolder {
    private static final Logger log = LoggerFactory.getLogger(Delegations.class);
    private static final Bitmap ASKED = Bitmap.of(Attribute.CHANGE, Attribute.SIZE);
    /// RCA4_TYPE_MASK_RDATA_DLG and RCA4_TYPE_MASK_WDATA_DLG.
    private static final Bitmap DELEGATIONS = Bitmap.of(0, 1);

    private static final int REMEMBERED_FILES = 10_000;
    private static final long CONTENDED_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final DelegationPolicy policy;
    private final int most;
    private final MetadataStore store;
    private final Clients clients;
    private final FileLocks locks;
    private final Inodes inodes;
    private final OpenFiles opens;
    private final Callbacks callbacks;
    private final Recalls recalls;
    private final Map<Long, List<Delegation>> byInode = new ConcurrentHashMap<>();
    private final AtomicInteger count = new AtomicInteger();
    /// A CB_RECALL_ANY is under way.
    private final AtomicBoolean asking = new AtomicBoolean();
    private final Cache<Long, Habit> habits = Caffeine.newBuilder()
            .maximumSize(REMEMBERED_FILES)
            .executor(Runnable::run)
            .build();

    /// Who opened a file last, and until when it counts as wanted by several.
    private record Habit(long client, long contendedUntilNanos) {}

    /// Takes up the delegations that clients that are still known had before a restart.
    ///
    /// @param most delegations at once, of all clients
    /// @throws CorruptStoreException when a record is not what this version writes
    public Delegations(
            DelegationPolicy policy,
            int most,
            MetadataStore store,
            Clients clients,
            FileLocks locks,
            Inodes inodes,
            OpenFiles opens,
            Callbacks callbacks,
            Recalls recalls) {
        this.policy = policy;
        this.most = most;
        this.store = store;
        this.clients = clients;
        this.locks = locks;
        this.inodes = inodes;
        this.opens = opens;
        this.callbacks = callbacks;
        this.recalls = recalls;
        restore();
    }

    private void restore() {
        var left = new Batch();
        store.scan(Keys.DELEGATION.first(), Keys.DELEGATION.end(), (key, value) -> {
            var held = new Delegation(this, DelegationRecords.read(key, value));
            if (!opens.states().restore(held)) {
                left.delete(key);
            } else if (held.standing() == Delegation.Standing.REVOKED) {
                clients.revoked(held.clientId());
            } else {
                add(held);
            }
            return true;
        });
        store.append(left);
    }

    private void add(Delegation held) {
        List<Delegation> all = new ArrayList<>(of(held.file().inode()));
        all.add(held);
        byInode.put(held.file().inode(), List.copyOf(all));
        count.incrementAndGet();
    }

    /// How many are held.
    public int count() {
        return count.get();
    }

    @Override
    public OpenDelegation offer(Batch batch, Inode file, int access, int want, CompoundState state) {
        boolean again = noteOpen(file.id(), state);
        if (want == ShareBits.WANT_NO_DELEG || want == ShareBits.WANT_CANCEL) {
            return new OpenDelegation.Refused(Delegating.refusal(want), false);
        }
        if (want == 0 && !again) {
            return new OpenDelegation.None();
        }
        Delegation.Kind kind = kind(access, want);
        NoDelegationReason obstacle = obstacle(file, kind, state);
        if (obstacle != null) {
            return want == 0 ? new OpenDelegation.None() : new OpenDelegation.Refused(obstacle, false);
        }
        return grant(batch, file, kind, state);
    }

    /// Whether the client opened it the last time too and nobody else wants it.
    private boolean noteOpen(long inode, CompoundState state) {
        Habit before = habits.getIfPresent(inode);
        long contendedUntil = before == null ? state.nowNanos() : before.contendedUntilNanos();
        habits.put(inode, new Habit(state.clientId(), contendedUntil));
        return before != null && before.client() == state.clientId() && state.nowNanos() - contendedUntil >= 0;
    }

    private static Delegation.Kind kind(int access, int want) {
        return switch (want) {
            case ShareBits.WANT_READ_DELEG -> Delegation.Kind.READ;
            case ShareBits.WANT_WRITE_DELEG -> Delegation.Kind.WRITE;
            default -> (access & ShareBits.WRITE) != 0 ? Delegation.Kind.WRITE : Delegation.Kind.READ;
        };
    }

    private @Nullable NoDelegationReason obstacle(Inode file, Delegation.Kind kind, CompoundState state) {
        boolean granting =
                policy == DelegationPolicy.ON || (policy == DelegationPolicy.READ && kind == Delegation.Kind.READ);
        if (!granting
                || !clients.canCallBack(state.clientId())
                || !opens.states().hasRoom(state.clientId())) {
            return NoDelegationReason.RESOURCE;
        }
        if (count.get() >= most) {
            askForSome(state.clientId());
            return NoDelegationReason.RESOURCE;
        }
        int others = opens.accessOfOthers(file.id(), state.clientId());
        boolean contended = kind == Delegation.Kind.WRITE ? others != 0 : (others & ShareBits.WRITE) != 0;
        for (Delegation held : of(file.id())) {
            if (held.clientId() == state.clientId()) {
                return NoDelegationReason.NOT_SUPP_UPGRADE;
            }
            contended |= kind == Delegation.Kind.WRITE || held.kind() == Delegation.Kind.WRITE;
        }
        return contended ? NoDelegationReason.CONTENTION : null;
    }

    /// There are too many delegations: a client that wants one more gives back half of what it has, those that
    /// it does not need (CB_RECALL_ANY, RFC 8881 §20.6).
    private void askForSome(long clientId) {
        int held = opens.states().of(clientId, Delegation.class).size();
        if (held > 0 && asking.compareAndSet(false, true)) {
            callbacks.send(
                    clientId, new CbRecallAnyArgs(held / 2, DELEGATIONS), Optional.empty(), _ -> asking.set(false));
        }
    }

    private OpenDelegation grant(Batch batch, Inode file, Delegation.Kind kind, CompoundState state) {
        var granted = new Delegation(this, opens.states(), file.file(), kind, state.session(), file.change());
        opens.states().add(granted);
        add(granted);
        DelegationRecords.put(batch, granted);
        return answer(granted);
    }

    private static OpenDelegation answer(Delegation granted) {
        return switch (granted.kind()) {
            case READ -> new OpenDelegation.Read(false, granted.stateid(), false, Ace.NOBODY);
            case WRITE ->
                new OpenDelegation.Write(
                        false, granted.stateid(), false, new SpaceLimit.Size(Long.MAX_VALUE), Ace.NOBODY);
        };
    }

    @Override
    public OpenDelegation reclaim(Batch batch, Inode file, DelegationType type, CompoundState state) {
        Delegation.Kind kind = switch (type) {
            case READ, READ_TIMES -> Delegation.Kind.READ;
            case WRITE, WRITE_TIMES -> Delegation.Kind.WRITE;
            case NONE, NONE_EXT -> null;
        };
        if (kind == null) {
            return new OpenDelegation.None();
        }
        for (Delegation held : of(file.id())) {
            if (held.clientId() == state.clientId() && held.kind() == kind) {
                return answer(held); // reclaimed already, before we were started once more
            }
        }
        return obstacle(file, kind, state) != null ? new OpenDelegation.None() : grant(batch, file, kind, state);
    }

    @Override
    public void requireHeld(Stateid stateid, Inode file, int access, CompoundState state) {
        Delegation held = opens.states().require(Delegation.class, state.resolve(stateid), file.file(), state);
        if ((access & ~held.access()) != 0) {
            throw new NfsException(NfsStatus.OPENMODE, held + " gives " + held.access() + ", not " + access);
        }
    }

    @Override
    public void requireChangeable(Inode file, CompoundState state) {
        if (file.isRegular() && inodes.isOfEarlierRun(file) && !clients.grace().isOver(state.nowNanos())) {
            throw new NfsException(NfsStatus.GRACE, "others may still take back a delegation of " + file);
        }
        requireNone(file, ShareBits.WRITE, state);
    }

    @Override
    public void requireNone(Inode file, int access, CompoundState state) {
        long client = state.hasSession() ? state.clientId() : 0;
        boolean obstructed = false;
        for (Delegation held : of(file.id())) {
            if (held.clientId() != client && held.forbids(access)) {
                recall(held, state.nowNanos());
                obstructed = true;
            }
        }
        if (obstructed) {
            throw new RecalledException(file + " is delegated to another client");
        }
    }

    private void recall(Delegation held, long nowNanos) {
        if (held.standing() != Delegation.Standing.HELD) {
            return;
        }
        held.become(Delegation.Standing.RECALLED);
        habits.put(held.file().inode(), new Habit(0, nowNanos + CONTENDED_NANOS));
        recalls.begin(new DelegationRecall(held));
    }

    @Override
    public void latest(Inode file, CompoundState state, Consumer<Inode> then, Consumer<NfsStatus> refused) {
        Delegation writer = writer(file.id(), state);
        if (writer == null) {
            then.accept(file);
        } else if (writer.standing() != Delegation.Standing.HELD) {
            refused.accept(NfsStatus.DELAY);
        } else {
            CbArgs ask = new CbGetAttrArgs(writer.file().toWire(), ASKED);
            callbacks.send(writer.clientId(), ask, Optional.of(writer.grantedBy()), outcome -> {
                try {
                    Inode told = told(writer, outcome, state);
                    if (told != null) {
                        then.accept(told);
                    } else {
                        refused.accept(NfsStatus.DELAY);
                    }
                } catch (CorruptStoreException damage) {
                    inodes.damaged().met(damage);
                    refused.accept(NfsStatus.IO);
                }
            });
        }
    }

    /// Another client that may write unseen.
    private @Nullable Delegation writer(long inode, CompoundState state) {
        for (Delegation held : of(inode)) {
            if (held.kind() == Delegation.Kind.WRITE && held.clientId() != state.clientId()) {
                return held;
            }
        }
        return null;
    }

    /// The file as its writer has it (RFC 8881 §10.4.3); null where the writer cannot tell and has to give it
    /// back.
    private @Nullable Inode told(Delegation writer, CallbackOutcome outcome, CompoundState state) {
        try (var _ = locks.lock(writer.file().inode())) {
            Inode file = inodes.require(writer.file(), state);
            if (outcome instanceof CallbackOutcome.Answered(CbGetAttrResult(var fattr))) {
                Attributes told = AttributeCodec.read(fattr);
                if (told.has(Attribute.CHANGE) && told.has(Attribute.SIZE)) {
                    return merged(file, writer, told, state);
                }
            }
            recall(writer, state.nowNanos());
        } catch (NfsException | XdrException gone) {
            log.debug("file changed while its writer was asked delegation={}", writer, gone);
        }
        return null;
    }

    private Inode merged(Inode file, Delegation writer, Attributes told, CompoundState state) {
        Inode latest = file;
        if (writer.hears(told.uint64(Attribute.CHANGE), file.change())) {
            latest = file.written(file.size(), file.spaceUsed(), state.now(), state.now());
            FileChange noted = inodes.change();
            noted.put(latest);
            if (writer.standing() != Delegation.Standing.GONE) {
                DelegationRecords.put(noted.batch(), writer);
            }
            state.dependsOn(noted.append());
        }
        return writer.isModified() ? latest.withSize(told.size()) : latest;
    }

    /// DELEGRETURN, RFC 8881 §18.6. No reply shows anything of it: none waits.
    void giveBack(Delegation held) {
        end(held);
        forget(held);
    }

    private void forget(Delegation gone) {
        gone.become(Delegation.Standing.GONE);
        opens.states().remove(gone);
        var batch = new Batch();
        DelegationRecords.delete(batch, gone);
        store.append(batch);
    }

    /// The client has said FREE_STATEID of what was taken from it.
    void acknowledged(Delegation revoked) {
        forget(revoked);
        clients.acknowledged(revoked.clientId());
    }

    /// Nobody is in anybody's way because of it any more.
    private void end(Delegation held) {
        if (held.standing() == Delegation.Standing.GONE) {
            return;
        }
        held.become(Delegation.Standing.GONE);
        count.decrementAndGet();
        List<Delegation> left =
                of(held.file().inode()).stream().filter(other -> other != held).toList();
        if (left.isEmpty()) {
            byInode.remove(held.file().inode());
        } else {
            byInode.put(held.file().inode(), left);
        }
    }

    @Override
    public boolean holdsStateOf(long clientId) {
        return !opens.states().of(clientId, Delegation.class).isEmpty();
    }

    @Override
    public void release(long clientId) {
        for (Delegation held : opens.states().of(clientId, Delegation.class)) {
            try (var _ = locks.lock(held.file().inode())) {
                if (held.standing() != Delegation.Standing.REVOKED) {
                    end(held);
                }
                forget(held);
            }
        }
    }

    private List<Delegation> of(long inode) {
        return byInode.getOrDefault(inode, List.of());
    }

    /// A delegation on its way back.
    private final class DelegationRecall implements Recalls.Recall {
        private final Delegation delegation;

        DelegationRecall(Delegation delegation) {
            this.delegation = delegation;
        }

        @Override
        public long clientId() {
            return delegation.clientId();
        }

        @Override
        public CbArgs callback() {
            return new CbRecallArgs(
                    delegation.stateid(), false, delegation.file().toWire());
        }

        @Override
        public Optional<SessionRef> grantedBy() {
            return Optional.of(delegation.grantedBy());
        }

        @Override
        public boolean isOver() {
            return delegation.standing() != Delegation.Standing.RECALLED;
        }

        /// While the answer that granted it may be on its way, the client cannot know it.
        @Override
        public boolean isSettledBy(NfsStatus status) {
            if (clients.isLatest(delegation.grantedBy())) {
                return false;
            }
            if (status == NfsStatus.BAD_STATEID || status == NfsStatus.BADHANDLE) {
                try (var _ = locks.lock(delegation.file().inode())) {
                    giveBack(delegation);
                }
            }
            return true;
        }

        @Override
        public void revoke() {
            try (var _ = locks.lock(delegation.file().inode())) {
                if (delegation.standing() == Delegation.Standing.RECALLED) {
                    log.info("delegation revoked client={} state={}", Long.toHexString(clientId()), delegation);
                    end(delegation);
                    delegation.become(Delegation.Standing.REVOKED);
                    var batch = new Batch();
                    DelegationRecords.put(batch, delegation);
                    store.append(batch);
                    clients.revoked(clientId());
                }
            }
        }
    }
}
