package pnfs.wire.metrics;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.glassfish.grizzly.CloseListener;
import org.glassfish.grizzly.CloseType;
import org.glassfish.grizzly.Closeable;
import org.glassfish.grizzly.filterchain.BaseFilter;
import org.glassfish.grizzly.filterchain.FilterChainContext;
import org.glassfish.grizzly.filterchain.NextAction;
import org.glassfish.grizzly.filterchain.TransportFilter;
import org.glassfish.grizzly.http.Method;
import org.glassfish.grizzly.http.server.HttpHandler;
import org.glassfish.grizzly.http.server.HttpServer;
import org.glassfish.grizzly.http.server.NetworkListener;
import org.glassfish.grizzly.http.server.Request;
import org.glassfish.grizzly.http.server.Response;
import org.glassfish.grizzly.http.util.HttpStatus;
import org.glassfish.grizzly.threadpool.ThreadPoolConfig;
import pnfs.wire.net.Admission;

/// An HTTP server with three pages: `/metrics` for Prometheus; `/health`, which answers 200 as long as the
/// process serves at all; `/ready`, which answers 200 while clients can be sent here and 503 otherwise. Two
/// threads of its own, so that nobody who watches holds up a client.
public final class MetricsServer implements AutoCloseable {
    private static final int THREADS = 2;
    private static final int MAX_WAITING = 64;
    private static final String EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";
    /// Grizzly tells of its start and stop; ours is said by the server that starts us.
    private static final Logger GRIZZLY = Logger.getLogger("org.glassfish.grizzly.http.server");

    private static final Scrape OK = out -> out.write(new byte[] {'o', 'k', '\n'});

    private final HttpServer server;
    private final InetSocketAddress address;

    /// Writes the metrics as they are now.
    @FunctionalInterface
    public interface Scrape {
        void writeTo(OutputStream out) throws IOException;
    }

    /// Serves at `at`; port 0 takes a free one. `ready` is asked for each `/ready`.
    ///
    /// @throws IOException where the address cannot be had, with a line for the operator
    public MetricsServer(InetSocketAddress at, Scrape scrape, BooleanSupplier ready) throws IOException {
        GRIZZLY.setLevel(Level.WARNING);
        server = new HttpServer();
        var listener = new NetworkListener("metrics", at.getAddress().getHostAddress(), at.getPort());
        listener.getTransport().setSelectorRunnersCount(1);
        listener.getTransport()
                .setWorkerThreadPoolConfig(ThreadPoolConfig.defaultConfig()
                        .setPoolName("metrics")
                        .setCorePoolSize(THREADS)
                        .setMaxPoolSize(THREADS)
                        .setQueueLimit(MAX_WAITING));
        listener.registerAddOn((_, filters) -> filters.add(filters.indexOfType(TransportFilter.class) + 1, new Door()));
        server.addListener(listener);
        server.getServerConfiguration().addHttpHandler(page(EXPOSITION, () -> true, scrape), "/metrics");
        server.getServerConfiguration().addHttpHandler(page("text/plain", () -> true, OK), "/health");
        server.getServerConfiguration().addHttpHandler(page("text/plain", ready, OK), "/ready");
        try {
            server.start();
        } catch (IOException refused) {
            server.shutdownNow();
            throw new IOException("cannot serve metrics on " + at + ": " + refused.getMessage(), refused);
        }
        address = new InetSocketAddress(at.getAddress(), listener.getPort());
    }

    /// Where it listens.
    public InetSocketAddress address() {
        return address;
    }

    private static HttpHandler page(String type, BooleanSupplier available, Scrape content) {
        return new HttpHandler() {
            @Override
            public void service(Request request, Response response) throws IOException {
                if (!Arrays.asList(Method.GET, Method.HEAD).contains(request.getMethod())) {
                    response.setHeader("Allow", "GET, HEAD");
                    response.sendError(HttpStatus.METHOD_NOT_ALLOWED_405.getStatusCode());
                    return;
                }
                if (!available.getAsBoolean()) {
                    response.setStatus(HttpStatus.SERVICE_UNAVAILABLE_503);
                    return;
                }
                response.setContentType(type);
                content.writeTo(response.getOutputStream());
            }
        };
    }

    /// Lets nobody in whose descriptor the server needs for itself.
    private static final class Door extends BaseFilter {
        @Override
        public NextAction handleAccept(FilterChainContext context) {
            if (!Admission.ofProcess().insider()) {
                context.getConnection().closeSilently();
                return context.getStopAction();
            }
            CloseListener<Closeable, CloseType> left =
                    (_, _) -> Admission.ofProcess().left();
            context.getConnection().addCloseListener(left);
            return context.getInvokeAction();
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
