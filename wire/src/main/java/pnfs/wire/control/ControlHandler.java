package pnfs.wire.control;

import java.util.function.Consumer;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// Answers the other side of one [ControlLink]. Calls come from the transport's threads, one at a time for a link.
public interface ControlHandler {
    /// Answers once, now or later. An exception is answered with a refusal and logged: it is our bug.
    void onRequest(Request request, Consumer<Reply> reply);

    /// The link is gone; the last call.
    default void onClosed() {}

    /// A side that asks and is never asked.
    static ControlHandler refusing() {
        return (request, reply) -> reply.accept(ControlLink.refusal("nothing can be asked here"));
    }
}
