package pnfs.mds.compound;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpCodec;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.SetAttrResult;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// One COMPOUND on its way through the [CompoundExecutor]. Confined to its connection's loop until its last
/// operation has run; then to the thread that finds its ticket durable.
final class CompoundRun {
    private static final Logger log = LoggerFactory.getLogger(CompoundRun.class);

    /// Replies up to this size are kept for a retry though the client did not ask for it: cheaper than the
    /// retry's RETRY_UNCACHED_REP.
    private static final int ALWAYS_KEPT_BYTES = 512;
    /// So much of a request tells whether a retry is the same request: operations, names, offsets, and the
    /// begin of a payload.
    private static final int FINGERPRINT_BYTES = 256;

    private static final int FINGERPRINT_FACTOR = 0x9e3779b1; // 2^32 / φ
    private static final int RECORD_MARK_BYTES = 4;
    private static final int TOP_MINOR_VERSION = 2;
    private static final int LEAST_MINOR_VERSION = 1;

    private final CompoundExecutor executor;
    private final CompoundCodec.Header header;
    private final int callBytes;
    private final RpcReply reply;
    private final XdrWriter out;
    private final int begin;
    private final CompoundCodec.Begun begun;
    private final CompoundState state;

    /// What is left to decode; from the first operation that may answer later on, a copy of our own.
    private XdrReader in;

    /// The operation that runs, and where it begins.
    private OpCode running = OpCode.ILLEGAL;

    private int operationBegin;

    private boolean ownsRequest;
    private boolean isOver;
    private int done;
    private NfsStatus status = NfsStatus.OK;
    private int mostReplyBytes;
    private int mostCachedBytes;
    private boolean cacheThis;
    private boolean replyLost;
    /// An operation that cannot be repeated was done.
    private boolean changed;

    /// For which operation it was noted that it is under way; -1 for none.
    private int notedAt = -1;
    /// What was appended before the operation that runs, and what was appended last.
    private long appendedBefore;

    private long appended;

    /// The reply, where it is kept for a retry.
    private byte @Nullable [] kept;

    private byte @Nullable [] replayed;
    private Sequencer.@Nullable Turn turn;

    CompoundRun(
            CompoundExecutor executor,
            CompoundCodec.Header header,
            XdrReader in,
            int callBytes,
            CompoundState state,
            RpcReply reply,
            XdrWriter out) {
        this.executor = executor;
        this.header = header;
        this.in = in;
        this.callBytes = callBytes;
        this.state = state;
        this.reply = reply;
        this.out = out;
        begin = out.position();
        begun = CompoundCodec.beginResults(out, header.tag());
        mostReplyBytes = executor.mostReplyBytes();
        mostCachedBytes = mostReplyBytes;
    }

    void start() {
        if (header.minorVersion() < LEAST_MINOR_VERSION || header.minorVersion() > TOP_MINOR_VERSION) {
            status = NfsStatus.MINOR_VERS_MISMATCH;
        } else if (!header.tag().isUtf8()) {
            status = NfsStatus.INVAL;
        }
        advance();
    }

    /// Runs operations until one defers its answer or waits for a client, one fails, or all are done. A crash
    /// leaves all that they changed or nothing, unless one of them had to read from the disk.
    private void advance() {
        MetadataStore store = executor.store();
        appended = Math.max(appended, store.together(this::runOn, this::mayPart));
        if (isOver) {
            // What nobody is shown, such as that a file is not open any more, outlives the process, too.
            store.whenDurable(state.ticket(), () -> store.whenWritten(appended, this::leave));
        }
    }

    /// The operation that runs goes to the disk, which may take long. What those before it have changed need not
    /// wait for that; what it has changed itself belongs to the note of it, where there will be one.
    private boolean mayPart() {
        if (turn != null && executor.store().youngest() != appendedBefore) {
            return false;
        }
        noteUnfinished();
        return true;
    }

    private void runOn() {
        while (status == NfsStatus.OK && done < header.operations() && replayed == null) {
            OpResult result = next();
            if (result != null) {
                add(result);
            } else if (replayed == null) {
                noteUnfinished();
                return; // deferred: goes on in resume; or waits, and is run again
            }
        }
        complete();
        isOver = true;
    }

    /// What was changed so far may be durable long before the reply is there: after a crash in between a retry
    /// hears that it was done, and that the rest has to be asked for again.
    private void noteUnfinished() {
        if (turn == null || !changed || notedAt == done) {
            return;
        }
        notedAt = done;
        int soFar = out.position();
        OpCodec.writeResult(out, failure(running, NfsStatus.DELAY));
        CompoundCodec.endResults(out, begun, NfsStatus.DELAY, done + 1);
        note(turn, toKeep());
        out.truncate(soFar);
    }

    /// The reply as it is now, where a retry is to find it.
    private byte @Nullable [] toKeep() {
        boolean keep = cacheThis || out.position() - begin <= ALWAYS_KEPT_BYTES;
        return keep ? out.toByteArray(begin) : null;
    }

    private void note(Sequencer.Turn taken, byte @Nullable [] answer) {
        var note = new Batch();
        taken.note(note, answer);
        executor.store().amend(note, state.ticket());
    }

    private void resume(OpResult result) {
        add(result);
        advance();
    }

    /// Runs the next operation. Null when its answer comes later, when it runs again later, or when the whole
    /// reply is a replay.
    private @Nullable OpResult next() {
        OpCode op = OpCode.ILLEGAL;
        operationBegin = in.position();
        appendedBefore = executor.store().youngest();
        try {
            op = OpCode.of(in.peekUint32());
            running = op;
            OpFacts facts = OpFacts.of(op).orElse(null);
            if (facts == null || facts.minorVersion() > header.minorVersion()) {
                op = OpCode.ILLEGAL;
                throw new NfsException(NfsStatus.OP_ILLEGAL, "operation " + Integer.toUnsignedString(in.peekUint32()));
            }
            requirePlace(facts);
            if (op == OpCode.SEQUENCE) {
                return sequence();
            }
            if (replyLost) {
                throw new NfsException(NfsStatus.RETRY_UNCACHED_REP, "the reply was not kept");
            }
            OpTable.Row row = executor.table().find(op);
            if (row == null) {
                throw new NfsException(NfsStatus.NOTSUPP, op.name());
            }
            return run(row);
        } catch (RecalledException recalled) {
            in.rewind(operationBegin);
            ownRequest();
            return state.pause(this::advance) ? null : refused(op, recalled);
        } catch (NfsException refusal) {
            return refused(op, refusal);
        } catch (XdrException undecodable) {
            log.debug("operation undecodable op={} why={}", op, undecodable.getMessage());
            return failure(op, NfsStatus.BADXDR);
        } catch (CorruptStoreException damage) {
            executor.store().damaged().met(damage);
            return failure(op, OpFacts.statusOfDamage(op));
        } catch (RuntimeException bug) {
            return serverFault(op, bug);
        }
    }

    private static OpResult refused(OpCode op, NfsException refusal) {
        log.debug("operation refused op={} why={}", op, refusal.getMessage());
        return failure(op, refusal.status());
    }

    private static OpResult serverFault(OpCode op, RuntimeException bug) {
        log.error("operation failed by a defect of ours op={}", op, bug);
        return failure(op, NfsStatus.SERVERFAULT);
    }

    /// Every failure is a status alone, but for SETATTR's.
    static OpResult failure(OpCode op, NfsStatus status) {
        return op == OpCode.SETATTR ? new SetAttrResult(status, Bitmap.EMPTY) : new OpFailure(op, status);
    }

    /// RFC 8881 §2.10.2, §16.2, §18.46.3: where operations may stand.
    private void requirePlace(OpFacts facts) {
        if (done > 0) {
            switch (facts.place()) {
                case FIRST -> throw new NfsException(NfsStatus.SEQUENCE_POS, "SEQUENCE is operation " + done);
                case ALONE -> throw new NfsException(NfsStatus.NOT_ONLY_OP, facts.op() + " is operation " + done);
                case IN_SESSION, ANYWHERE -> {}
            }
            return;
        }
        switch (facts.place()) {
            case FIRST -> {}
            case IN_SESSION -> throw new NfsException(NfsStatus.OP_NOT_IN_SESSION, facts.op() + " comes first");
            case ANYWHERE, ALONE -> {
                if (header.operations() > 1) {
                    throw new NfsException(
                            NfsStatus.NOT_ONLY_OP, facts.op() + " comes first of " + header.operations());
                }
            }
        }
    }

    private @Nullable OpResult sequence() {
        var args = (SequenceArgs) OpCodec.readArgs(in);
        var request = new Sequencer.Request(
                state.connection(),
                state.credential(),
                callBytes,
                header.operations(),
                fingerprint(in.unread()),
                state.nowNanos());
        return switch (executor.sequencer().admit(args, request)) {
            case Sequencer.Execute execute -> {
                state.enterSession(execute.session());
                mostReplyBytes = execute.mostReplyBytes();
                mostCachedBytes = Math.min(execute.mostCachedBytes(), mostReplyBytes);
                cacheThis = args.cacheThis();
                turn = execute.turn();
                yield execute.result();
            }
            case Sequencer.Replay replay -> {
                replayed = replay.reply();
                yield null;
            }
            case Sequencer.ReplyLost lost -> {
                replyLost = true;
                yield lost.result();
            }
        };
    }

    private static int fingerprint(ByteBuffer rest) {
        int sum = rest.remaining();
        int end = Math.min(rest.remaining(), FINGERPRINT_BYTES) - Integer.BYTES;
        for (int at = 0; at <= end; at += Integer.BYTES) {
            sum = (sum ^ rest.getInt(at)) * FINGERPRINT_FACTOR;
            sum ^= sum >>> 15;
        }
        return sum;
    }

    private @Nullable OpResult run(OpTable.Row row) {
        OpFacts facts = row.facts();
        requireRoom(facts);
        state.begin(mostCachedBytes - replyBytes(), done == header.operations() - 1);
        switch (facts.needs()) {
            case NOTHING -> {}
            case CURRENT -> state.currentFile();
            case SAVED -> {
                state.savedFile();
                state.currentFile();
            }
        }
        if (!facts.repeatable() && executor.store().isCongested()) {
            throw new NfsException(NfsStatus.DELAY, "the store has too much to commit");
        }
        return switch (row) {
            case OpTable.Direct direct -> direct.operation().run(readArgs(), state);
            case OpTable.Deferred deferred -> {
                ownRequest();
                var answer = new Answer(facts.op());
                deferred.operation().run(readArgs(), state, answer);
                yield answer.nowOrLater();
            }
        };
    }

    private OpArgs readArgs() {
        return OpCodec.readArgs(in);
    }

    /// What cannot be done twice is not begun where its answer might not fit.
    private void requireRoom(OpFacts facts) {
        if (!facts.repeatable()) {
            requireFits(replyBytes() + facts.mostResultBytes());
        }
    }

    /// What counts against the client's limits: the RPC header too, the record mark not.
    private int replyBytes() {
        return out.position() - RECORD_MARK_BYTES;
    }

    private void requireFits(int replyBytes) {
        if (replyBytes > mostReplyBytes) {
            throw new NfsException(NfsStatus.REP_TOO_BIG, replyBytes + " bytes over " + mostReplyBytes);
        }
        if (replyBytes > mostCachedBytes) {
            throw new NfsException(NfsStatus.REP_TOO_BIG_TO_CACHE, replyBytes + " bytes over " + mostCachedBytes);
        }
    }

    /// The bytes of the request are the connection's, and go when the call returns.
    private void ownRequest() {
        if (!ownsRequest) {
            ByteBuffer rest = in.unread();
            in = new XdrReader(ByteBuffer.allocate(rest.remaining()).put(rest).flip());
            ownsRequest = true;
            operationBegin = 0;
        }
    }

    private void add(OpResult result) {
        int before = out.position();
        OpResult added = result;
        try {
            OpCodec.writeResult(out, result);
            requireFits(replyBytes());
        } catch (NfsException tooBig) {
            added = instead(before, failure(result.op(), tooBig.status()));
        } catch (RuntimeException bug) {
            added = instead(before, serverFault(result.op(), bug));
        }
        executor.meters().count(added.op(), added.status());
        status = added.status();
        changed |= result.status() == NfsStatus.OK
                && !OpFacts.of(result.op()).map(OpFacts::repeatable).orElse(true);
        done++;
    }

    private OpResult instead(int position, OpResult failure) {
        out.truncate(position);
        OpCodec.writeResult(out, failure);
        return failure;
    }

    /// The reply is whole. What it answers and the reply itself, for a retry, are in the store together.
    private void complete() {
        if (replayed != null) {
            out.truncate(begin);
            out.writeFixed(replayed);
            return;
        }
        CompoundCodec.endResults(out, begun, status, done);
        if (turn != null) {
            kept = toKeep();
            if (changed) {
                note(turn, kept);
            }
        }
    }

    /// All that the reply shows is durable: it may be kept, and leaves.
    private void leave() {
        if (turn != null) {
            turn.end(kept);
        }
        log.debug("compound answered operations={} status={}", done, status);
        reply.send(out);
    }

    /// Takes the answer of a deferred operation, which may be there before the operation returns or come
    /// later from any thread.
    private final class Answer implements Consumer<OpResult> {
        private final OpCode op;
        /// Null at first; then the answer, or this object itself once the run waits for it.
        private final AtomicReference<@Nullable Object> slot = new AtomicReference<>();

        Answer(OpCode op) {
            this.op = op;
        }

        @Override
        public void accept(OpResult result) {
            Object before = slot.getAndSet(result);
            if (before == this) {
                state.connection().connection().loop().execute(() -> resume(result));
            } else if (before != null) {
                log.error("operation answered twice op={}", op, new IllegalStateException("second answer: " + result));
            }
        }

        @Nullable
        OpResult nowOrLater() {
            return slot.compareAndSet(null, this) ? null : (OpResult) slot.get();
        }
    }
}
