package pnfs.mds.attribute;

import pnfs.wire.nfs4.NfsTime;

/// The four times of a file. `changed` is time_metadata (ctime), `created` is time_create. Immutable.
public record Times(NfsTime accessed, NfsTime modified, NfsTime changed, NfsTime created) {
    public static Times allAt(NfsTime now) {
        return new Times(now, now, now, now);
    }

    Times changedAt(NfsTime now) {
        return new Times(accessed, modified, now, created);
    }

    Times modifiedAt(NfsTime modification, NfsTime now) {
        return new Times(accessed, modification, now, created);
    }
}
