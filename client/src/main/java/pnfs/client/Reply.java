package pnfs.client;

import java.util.List;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpResult;

/// The results of one compound, SEQUENCE left out: those that ran, the last of which may have failed. Immutable.
record Reply(List<OpResult> results) {
    Reply {
        results = List.copyOf(results);
    }

    /// That of the last operation; the ones before it were OK.
    NfsStatus status() {
        return results.isEmpty() ? NfsStatus.OK : results.getLast().status();
    }

    /// The first result of this type, which must be there: a server that says OK and leaves it out is broken.
    <T extends OpResult> T get(Class<T> type) {
        return results.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no " + type.getSimpleName() + " in " + results));
    }

    Reply orThrow(String path) throws PnfsException {
        if (status() != NfsStatus.OK) {
            throw new PnfsException(status(), path, PnfsException.meaning(status()));
        }
        return this;
    }
}
