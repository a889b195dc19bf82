package pnfs.wire.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

class RpcOverTcpTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final int PROGRAM = 300_000;
    private static final int ECHO_AT_ONCE = 1;
    private static final int ECHO_LATER = 2;

    private final NioNetwork network;
    private final ExecutorService others = Executors.newFixedThreadPool(2);
    private final RpcServer server;

    RpcOverTcpTest() throws IOException {
        network = new NioNetwork(2, System::nanoTime);
        server = new RpcServer(network, RpcPrograms.none().with(PROGRAM, 1, this::run), RpcLimits.DEFAULT);
    }

    @AfterEach
    void close() {
        network.close();
        others.close();
    }

    /// Answers with a view of what it was sent, at once or from a thread of its own.
    private void run(RpcCall call, XdrReader args, RpcReply reply) {
        ByteBuffer payload = args.readOpaqueView(1 << 20);
        var copy = ByteBuffer.allocateDirect(payload.remaining()).put(payload).flip();
        if (call.procedure() == ECHO_LATER) {
            others.execute(() -> answer(reply, copy));
        } else {
            answer(reply, copy);
        }
    }

    private static void answer(RpcReply reply, ByteBuffer payload) {
        XdrWriter out = reply.success(8);
        out.writeOpaqueView(payload);
        reply.send(out);
    }

    @Seeds(5)
    void many_calls_over_many_connections_come_back_each_with_its_own_payload(RandomGenerator random) throws Exception {
        Listener listener = server.listen(ANY_PORT, ConnectionLimits.DEFAULT);
        var client = new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT);
        var connections = new ArrayList<RpcConnection>();
        for (int i = 0; i < 4; i++) {
            connections.add(
                    client.connect(listener.address(), ConnectionLimits.CLIENT).get(20, TimeUnit.SECONDS));
        }
        var payloads = new ArrayList<byte[]>();
        var results = new ArrayList<CompletableFuture<XdrReader>>();

        for (int i = 0; i < 400; i++) {
            var payload = new byte[random.nextInt(random.nextInt(10) == 0 ? 1 << 20 : 300)];
            random.nextBytes(payload);
            int procedure = random.nextBoolean() ? ECHO_AT_ONCE : ECHO_LATER;
            XdrWriter request = RpcConnection.request(PROGRAM, 1, procedure, new RpcCredential.None(), 0);
            request.writeOpaqueView(ByteBuffer.wrap(payload));
            payloads.add(payload);
            results.add(connections.get(random.nextInt(4)).call(request, TIMEOUT));
        }

        for (int i = 0; i < 400; i++) {
            assertThat(results.get(i).get(20, TimeUnit.SECONDS).readOpaqueView(1 << 20))
                    .isEqualTo(ByteBuffer.wrap(payloads.get(i)));
        }
        assertThat(server.counters().calls()).isEqualTo(400);
    }

    @Seeds(20)
    void hostile_bytes_on_one_connection_do_not_disturb_another(RandomGenerator random) throws Exception {
        Listener listener = server.listen(ANY_PORT, ConnectionLimits.DEFAULT);
        var client = new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT);
        RpcConnection good =
                client.connect(listener.address(), ConnectionLimits.CLIENT).get(20, TimeUnit.SECONDS);
        for (int i = 0; i < 5; i++) {
            try (var bad = new Socket(
                    listener.address().getAddress(), listener.address().getPort())) {
                var bytes = new byte[random.nextInt(1, 10_000)];
                random.nextBytes(bytes);
                if (random.nextBoolean()) {
                    // A record that begins well.
                    ByteBuffer.wrap(bytes, 0, Math.min(bytes.length, 12) & ~3)
                            .asIntBuffer()
                            .put(
                                    new int[] {RpcMessage.LAST_FRAGMENT | bytes.length, 1, 0},
                                    0,
                                    Math.min(bytes.length, 12) / 4);
                }
                bad.getOutputStream().write(bytes);

                XdrWriter request = RpcConnection.request(PROGRAM, 1, ECHO_AT_ONCE, new RpcCredential.None(), 0);
                request.writeString("still here");
                assertThat(good.call(request, TIMEOUT).get(20, TimeUnit.SECONDS).readString(100))
                        .isEqualTo("still here");
            }
        }
    }

    @Test
    void a_server_that_goes_away_fails_the_calls_that_wait() throws Exception {
        var held = new CompletableFuture<RpcReply>();
        RpcPrograms holding = RpcPrograms.none().with(PROGRAM, 1, (call, args, reply) -> held.complete(reply));
        Listener listener =
                new RpcServer(network, holding, RpcLimits.DEFAULT).listen(ANY_PORT, ConnectionLimits.DEFAULT);
        var client = new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT);
        RpcConnection connection =
                client.connect(listener.address(), ConnectionLimits.CLIENT).get(20, TimeUnit.SECONDS);
        var call =
                connection.call(RpcConnection.request(PROGRAM, 1, ECHO_AT_ONCE, new RpcCredential.None(), 0), TIMEOUT);
        held.get(20, TimeUnit.SECONDS);

        listener.close();

        assertThatThrownBy(() -> call.get(20, TimeUnit.SECONDS)).hasMessageContaining("CONNECTION_LOST");
        assertThatThrownBy(() -> client.connect(listener.address(), ConnectionLimits.CLIENT)
                        .get(20, TimeUnit.SECONDS))
                .hasMessageContaining(listener.address().toString());
        held.join().send(held.join().success(0));
        assertThat(List.of(server.counters().systemErrors())).containsExactly(0L);
    }
}
