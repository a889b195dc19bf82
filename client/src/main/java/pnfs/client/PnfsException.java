package pnfs.client;

import java.io.IOException;
import pnfs.wire.nfs4.NfsStatus;

/// Why something could not be done: what the server said, about which path, and what to do about it. Where no
/// server answered at all the status is [NfsStatus#IO].
public final class PnfsException extends IOException {
    private static final long serialVersionUID = 1L;

    private final NfsStatus status;
    private final String path;

    PnfsException(NfsStatus status, String path, String detail) {
        super(path + ": " + detail + " (" + status + ")" + advice(status));
        this.status = status;
        this.path = path;
    }

    PnfsException(NfsStatus status, String path, String detail, Throwable cause) {
        this(status, path, detail);
        initCause(cause);
    }

    public NfsStatus status() {
        return status;
    }

    public String path() {
        return path;
    }

    /// The sentence for a bare status; the statuses a caller meets most have one of their own.
    static String meaning(NfsStatus status) {
        return switch (status) {
            case NOENT -> "no such file or directory";
            case EXIST -> "exists already";
            case NOTDIR -> "is no directory";
            case ISDIR -> "is a directory";
            case NOTEMPTY -> "the directory is not empty";
            case ACCESS, PERM -> "not permitted";
            case NOSPC, DQUOT -> "no space left on the data servers";
            case STALE -> "was removed meanwhile";
            case NAMETOOLONG -> "a name is too long";
            case GRACE -> "the metadata server still waits for its clients after a restart";
            case DELAY, LAYOUTTRYLATER, RECALLCONFLICT -> "somebody else holds it";
            case NOTSUPP -> "the metadata server cannot do this";
            default -> "the metadata server refused";
        };
    }

    private static String advice(NfsStatus status) {
        return switch (status) {
            case NOSPC, DQUOT -> ": remove files, or add a data server with 'pnfs format' and 'pnfs ds'";
            case DELAY, LAYOUTTRYLATER, RECALLCONFLICT -> ": try again when the other client has closed the file";
            case GRACE -> ": try again in a minute";
            case ISDIR -> ": name a file, or use -r for whole folders";
            case SERVERFAULT -> ": the metadata server's log says why";
            default -> "";
        };
    }
}
