package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.rpc.RpcClient;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.rpc.RpcOutcome;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Keeps a server busy with `slots` calls in flight on each of `connections` connections, and asks it what they
/// cost. A slot makes its next call when it has the answer to the last.
///
/// @param warmUp driven before anything is counted
public record RpcLoad(int connections, int slots, Duration warmUp, Duration measured) {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /// What is called. Made for each connection, off its loop, so it may set up a session there first.
    @FunctionalInterface
    public interface Calls {
        /// The calls of each of the connection's slots, one after the other.
        List<Supplier<XdrWriter>> on(RpcConnection connection, int slots) throws IOException, InterruptedException;

        /// Why the answer to one of them is no success, when it is none. On the connection's loop.
        default Optional<NfsStatus> refusal(XdrReader results) {
            return Optional.empty();
        }

        /// The same call again and again.
        static Calls of(Supplier<XdrWriter> call) {
            return (connection, slots) -> List.copyOf(Collections.nCopies(slots, call));
        }
    }

    /// What came out.
    ///
    /// @param cpuMicros processor time of the whole server process for each call
    /// @param loopMicros the part of it that its network loops took
    public record Result(
            @JsonProperty("connections") int connections,
            @JsonProperty("slots") int slots,
            @JsonProperty("calls_per_second") long callsPerSecond,
            @JsonProperty("server_cpu_us_per_call") double cpuMicros,
            @JsonProperty("server_loop_us_per_call") double loopMicros) {}

    /// Tells the processor time of a server.
    @FunctionalInterface
    interface Meter {
        ServerCpu read() throws IOException, InterruptedException;
    }

    /// Asks the server itself for its processor time: it serves [ServerCpu#programs]. Throws an [IOException]
    /// with the first answer that was not a success.
    public Result drive(InetSocketAddress server, Calls calls) throws IOException, InterruptedException {
        try (var network = new NioNetwork(1, System::nanoTime)) {
            var client = new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT);
            RpcConnection meter = connect(client, server);
            return drive(server, calls, () -> ServerCpu.ask(meter));
        }
    }

    /// As the other, for any server.
    Result drive(InetSocketAddress server, Calls calls, Meter meter) throws IOException, InterruptedException {
        int loops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        try (var network = new NioNetwork(loops, System::nanoTime)) {
            var client = new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT);
            var run = new Run(calls);
            for (int i = 0; i < connections; i++) {
                RpcConnection connection = connect(client, server);
                for (Supplier<XdrWriter> slot : calls.on(connection, slots)) {
                    run.next(connection, slot);
                }
            }
            run.await(warmUp);
            long callsBefore = run.answered.sum();
            long nanosBefore = System.nanoTime();
            ServerCpu cpuBefore = meter.read();
            run.await(measured);
            ServerCpu cpu = meter.read().since(cpuBefore);
            long nanos = System.nanoTime() - nanosBefore;
            long answered = run.answered.sum() - callsBefore;
            run.ending.set(true);
            return new Result(
                    connections,
                    slots,
                    Math.round(answered * 1e9 / nanos),
                    cpu.processNanos() / 1e3 / answered,
                    cpu.loopNanos() / 1e3 / answered);
        }
    }

    private static RpcConnection connect(RpcClient client, InetSocketAddress server)
            throws IOException, InterruptedException {
        try {
            return client.connect(server, ConnectionLimits.CLIENT).get();
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    /// Runs on the client's loops, but for [#await].
    private static final class Run {
        private final Calls calls;
        private final LongAdder answered = new LongAdder();
        private final AtomicBoolean ending = new AtomicBoolean();
        private final CompletableFuture<Void> failure = new CompletableFuture<>();

        Run(Calls calls) {
            this.calls = calls;
        }

        void next(RpcConnection connection, Supplier<XdrWriter> slot) {
            connection.call(slot.get(), TIMEOUT, outcome -> {
                if (outcome instanceof RpcOutcome.Success(XdrReader results)) {
                    Optional<NfsStatus> refusal = calls.refusal(results);
                    if (refusal.isPresent()) {
                        failure.completeExceptionally(new IOException("call refused: " + refusal.get()));
                        return;
                    }
                    answered.increment();
                    if (!ending.get()) {
                        next(connection, slot);
                    }
                } else if (!ending.get()) {
                    failure.completeExceptionally(new IOException("call not answered: " + outcome));
                }
            });
        }

        /// Lets this much time go by, unless something fails.
        void await(Duration time) throws IOException, InterruptedException {
            try {
                failure.get(time.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                return;
            } catch (ExecutionException e) {
                throw new IOException(e.getCause());
            }
        }
    }
}
