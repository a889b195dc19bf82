package pnfs.mds.delegation;

import java.util.Collection;
import java.util.List;
import pnfs.mds.open.FileState;
import pnfs.mds.open.OpenState;
import pnfs.mds.open.StateTable;

/// Delegations that stand beside what they exclude: there must be none, RFC 8881 §10.4.
public final class DelegationConflicts {
    private DelegationConflicts() {}

    public static List<String> among(StateTable states, Collection<Long> clients) {
        return clients.stream()
                .flatMap(holder -> states.of(holder, Delegation.class).stream())
                .filter(DelegationConflicts::isGood)
                .flatMap(held -> clients.stream()
                        .filter(other -> other != held.clientId())
                        .flatMap(other -> states.of(other, FileState.class).stream())
                        .filter(other -> other.file().equals(held.file()) && excludes(held, other))
                        .map(other -> held + " beside " + other))
                .toList();
    }

    private static boolean isGood(Delegation held) {
        return held.standing() == Delegation.Standing.HELD || held.standing() == Delegation.Standing.RECALLED;
    }

    private static boolean excludes(Delegation held, FileState other) {
        return switch (other) {
            case OpenState open -> held.forbids(open.access());
            case Delegation delegation -> isGood(delegation) && held.forbids(delegation.access());
            default -> false;
        };
    }
}
