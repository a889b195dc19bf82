package pnfs.mds.session;

/// What clients may ask of this room. Checked before anything is allocated.
///
/// @param leaseNanos how long a client may be silent
/// @param courtesyNanos how long after that its state is kept where nobody wants it
/// @param clients client records; more are told DELAY
/// @param sessionsPerClient more are told NOSPC
/// @param slots in a session: requests that a client may have in flight
/// @param slotsOfAll sessions together; with more in use, each is asked to do with a few
/// @param operations in a COMPOUND
/// @param messageBytes of a request or a reply, RPC header included
/// @param cachedReplyBytes of a reply that is kept for a retry
public record SessionLimits(
        long leaseNanos,
        long courtesyNanos,
        int clients,
        int sessionsPerClient,
        int slots,
        int slotsOfAll,
        int operations,
        int messageBytes,
        int cachedReplyBytes) {
    /// Callbacks that one session carries at once; a client may take fewer.
    static final int CALLBACK_SLOTS = 16;
    /// Slots that a session keeps when the server is short of them: enough for one application at a time.
    public static final int FEW_SLOTS = 4;
}
