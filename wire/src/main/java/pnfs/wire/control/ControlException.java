package pnfs.wire.control;

/// The other side refused, went away, or said what cannot be understood. The message is for the operator.
public final class ControlException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ControlException(String message) {
        super(message, null, false, false);
    }
}
