package pnfs.mds;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import pnfs.mds.session.SessionLimits;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.rpc.RpcLimits;

/// How much a metadata server takes on. Everything that a peer controls has a limit, which is checked before
/// memory is taken; what concerns one room alone stands there ([pnfs.layout.grant.LayoutLimits],
/// [pnfs.wire.nfs4.Nfs4Limits]).
final class Limits {
    /// I/O threads; more than processors would only get in each other's way.
    static final int MAX_LOOPS = 1024;

    static final Duration MIN_LEASE = Duration.ofSeconds(1);
    static final Duration MAX_LEASE = Duration.ofHours(1);

    /// How long after its lease a silent client keeps what nobody else wants.
    static final Duration COURTESY = Duration.ofDays(1);

    /// Clients at once; a further one is told to come later.
    static final int CLIENTS = 100_000;

    static final int SESSIONS_PER_CLIENT = 64;

    /// Requests that a client may have in flight on one session.
    static final int SLOTS = 64;

    /// Slots in use on all sessions, each with a reply of up to [#CACHED_REPLY_BYTES]; with more, clients are
    /// asked to do with a few.
    static final int SLOTS_OF_ALL = 1 << 18;

    /// Operations of a COMPOUND. Linux wants 8 at least.
    static final int OPERATIONS = 64;

    /// The longest READ or WRITE through this server.
    static final int MAX_IO_BYTES = 1 << 20;

    /// A request or reply with such a READ or WRITE and everything around it.
    static final int MESSAGE_BYTES = MAX_IO_BYTES + (4 << 10);

    /// A reply that is kept for a retry; longer ones are refused before anything is done.
    static final int CACHED_REPLY_BYTES = 8 << 10;

    /// How long a client may take to answer a callback before its connection carries no more of them.
    static final Duration CALLBACK_PATIENCE = Duration.ofSeconds(5);

    /// How long a COMPOUND waits for clients that were asked to give something back before it is answered
    /// DELAY. It holds its slot meanwhile.
    static final Duration RECALL_PATIENCE = Duration.ofMillis(600);

    /// Stateids that one client may have: files open, lock-owners on files, delegations. At the limit it is
    /// told to come later, until it gives some back.
    static final int STATES_PER_CLIENT = 1 << 20;

    /// Delegations of all clients; further opens get none.
    static final int DELEGATIONS = 1 << 18;

    /// Byte ranges that one client may have locked.
    static final int LOCKS_PER_CLIENT = 1 << 20;

    /// Changes on their way to the disk, in bytes, from which on operations are told to come later.
    static final long CONGESTED_BYTES = 64L << 20;

    /// Inodes, and extent maps, that stay at hand.
    static final int CACHED_INODES = 200_000;

    static final int CACHED_MAPS = 20_000;

    static final RpcLimits RPC = RpcLimits.DEFAULT.withMaxRecordBytes(MESSAGE_BYTES);

    static final ConnectionLimits CONNECTIONS = ConnectionLimits.DEFAULT.withMaxConnections(16_384);

    /// How often data servers say that they are there.
    static final Duration HEARTBEAT = Duration.ofSeconds(1);

    private Limits() {}

    static SessionLimits sessions(Duration lease) {
        return new SessionLimits(
                lease.toNanos(),
                TimeUnit.DAYS.toNanos(COURTESY.toDays()),
                CLIENTS,
                SESSIONS_PER_CLIENT,
                SLOTS,
                SLOTS_OF_ALL,
                OPERATIONS,
                MESSAGE_BYTES,
                CACHED_REPLY_BYTES);
    }
}
