package pnfs.mds.open;

import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// SHARE_DENIED, and because of whom.
final class ShareDeniedException extends NfsException {
    private static final long serialVersionUID = 1;

    private final long holder;

    ShareDeniedException(long holder, String detail) {
        super(NfsStatus.SHARE_DENIED, detail);
        this.holder = holder;
    }

    /// The client whose open is in the way.
    long holder() {
        return holder;
    }
}
