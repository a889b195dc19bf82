package pnfs.mds.session;

/// A room that keeps state for clients: opens, locks, layouts. It hears when a client is gone.
public interface StateHolder {
    /// Whether the client holds anything here.
    boolean holdsStateOf(long clientId);

    /// The client is gone: drops all it holds here, durably where it was. Called once for a client, without
    /// locks held; no operation of this client begins after that, one that is under way finds
    /// [Clients#requireLive] refusing. A client of the run before is gone under the id that it had then, when
    /// it has taken back what it wanted or cannot any more.
    void release(long clientId);

    /// The client said goodbye, after it had given back all it held: otherwise as [#release].
    default void left(long clientId) {
        release(clientId);
    }
}
