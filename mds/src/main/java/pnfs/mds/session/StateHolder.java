package pnfs.mds.session;

/// A room that keeps state for clients: opens, locks, layouts. It hears when a client is gone.
public interface StateHolder {
    /// Whether the client holds anything here.
    boolean holdsStateOf(long clientId);

    /// The client is gone: drops all it holds here, durably where it was. Called once for a client, without
    /// locks held; no operation of this client begins after that, one that is under way finds
    /// [Clients#requireLive] refusing.
    void release(long clientId);
}
