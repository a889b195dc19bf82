package pnfs.layout.grant;

/// Who asks.
///
/// @param client its client id
/// @param callsInFlight how many operations it can have under way at once over all its sessions: a layout stateid
///     may be older than the current one by as many replies (RFC 8881 §12.5.3)
public record Requester(long client, int callsInFlight) {}
