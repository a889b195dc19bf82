package pnfs.mds.compound;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.rpc.RpcCall;
import pnfs.wire.rpc.RpcProgram;
import pnfs.wire.rpc.RpcRejection;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.XdrReader;

/// Runs COMPOUNDs: decodes one operation, runs it, encodes its result, and so on to the first failure or the
/// end. RFC 8881 §2.10, §16.2; the rules of framing stand in [CompoundRun], what is true of each operation in
/// [OpFacts].
///
/// # Invariants
/// - An operation is decoded only when those before it have succeeded. The result array ends with the first
///   failure, whose status is the COMPOUND's.
/// - A reply leaves when the youngest ticket that any of its operations depends on is durable, a read's
///   included (I3); only then it is put into the slot, so that a replay shows nothing younger.
/// - What a COMPOUND changed and the note of its reply are durable at once: a retry after a crash finds both or
///   neither. Where an operation lets go of the loop, or goes to the disk for a read, the note until then says
///   DELAY for that one. No noted reply shows what the crash took back.
/// - A request that holds a slot gives it back exactly once, when its reply leaves.
/// - What cannot be repeated is not begun where its result might not fit into the reply, or into the cache that
///   the client asked for.
///
/// # Concurrency
/// A COMPOUND runs on the loop of its connection, to its end where no operation defers or waits for a client
/// that was asked to give something back ([RecalledException]: that one is run again, from its arguments on). A
/// [DeferredOperation] lets go of the loop; its answer, from whatever thread, takes the run back to the same
/// loop. So the parts of one run never overlap, and other runs of the connection go on between them. Nothing
/// waits: not for the store, whose committer sends the reply later, and not for I/O.
///
/// # Failure
/// [pnfs.wire.nfs4.NfsException] becomes its status, [pnfs.wire.xdr.XdrException] BADXDR; both are the client's
/// doing and leave no trace but a counter. Any other exception is a defect of ours: SERVERFAULT for this
/// operation, a stack in the log, and the server goes on. [pnfs.mds.store.CorruptStoreException] is damage: the
/// operation that needs that record fails with [OpFacts#statusOfDamage], so an operation reads all that it
/// needs before it changes anything. A connection that goes while its COMPOUND runs changes nothing: the reply
/// goes nowhere, and waits in the slot for the retry.
///
/// # Not here
/// Sessions and their slots are behind [Sequencer]. No limit is put on COMPOUNDs in flight: slots bound those
/// in sessions, and the others are alone in their COMPOUND and quick. Cold reads of the store happen on the
/// loop, and hold up nobody's commit.
public final class CompoundExecutor implements RpcProgram {
    /// The NFS program of RFC 8881 and its version.
    public static final int PROGRAM = 100003;

    public static final int VERSION = 4;

    private static final int COMPOUND = 1;
    private static final int EXPECTED_RESULT_BYTES = 512;

    private final OpTable table;
    private final Sequencer sequencer;
    private final MetadataStore store;
    private final InstantSource wallClock;
    private final OpMeters meters;
    private final int mostReplyBytes;
    private final long patienceNanos;

    /// An executor of the operations in `table`.
    ///
    /// @param wallClock for the times of files
    /// @param mostReplyBytes of a reply outside of a session, RPC header included
    /// @param patienceNanos how long a COMPOUND waits, all in all, for clients that were asked to give
    ///     something back
    public CompoundExecutor(
            OpTable table,
            Sequencer sequencer,
            MetadataStore store,
            InstantSource wallClock,
            MeterRegistry meters,
            int mostReplyBytes,
            long patienceNanos) {
        this.table = table;
        this.sequencer = sequencer;
        this.store = store;
        this.wallClock = wallClock;
        this.meters = new OpMeters(meters);
        this.mostReplyBytes = mostReplyBytes;
        this.patienceNanos = patienceNanos;
    }

    @Override
    public void call(RpcCall call, XdrReader args, RpcReply reply) {
        if (call.procedure() != COMPOUND) {
            reply.reject(new RpcRejection.ProcedureUnavailable());
            return;
        }
        int callBytes = args.position() + args.remaining();
        CompoundCodec.Header header = CompoundCodec.readHeader(args); // undecodable so far: GARBAGE_ARGS
        var state = new CompoundState(
                call.connection(),
                call.credential(),
                header.minorVersion(),
                call.connection().connection().loop().nowNanos(),
                NfsTime.of(wallClock.instant()),
                patienceNanos);
        new CompoundRun(this, header, args, callBytes, state, reply, reply.success(EXPECTED_RESULT_BYTES)).start();
    }

    OpTable table() {
        return table;
    }

    Sequencer sequencer() {
        return sequencer;
    }

    MetadataStore store() {
        return store;
    }

    OpMeters meters() {
        return meters;
    }

    int mostReplyBytes() {
        return mostReplyBytes;
    }
}
