package pnfs.wire.iscsi;

import java.util.concurrent.CompletableFuture;

/// A command, or a login, could not be carried through: no session, no answer in time, refused before it was a
/// SCSI command. What a unit answered is a [pnfs.wire.scsi.ScsiException] instead. Carries no stack trace,
/// because one lost connection makes many.
public final class IscsiSessionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient CompletableFuture<Void> over;

    /// Of a command that has no effect from now on.
    public IscsiSessionException(String detail) {
        this(detail, CompletableFuture.completedFuture(null));
    }

    /// Of a command that may have an effect until `over` is done.
    public IscsiSessionException(String detail, CompletableFuture<Void> over) {
        super(detail, null, false, false);
        this.over = over;
    }

    /// Done when the command can have no effect any more. That is so at once, unless it was on the wire of a
    /// connection that was lost: the target may have it, and carry it out late. Then it is the session's next
    /// login that ends it (RFC 7143 §6.3.5), or [IscsiInitiator#close].
    public CompletableFuture<Void> over() {
        return over;
    }
}
