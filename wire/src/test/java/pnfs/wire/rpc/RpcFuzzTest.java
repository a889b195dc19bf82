package pnfs.wire.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import pnfs.testing.MemoryNetwork;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.xdr.Opaque;

/// Any bytes from a peer are calls that are answered, replies that are dropped, or the end of that peer's
/// connection; a connection beside it goes on. `JAZZER_FUZZ=1 mvn -pl wire test -Dtest=RpcFuzzTest` looks for
/// more.
class RpcFuzzTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final int PROGRAM = 100_003;
    private static final RpcLimits LIMITS = new RpcLimits(1 << 16, 8, 8);

    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_answered_dropped_or_the_end_of_their_connection_alone(byte[] input) throws IOException {
        var network = new MemoryNetwork(new SplittableRandom(1));
        RpcPrograms echo = RpcPrograms.none().with(PROGRAM, 4, (call, args, reply) -> {
            Opaque body = args.readOpaque(1000);
            var out = reply.success(0);
            out.writeOpaque(body);
            reply.send(out);
        });
        var server = new RpcServer(network, echo, LIMITS);
        Listener listener = server.listen(ANY_PORT, ConnectionLimits.DEFAULT);
        var good =
                new RpcClient(network, RpcPrograms.none(), LIMITS).connect(listener.address(), ConnectionLimits.CLIENT);
        var bad = new CompletableFuture<Connection>();
        network.connect(
                listener.address(),
                connection -> {
                    bad.complete(connection);
                    return staged -> staged.position(staged.limit());
                },
                ConnectionLimits.CLIENT,
                bad::completeExceptionally);
        network.run();

        bad.getNow(null).send(List.of(ByteBuffer.wrap(input)));
        network.run();
        var request = RpcConnection.request(PROGRAM, 4, 1, new RpcCredential.None(), 0);
        request.writeString("still here");
        var answer = good.getNow(null).call(request, Duration.ofSeconds(1));
        network.run();

        assertThat(answer.getNow(null).readString(100)).isEqualTo("still here");
        assertThat(server.counters().systemErrors()).isZero();
    }
}
