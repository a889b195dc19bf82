package pnfs.it.sim;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Leases.Claim;
import pnfs.wire.nfs4.DelegationType;

/// Who was told that nobody else changes a file, or uses it, from the reply until the return is sent. One thread.
final class DelegationModel {
    /// So long it certainly stands after somebody wanted what it forbids: half a lease, because a recall may have
    /// begun before that was known here.
    private static final long CERTAIN_NANOS = MetadataServerNode.LEASE.toNanos() / 2;
    /// Nobody's request is under way for longer.
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(5);
    private static final long NEVER = Long.MAX_VALUE;

    private static final class Held {
        final DelegationType type;
        final Claim claim;
        final long since;
        /// When somebody first wanted what this forbids: from then on the server may take it within a lease.
        long wantedNanos = NEVER;

        Held(DelegationType type, Claim claim, long since) {
            this.type = type;
            this.claim = claim;
            this.since = since;
        }
    }

    private final Map<Integer, Held> held = new TreeMap<>();
    /// When each client asked for something last.
    private final Map<Integer, Long> lastWanted = new TreeMap<>();

    /// @param askedNanos when its holder asked for it: from then on the server may have been asked to take it back
    void granted(Claim claim, DelegationType type, long at, long askedNanos) {
        var delegation = new Held(type, claim, at);
        lastWanted.forEach((client, wantedNanos) -> {
            if (client != claim.client() && askedNanos - wantedNanos < PATIENCE_NANOS) {
                delegation.wantedNanos = askedNanos; // its request may still be under way
            }
        });
        held.put(claim.client(), delegation);
    }

    void released(int client) {
        held.remove(client);
    }

    /// A client is about to ask for something that others' delegations forbid: to change the file, or to open it.
    void wanted(int client, long nowNanos) {
        lastWanted.merge(client, nowNanos, Math::max);
        held.forEach((holder, delegation) -> {
            if (holder != client) {
                delegation.wantedNanos = Math.min(delegation.wantedNanos, nowNanos);
            }
        });
    }

    /// A client was told that it has what it wanted.
    ///
    /// @param askedAt when it asked
    /// @return who certainly holds a delegation that forbids it, since before, or null
    @Nullable
    String conflict(Leases leases, int client, long askedAt, long nowNanos) {
        for (var each : held.entrySet()) {
            Held delegation = each.getValue();
            if (each.getKey() != client
                    && delegation.since < askedAt
                    && leases.stands(delegation.claim)
                    && nowNanos - delegation.wantedNanos < CERTAIN_NANOS) {
                return "client " + each.getKey() + " has a " + delegation.type + " delegation";
            }
        }
        return null;
    }
}
