package pnfs.ds.reservation;

/// Registrations that a volume keeps and this server cannot read: without them nobody knows who is to be kept
/// away. The message is one line for the operator: what is wrong and what to do.
public final class UnreadableRegistrationsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnreadableRegistrationsException(String message) {
        super(message);
    }
}
