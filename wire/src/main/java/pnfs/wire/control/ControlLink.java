package pnfs.wire.control;

import java.net.SocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.control.proto.Envelope;
import pnfs.wire.control.proto.Refusal;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// A connection between two of our programs, over which each may ask the other. Any thread may call anything.
public final class ControlLink {
    private static final Logger log = LoggerFactory.getLogger(ControlLink.class);
    /// How many requests of the other side may be without an answer; a further one ends the link.
    private static final int MAX_UNANSWERED = 64;
    /// How many of ours may be; a further one fails at once.
    private static final int MAX_ASKED = 64;

    /// What carries a link's messages, in their order. A message that cannot be written ends the link.
    public interface Carrier {
        SocketAddress peer();

        void write(Envelope envelope);

        /// Lets an answer fail when it has taken so long.
        void limit(CompletableFuture<Reply> answer, Duration patience);

        void close();
    }

    private final Carrier carrier;
    private final Map<Long, CompletableFuture<Reply>> asked = new ConcurrentHashMap<>();
    private final AtomicLong nextId = new AtomicLong(1);
    private final AtomicInteger unanswered = new AtomicInteger();
    private volatile ControlHandler handler = ControlHandler.refusing();
    private volatile boolean closed;

    /// Its carrier gives it what the other side sends, and tells it of the end: [#received], [#ended].
    public ControlLink(Carrier carrier) {
        this.carrier = carrier;
    }

    /// Who answers the other side; nobody until then.
    public void handler(ControlHandler made) {
        handler = made;
    }

    public SocketAddress peer() {
        return carrier.peer();
    }

    /// A reply that says why not, for the operator.
    public static Reply refusal(String reason) {
        return Reply.newBuilder()
                .setRefusal(Refusal.newBuilder().setReason(reason))
                .build();
    }

    /// Asks the other side. The future fails with [ControlException] when the link ends, the time is over or
    /// the other side refuses.
    public CompletableFuture<Reply> ask(Request request, Duration patience) {
        var answer = new CompletableFuture<Reply>();
        if (closed || asked.size() >= MAX_ASKED) {
            answer.completeExceptionally(new ControlException(
                    closed ? "the connection to " + peer() + " is closed" : peer() + " does not answer"));
            return answer;
        }
        long id = nextId.getAndIncrement();
        asked.put(id, answer);
        write(Envelope.newBuilder().setId(id).setRequest(request).build());
        if (closed) { // it ended between the look and the put
            failAsked();
        }
        carrier.limit(answer, patience);
        return answer.whenComplete((reply, failure) -> asked.remove(id)).thenCompose(ControlLink::orRefusal);
    }

    private static CompletableFuture<Reply> orRefusal(Reply reply) {
        return reply.hasRefusal()
                ? CompletableFuture.failedFuture(
                        new ControlException(reply.getRefusal().getReason()))
                : CompletableFuture.completedFuture(reply);
    }

    public void close() {
        carrier.close();
    }

    /// One message of the other side, on one thread at a time.
    ///
    /// @throws ControlException when the link must end for it
    public void received(Envelope envelope) {
        switch (envelope.getBodyCase()) {
            case REQUEST -> answer(envelope.getId(), envelope.getRequest());
            case REPLY -> {
                CompletableFuture<Reply> waiting = asked.remove(envelope.getId());
                if (waiting != null) { // otherwise its time was over
                    waiting.complete(envelope.getReply());
                }
            }
            case BODY_NOT_SET -> throw new ControlException("a message without a body");
        }
    }

    private void answer(long id, Request request) {
        if (unanswered.incrementAndGet() > MAX_UNANSWERED) {
            throw new ControlException("over " + MAX_UNANSWERED + " requests without an answer");
        }
        var answered = new AtomicBoolean();
        Consumer<Reply> reply = text -> {
            if (answered.compareAndSet(false, true)) {
                unanswered.decrementAndGet();
                write(Envelope.newBuilder().setId(id).setReply(text).build());
            }
        };
        try {
            handler.onRequest(request, reply);
        } catch (RuntimeException bug) {
            log.error("control request failed kind={} peer={}", request.getKindCase(), peer(), bug);
            reply.accept(refusal("the server failed; its log says why"));
        }
    }

    private void write(Envelope envelope) {
        carrier.write(envelope);
    }

    /// The carrier is gone; the last call.
    public void ended() {
        closed = true;
        failAsked();
        handler.onClosed();
    }

    private void failAsked() {
        asked.values()
                .forEach(waiting -> waiting.completeExceptionally(
                        new ControlException("the connection to " + peer() + " was closed")));
    }
}
