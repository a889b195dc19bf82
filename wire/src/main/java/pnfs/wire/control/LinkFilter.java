package pnfs.wire.control;

import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.glassfish.grizzly.CloseListener;
import org.glassfish.grizzly.CloseType;
import org.glassfish.grizzly.Closeable;
import org.glassfish.grizzly.Connection;
import org.glassfish.grizzly.Grizzly;
import org.glassfish.grizzly.attributes.Attribute;
import org.glassfish.grizzly.filterchain.BaseFilter;
import org.glassfish.grizzly.filterchain.FilterChainContext;
import org.glassfish.grizzly.filterchain.NextAction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.control.proto.Envelope;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.net.Admission;

/// Keeps a [ControlLink] for each connection and hands it the envelopes.
final class LinkFilter extends BaseFilter {
    private static final Logger log = LoggerFactory.getLogger(LinkFilter.class);

    private static final int MAX_ACCEPTED = 1024;

    private final Attribute<ControlLink> attribute = Grizzly.DEFAULT_ATTRIBUTE_BUILDER.createAttribute("pnfs.control");
    private final Function<ControlLink, ControlHandler> handlers;
    private final AtomicInteger accepted = new AtomicInteger();

    LinkFilter(Function<ControlLink, ControlHandler> handlers) {
        this.handlers = handlers;
    }

    @Override
    public NextAction handleAccept(FilterChainContext context) {
        if (accepted.get() >= MAX_ACCEPTED || !Admission.ofProcess().insider()) {
            log.warn("control connection refused open={}", accepted);
            context.getConnection().closeSilently();
        } else {
            accepted.incrementAndGet();
            CloseListener<Closeable, CloseType> left = (_, _) -> {
                accepted.decrementAndGet();
                Admission.ofProcess().left();
            };
            context.getConnection().addCloseListener(left);
            begin(context);
        }
        return context.getInvokeAction();
    }

    @Override
    public NextAction handleConnect(FilterChainContext context) {
        begin(context);
        return context.getInvokeAction();
    }

    private void begin(FilterChainContext context) {
        var link = new ControlLink(new GrizzlyCarrier(context.getConnection()));
        attribute.set(context.getConnection(), link);
        link.handler(handlers.apply(link));
    }

    private record GrizzlyCarrier(Connection<?> connection) implements ControlLink.Carrier {
        @Override
        public SocketAddress peer() {
            return (SocketAddress) connection.getPeerAddress();
        }

        @Override
        public void write(Envelope envelope) {
            var _ = connection.write(envelope); // a write that fails closes the connection, which is noticed
        }

        @Override
        public void limit(CompletableFuture<Reply> answer, Duration patience) {
            var _ = answer.orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS);
        }

        @Override
        public void close() {
            connection.closeSilently();
        }
    }

    /// The link of a connection that is set up; null when it was refused. So it is where there is no connection:
    /// of one that was reset while it was set up Grizzly says that it is there, and gives none.
    @Nullable
    ControlLink linkOf(@Nullable Connection<?> connection) {
        return connection == null ? null : attribute.get(connection);
    }

    @Override
    public NextAction handleRead(FilterChainContext context) throws IOException {
        ControlLink link = attribute.get(context.getConnection());
        if (link != null) {
            try {
                link.received(context.getMessage());
            } catch (ControlException foreign) {
                throw new IOException(foreign.getMessage(), foreign);
            }
        }
        return context.getStopAction();
    }

    @Override
    public NextAction handleClose(FilterChainContext context) {
        ControlLink link = attribute.remove(context.getConnection());
        if (link != null) {
            link.ended();
        }
        return context.getInvokeAction();
    }

    @Override
    public void exceptionOccurred(FilterChainContext context, Throwable error) {
        log.warn(
                "control connection ended peer={} why={}",
                context.getConnection().getPeerAddress(),
                error.toString());
        context.getConnection().closeSilently();
    }
}
