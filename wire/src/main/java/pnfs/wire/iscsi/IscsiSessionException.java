package pnfs.wire.iscsi;

/// A command, or a login, could not be carried through: no session, no answer in time, refused before it was a
/// SCSI command. What a unit answered is a [pnfs.wire.scsi.ScsiException] instead. Carries no stack trace,
/// because one lost connection makes many.
public final class IscsiSessionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public IscsiSessionException(String detail) {
        super(detail, null, false, false);
    }
}
