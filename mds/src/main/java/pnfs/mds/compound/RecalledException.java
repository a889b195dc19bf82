package pnfs.mds.compound;

import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// An operation would have to wait for a client that has just been asked to give something back, and has done
/// nothing yet. That takes the client a round trip, so the executor tries a few times more before it answers
/// DELAY: told that, Linux comes back after a tenth of a second and more.
public final class RecalledException extends NfsException {
    private static final long serialVersionUID = 1;

    public RecalledException(String detail) {
        super(NfsStatus.DELAY, detail);
    }
}
