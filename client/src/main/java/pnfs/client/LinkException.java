package pnfs.client;

import java.io.IOException;

/// The connection to the metadata server is gone, could not be made, or gave no answer in time. Whether a call
/// that was under way was executed is not known.
final class LinkException extends IOException {
    private static final long serialVersionUID = 1L;

    LinkException(String message, Throwable cause) {
        super(message, cause);
    }
}
