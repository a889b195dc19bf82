package pnfs.client;

import org.jspecify.annotations.Nullable;

/// What a failure says of itself, for messages.
final class Why {
    private Why() {}

    static String of(@Nullable Throwable failure) {
        if (failure == null) {
            return "no reason given";
        }
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }
}
