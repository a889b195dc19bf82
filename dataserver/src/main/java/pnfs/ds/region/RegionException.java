package pnfs.ds.region;

import java.io.IOException;

/// A region that cannot be made or opened. The message is one line for the operator: what is wrong and what to do.
public final class RegionException extends IOException {
    private static final long serialVersionUID = 1L;

    RegionException(String message) {
        super(message);
    }

    RegionException(String message, Throwable cause) {
        super(message, cause);
    }
}
