package pnfs.mds.session;

/// A room that keeps state for clients: opens, locks, layouts. It hears when a client is gone.
public interface StateHolder {
    /// Whether the client holds anything here.
    boolean holdsStateOf(long clientId);

    /// The client is gone: drops all it holds here, durably where it was. Called once for a client, without
    /// locks held; no operation of this client begins after that, one that is under way finds
    /// [Clients#requireLive] refusing. A client of the run before is gone under the id that it had then, when
    /// it can take nothing back any more; where it said that it has, a lease after that.
    void release(long clientId);

    /// A client of the run before has taken back what it wanted. What it sent before the restart and got no answer
    /// to may still come once more, until [#release] is called.
    ///
    /// @param formerId the id that it had then
    default void reclaimed(long formerId) {}

    /// The client said goodbye, after it had given back all it held: otherwise as [#release].
    default void left(long clientId) {
        release(clientId);
    }
}
