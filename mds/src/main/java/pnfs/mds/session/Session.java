package pnfs.mds.session;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.Sequencer;
import pnfs.mds.compound.Sequencer.Admission;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.session.SessionRecords.SessionRecord;
import pnfs.mds.session.SessionRecords.SlotRecord;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.xdr.Opaque;

/// A session: its slots, what was negotiated for it, and the connections that carry it. RFC 8881 §2.10. Guarded
/// by its own lock, which is a leaf: nothing is called while it is held.
///
/// One that is persistent (§2.10.6.5) has records of itself and of what changed something in its slots, and the
/// next run goes on with it. What changed nothing has none, so a slot that was brought back takes any sequence
/// but the noted one as new, once.
final class Session {
    private final Opaque id;
    private final Client client;
    private final ChannelAttributes fore;
    private final ReentrantLock lock = new ReentrantLock();
    private final Slot[] slots;
    private final SlotBudget budget;
    private final MetadataStore store;
    private final boolean isRestored;
    private final Backchannel back;
    /// Of which slots there is a record, of slots that were retired since too.
    private final BitSet noted = new BitSet();

    private final BitSet notedBack = new BitSet();
    /// Connections that requests came in on, and who hears of their end.
    private final Map<RpcConnection, Consumer<String>> bound = new HashMap<>(2);
    private volatile SessionRecord record;
    /// How many slots the client may use now; 0 when the session is no more.
    private int open;
    /// Whether it was called back about those that it should do without.
    private boolean askedBack;

    /// One place for a request in flight, and the reply of the last one. RFC 8881 §2.10.6.1.
    private final class Slot implements Sequencer.Turn {
        final int number;
        int sequence;
        boolean used;
        /// The run before left it, so that nobody knows what came after [#sequence].
        boolean restored;

        boolean running;
        int fingerprint;
        /// Its last answer asked the client to do with few.
        boolean toldFew;

        @Nullable
        Principal principal;

        byte @Nullable [] reply;

        Slot(int number) {
            this.number = number;
            this.restored = isRestored;
        }

        @Override
        public void note(Batch batch, byte @Nullable [] kept) {
            Session.this.note(batch, this, kept);
        }

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

    /// A session that begins.
    Session(SessionRecord record, Client client, SlotBudget budget, MetadataStore store) {
        this(record, client, budget, store, false);
    }

    private Session(SessionRecord record, Client client, SlotBudget budget, MetadataStore store, boolean isRestored) {
        this.record = record;
        this.id = record.id();
        this.client = client;
        this.fore = record.granted().fore();
        this.store = store;
        this.isRestored = isRestored;
        this.back = new Backchannel(id, record.minorVersion(), record.asked(), this::noteBack);
        this.slots = new Slot[fore.maxRequests()];
        this.budget = budget;
        this.open = slots.length;
    }

    /// As the run before left it, so far without its slots and without connections.
    static Session restored(SessionRecord record, Client client, SlotBudget budget, MetadataStore store) {
        return new Session(record, client, budget, store, true);
    }

    /// The run before left this in a slot.
    ///
    /// @return whether there is such a slot
    boolean restore(int number, SlotRecord left) {
        if (number < 0 || number >= slots.length) {
            return false;
        }
        noted.set(number);
        Slot slot = slot(number);
        slot.used = true;
        slot.sequence = left.sequence();
        slot.principal = left.principal();
        slot.fingerprint = left.fingerprint();
        slot.reply = left.reply();
        return true;
    }

    /// The client has seen callbacks up to this sequence.
    ///
    /// @return whether there is such a slot
    boolean restoreBack(int number, int sequence) {
        notedBack.set(number);
        return back.restore(number, sequence);
    }

    /// Whether it outlives the run.
    boolean isPersistent() {
        return (record.granted().flags() & CreateSessionFlags.PERSIST) != 0;
    }

    SessionRecord record() {
        return record;
    }

    /// Adds its record, where it is to have one.
    void note(Batch batch) {
        if (isPersistent()) {
            batch.put(SessionRecords.key(id), SessionRecords.write(record));
        }
    }

    private void note(Batch batch, Slot slot, byte @Nullable [] reply) {
        if (!isPersistent()) {
            return;
        }
        lock.lock();
        try {
            if (open == 0) {
                return; // the COMPOUND ended it, or the client went meanwhile
            }
            var note = new SlotRecord(slot.sequence, requireNonNull(slot.principal), slot.fingerprint, reply);
            batch.put(SessionRecords.key(Keys.SLOT, id, slot.number), SessionRecords.write(note));
            for (int i = noted.nextSetBit(open); i >= 0; i = noted.nextSetBit(i + 1)) {
                batch.delete(SessionRecords.key(Keys.SLOT, id, i));
                noted.clear(i);
            }
            noted.set(slot.number);
        } finally {
            lock.unlock();
        }
    }

    /// Nobody waits for it: a callback that the client has seen already is told from a new one.
    private void noteBack(int slot, int sequence) {
        if (!isPersistent()) {
            return;
        }
        var batch = new Batch();
        lock.lock();
        try {
            if (open == 0) {
                return;
            }
            notedBack.set(slot);
            batch.put(SessionRecords.key(Keys.CALLBACK, id, slot), SessionRecords.writeSequence(sequence));
        } finally {
            lock.unlock();
        }
        store.append(batch);
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
        if ((args.sequence() != slot.sequence + 1 && !slot.restored) || slot.running) {
            throw new NfsException(
                    NfsStatus.SEQ_MISORDERED,
                    "sequence " + Integer.toUnsignedString(args.sequence()) + " after "
                            + Integer.toUnsignedString(slot.sequence) + (slot.running ? ", still running" : ""));
        }
        resize(slot, args);
        slot.used = true;
        slot.restored = false;
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
            slot = new Slot(number);
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
        if ((record.asked().flags() & CreateSessionFlags.CONN_BACK_CHAN) != 0 && !back.isUp()) {
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

    /// `connection` carries the backchannel too. From now on the client is told when none of its connections does.
    void bindBackchannel(RpcConnection connection) {
        bind(connection);
        change(asked -> with(
                asked, asked.flags() | CreateSessionFlags.CONN_BACK_CHAN, asked.callbackProgram(), asked.security()));
        back.bind(connection);
    }

    /// How callbacks are to be addressed and signed from now on.
    void controlBackchannel(int program, List<CallbackSecurity> security) {
        change(asked -> with(asked, asked.flags(), program, security));
        back.control(program, security);
    }

    private static CreateSessionArgs with(
            CreateSessionArgs asked, int flags, int program, List<CallbackSecurity> security) {
        return new CreateSessionArgs(
                asked.clientId(), asked.sequence(), flags, asked.fore(), asked.back(), program, security);
    }

    private void change(UnaryOperator<CreateSessionArgs> how) {
        var batch = new Batch();
        lock.lock();
        try {
            CreateSessionArgs asked = how.apply(record.asked());
            if (asked.equals(record.asked())) {
                return;
            }
            record = new SessionRecord(record.minorVersion(), asked, record.granted());
            if (open > 0) {
                note(batch);
            }
        } finally {
            lock.unlock();
        }
        store.append(batch);
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

    /// The session is no more, and `batch` takes its records away.
    void end(Batch batch) {
        back.end();
        Map<RpcConnection, Consumer<String>> ended;
        lock.lock();
        try {
            ended = Map.copyOf(bound);
            retireFrom(0);
            open = 0;
            if (isPersistent()) {
                batch.delete(SessionRecords.key(id));
                noted.stream().forEach(slot -> batch.delete(SessionRecords.key(Keys.SLOT, id, slot)));
                notedBack.stream().forEach(slot -> batch.delete(SessionRecords.key(Keys.CALLBACK, id, slot)));
            }
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
