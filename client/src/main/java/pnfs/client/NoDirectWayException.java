package pnfs.client;

/// These bytes cannot go straight to or from a data server now; the metadata server has to move them. Carries
/// the reason, never reaches a user.
final class NoDirectWayException extends Exception {
    private static final long serialVersionUID = 1L;

    NoDirectWayException(String why) {
        super(why, null, false, false);
    }
}
