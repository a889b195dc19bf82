package pnfs.it.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Until when the metadata server owes a client what it gave: as long as the client's lease has certainly not
/// ended. A request that was answered has renewed it, at some time after it was sent. A server that has forgotten
/// the client keeps others away for a lease, too, but from its start: what the client asks for after that prolongs
/// only what it has taken back. One thread.
final class Leases {
    private static final long LEASE_NANOS = MetadataServerNode.LEASE.toNanos();

    /// Something that a client was told it holds, in one of its leases.
    ///
    /// @param lease their number
    /// @param era how often the server had forgotten the client
    record Claim(int client, int lease, int era) {}

    private static final class Lease {
        int number;
        long renewedNanos;
        /// When it was renewed last in each earlier era.
        final List<Long> renewedInNanos = new ArrayList<>();
    }

    private final Agenda agenda;
    private final Map<Integer, Lease> leases = new HashMap<>();

    Leases(Agenda agenda) {
        this.agenda = agenda;
    }

    private Lease of(int client) {
        return leases.computeIfAbsent(client, _ -> new Lease());
    }

    /// A request has been answered.
    void renewed(int client, long sentNanos) {
        Lease lease = of(client);
        if (agenda.nowNanos() - lease.renewedNanos >= LEASE_NANOS) {
            lease.number++;
        }
        lease.renewedNanos = Math.max(lease.renewedNanos, sentNanos);
    }

    /// What it held it has given up.
    void ended(int client) {
        of(client).number++;
    }

    /// The server has forgotten the client, which may take back what it held.
    void forgotten(int client) {
        Lease lease = of(client);
        lease.renewedInNanos.add(lease.renewedNanos);
    }

    /// What a client has just been told that it holds.
    Claim claim(int client) {
        Lease lease = of(client);
        return new Claim(client, lease.number, lease.renewedInNanos.size());
    }

    /// Whether nobody may have taken it from the client until now.
    boolean stands(Claim claim) {
        List<Long> earlier = of(claim.client).renewedInNanos;
        return goesOn(claim)
                && (claim.era == earlier.size() || agenda.nowNanos() - earlier.get(claim.era) < LEASE_NANOS);
    }

    /// Whether the client has kept its lease: what it held it may still have, or take back.
    boolean goesOn(Claim claim) {
        Lease lease = of(claim.client);
        return lease.number == claim.lease && agenda.nowNanos() - lease.renewedNanos < LEASE_NANOS;
    }
}
