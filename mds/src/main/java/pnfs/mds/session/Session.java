package pnfs.mds.session;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.Sequencer;
import pnfs.mds.compound.Sequencer.Admission;
import pnfs.mds.compound.SessionRef;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.xdr.Opaque;

/// A session: its slots, what was negotiated for it, and the connections that carry it. RFC 8881 §2.10. Guarded
/// by its own lock, which is a leaf: nothing is called while it is held.
final class Session {
    private final Opaque id;
    private final Client client;
    private final ChannelAttributes fore;
    private final ReentrantLock lock = new ReentrantLock();
    private final Slot[] slots;
    private final SlotBudget budget;
    private final Backchannel back;
    /// Connections that requests came in on, and who hears of their end.
    private final Map<RpcConnection, Consumer<String>> bound = new HashMap<>(2);
    /// Whether the client asked for a backchannel; it is told when none of its connections carries one.
    private volatile boolean backchannelWanted;
    /// How many slots the client may use now; 0 when the session is no more.
    private int open;
    /// Whether it was called back about those that it should do without.
    private boolean askedBack;

    /// One place for a request in flight, and the reply of the last one. RFC 8881 §2.10.6.1.
    private final class Slot implements Sequencer.Turn {
        int sequence;
        boolean used;
        boolean running;
        int fingerprint;
        /// Its last answer asked the client to do with few.
        boolean toldFew;

        @Nullable
        Principal principal;

        byte @Nullable [] reply;

        @Override
        public void end(byte @Nullable [] kept) {
            lock.lock();
            try {
                running = false;
                reply = kept;
            } finally {
                lock.unlock();
            }
        }
    }

    Session(Opaque id, Client client, ChannelAttributes fore, Backchannel back, SlotBudget budget) {
        this.id = id;
        this.client = client;
        this.fore = fore;
        this.back = back;
        this.slots = new Slot[fore.maxRequests()];
        this.budget = budget;
        this.open = slots.length;
    }

    Opaque id() {
        return id;
    }

    Client client() {
        return client;
    }

    /// The conditions of RFC 8881 §18.46.3 that a session can see, in their order. An error changes nothing.
    Admission admit(SequenceArgs args, Sequencer.Request request) {
        if (request.bytes() > fore.maxRequestBytes()) {
            throw new NfsException(
                    NfsStatus.REQ_TOO_BIG, "request of " + request.bytes() + " bytes over " + fore.maxRequestBytes());
        }
        if (request.operations() > fore.maxOperations()) {
            throw new NfsException(
                    NfsStatus.TOO_MANY_OPS, request.operations() + " operations over " + fore.maxOperations());
        }
        lock.lock();
        try {
            if (open == 0) {
                throw new NfsException(NfsStatus.BADSESSION, "session " + id + " ended just now");
            }
            if (Integer.compareUnsigned(args.slot(), open) >= 0) {
                throw new NfsException(
                        NfsStatus.BADSLOT, "slot " + Integer.toUnsignedString(args.slot()) + " of " + open);
            }
            if (Integer.compareUnsigned(args.highestSlot(), open) >= 0) {
                throw new NfsException(
                        NfsStatus.BAD_HIGH_SLOT,
                        "highest slot " + Integer.toUnsignedString(args.highestSlot()) + " of " + open);
            }
            return admitTo(slot(args.slot()), args, request);
        } finally {
            lock.unlock();
        }
    }

    private Admission admitTo(Slot slot, SequenceArgs args, Sequencer.Request request) {
        if (slot.used && args.sequence() == slot.sequence) {
            return repeat(slot, args, request);
        }
        if (args.sequence() != slot.sequence + 1 || slot.running) {
            throw new NfsException(
                    NfsStatus.SEQ_MISORDERED,
                    "sequence " + Integer.toUnsignedString(args.sequence()) + " after "
                            + Integer.toUnsignedString(slot.sequence) + (slot.running ? ", still running" : ""));
        }
        resize(slot, args);
        slot.used = true;
        slot.running = true;
        slot.sequence = args.sequence();
        slot.principal = Principal.of(request.credential());
        slot.fingerprint = request.fingerprint();
        slot.reply = null;
        slot.toldFew = budget.isTight();
        return new Sequencer.Execute(
                new SessionRef(client.id, id, args.slot(), args.sequence()),
                result(args),
                fore.maxResponseBytes(),
                args.cacheThis() ? fore.maxResponseCachedBytes() : fore.maxResponseBytes(),
                slot);
    }

    /// Retires slots that the client does without. That it does is certain only when the answer that asked for
    /// it has arrived, which its next request in the same slot proves: whatever it sent before that has been
    /// answered, or stands below its highest slot. A slot that opens again begins with sequence 1, as with
    /// Linux.
    private void resize(Slot slot, SequenceArgs args) {
        if (!budget.isTight()) {
            open = slots.length;
            askedBack = false;
        } else if (slot.toldFew && Math.max(args.slot(), args.highestSlot()) < SessionLimits.FEW_SLOTS) {
            open = Math.min(slots.length, SessionLimits.FEW_SLOTS);
            retireFrom(open);
        }
    }

    private void retireFrom(int first) {
        int retired = 0;
        for (int i = first; i < slots.length; i++) {
            if (slots[i] != null) {
                slots[i] = null;
                retired++;
            }
        }
        budget.giveBack(retired);
    }

    /// Whether the client has to be called back to learn that it should do with few slots. Says so once.
    boolean asksBack() {
        lock.lock();
        try {
            if (askedBack
                    || !budget.isTight()
                    || Arrays.stream(slots).skip(SessionLimits.FEW_SLOTS).allMatch(Objects::isNull)) {
                return false;
            }
            askedBack = true;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private Admission repeat(Slot slot, SequenceArgs args, Sequencer.Request request) {
        if (slot.running) {
            throw new NfsException(NfsStatus.DELAY, "a retry of what still runs");
        }
        if (slot.fingerprint != request.fingerprint()
                || !Principal.of(request.credential()).equals(slot.principal)) {
            throw new NfsException(NfsStatus.SEQ_FALSE_RETRY, "not the request that this sequence stood for");
        }
        return slot.reply == null ? new Sequencer.ReplyLost(result(args)) : new Sequencer.Replay(slot.reply);
    }

    private Slot slot(int number) {
        Slot slot = slots[number];
        if (slot == null) {
            slot = new Slot();
            slots[number] = slot;
            budget.take();
        }
        return slot;
    }

    private SequenceResult result(SequenceArgs args) {
        int target = budget.isTight() ? Math.min(open, SessionLimits.FEW_SLOTS) : open;
        return new SequenceResult(id, args.sequence(), args.slot(), open - 1, target - 1, flags());
    }

    /// What the client has to know now, RFC 8881 §18.46.3.
    private int flags() {
        int flags = client.tellRevoked() ? SequenceFlags.RECALLABLE_STATE_REVOKED : 0;
        if (client.hasChangedDevices()) {
            flags |= SequenceFlags.DEVID_CHANGED;
        }
        if (client.hasGoneDevices()) {
            flags |= SequenceFlags.DEVID_DELETED;
        }
        if (back.isFaulty()) {
            flags |= SequenceFlags.BACKCHANNEL_FAULT;
        }
        if (backchannelWanted && !back.isUp()) {
            flags |= SequenceFlags.CB_PATH_DOWN_SESSION;
            if (client.sessions.stream().noneMatch(session -> session.back.isUp())) {
                flags |= SequenceFlags.CB_PATH_DOWN;
            }
        }
        return flags;
    }

    /// Whether a request runs, other than the one in `except`'s slot; -1 excepts none.
    boolean isBusy(int exceptSlot) {
        lock.lock();
        try {
            for (int i = 0; i < slots.length; i++) {
                if (i != exceptSlot && slots[i] != null && slots[i].running) {
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    Backchannel back() {
        return back;
    }

    /// `connection` carries the backchannel too.
    void bindBackchannel(RpcConnection connection) {
        bind(connection);
        backchannelWanted = true;
        back.bind(connection);
    }

    /// `connection` carries requests of this session: with SP4_NONE every connection that asks may (RFC 8881
    /// §2.10.3.1).
    void bind(RpcConnection connection) {
        Consumer<String> onClosed;
        lock.lock();
        try {
            if (bound.containsKey(connection)) {
                return;
            }
            onClosed = why -> unbind(connection);
            bound.put(connection, onClosed);
        } finally {
            lock.unlock();
        }
        connection.whenClosed(onClosed);
    }

    /// The session is no more.
    void end() {
        back.end();
        Map<RpcConnection, Consumer<String>> ended;
        lock.lock();
        try {
            ended = Map.copyOf(bound);
            retireFrom(0);
            open = 0;
        } finally {
            lock.unlock();
        }
        ended.forEach(RpcConnection::forget);
    }

    boolean isBound(RpcConnection connection) {
        lock.lock();
        try {
            return bound.containsKey(connection);
        } finally {
            lock.unlock();
        }
    }

    /// Whether no connection carries it and nothing runs in it.
    boolean isAbandoned() {
        lock.lock();
        try {
            return bound.isEmpty() && !isBusy(-1);
        } finally {
            lock.unlock();
        }
    }

    private void unbind(RpcConnection connection) {
        back.unbind(connection);
        lock.lock();
        try {
            bound.remove(connection);
        } finally {
            lock.unlock();
        }
    }

    /// Whether nothing came after this call in its slot: its answer may still be on its way.
    boolean isLatest(int slot, int sequence) {
        lock.lock();
        try {
            Slot used = slot < slots.length ? slots[slot] : null;
            return used != null && used.sequence == sequence;
        } finally {
            lock.unlock();
        }
    }
}
