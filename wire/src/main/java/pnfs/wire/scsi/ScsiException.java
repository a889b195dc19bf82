package pnfs.wire.scsi;

/// A command that did not end GOOD: to an initiator what the target answered, in a target a refusal on its way to
/// become that answer. Carries no stack trace, because a peer can cause as many as it likes.
public final class ScsiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final transient Sense sense;

    /// @param sense [Sense#NONE] unless the status is CHECK CONDITION
    public ScsiException(int status, Sense sense) {
        super(
                status == ScsiStatus.CHECK_CONDITION
                        ? ScsiStatus.name(status) + ", sense " + sense
                        : ScsiStatus.name(status),
                null,
                false,
                false);
        this.status = status;
        this.sense = sense;
    }

    /// CHECK CONDITION with this sense.
    public static ScsiException check(Sense sense) {
        return new ScsiException(ScsiStatus.CHECK_CONDITION, sense);
    }

    /// One of [ScsiStatus].
    public int status() {
        return status;
    }

    public Sense sense() {
        return sense;
    }
}
