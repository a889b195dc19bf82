package pnfs.it.sim;

import java.util.HashMap;
import java.util.Map;

/// Until when the metadata server owes a client what it gave: as long as the client's lease has certainly not
/// ended. A request that was answered has renewed it, at some time after it was sent. One thread.
final class Leases {
    private static final long LEASE_NANOS = MetadataServerNode.LEASE.toNanos();

    /// Something that a client was told it holds, in one of its leases.
    ///
    /// @param lease their number
    record Claim(int client, int lease) {}

    private static final class Lease {
        int number;
        long renewedNanos;
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

    /// What a client has just been told that it holds.
    Claim claim(int client) {
        return new Claim(client, of(client).number);
    }

    /// Whether nobody may have taken it from the client until now.
    boolean stands(Claim claim) {
        Lease lease = of(claim.client);
        return lease.number == claim.lease && agenda.nowNanos() - lease.renewedNanos < LEASE_NANOS;
    }
}
