package pnfs.wire.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.control.proto.Envelope;
import pnfs.wire.control.proto.Heartbeat;
import pnfs.wire.control.proto.Register;
import pnfs.wire.control.proto.Registered;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.Status;
import pnfs.wire.control.proto.StatusQuery;

class ControlTransportTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final ControlTransport server;
    private final ControlTransport client;

    ControlTransportTest() throws IOException {
        server = new ControlTransport("test-server");
        client = new ControlTransport("test-client");
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
    }

    private InetSocketAddress listen(Function<ControlLink, ControlHandler> handlers) throws IOException {
        return server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), handlers);
    }

    private static ControlHandler answering(Function<Request, Reply> answers) {
        return (request, reply) -> reply.accept(answers.apply(request));
    }

    private static Request register(String name) {
        return Request.newBuilder()
                .setRegister(Register.newBuilder()
                        .setProtocol(ControlTransport.PROTOCOL)
                        .setName(name)
                        .setServerId(ByteString.copyFrom(new byte[16])))
                .build();
    }

    private static Reply boot(long count) {
        return Reply.newBuilder()
                .setRegistered(Registered.newBuilder().setBoot(count))
                .build();
    }

    @Test
    void each_side_asks_the_other_over_one_connection() throws Exception {
        var serverSide = new CompletableFuture<ControlLink>();
        InetSocketAddress at = listen(link -> {
            serverSide.complete(link);
            return answering(request -> boot(request.getRegister().getName().length()));
        });
        ControlLink link = client.connect(at, answering(request -> boot(99)), PATIENCE);

        assertThat(link.ask(register("four"), PATIENCE).get().getRegistered().getBoot())
                .isEqualTo(4);
        assertThat(serverSide
                        .get()
                        .ask(register("x"), PATIENCE)
                        .get()
                        .getRegistered()
                        .getBoot())
                .isEqualTo(99);
    }

    @Test
    void replies_find_their_requests_in_any_order() throws Exception {
        var waiting = new ArrayList<Consumer<Reply>>();
        InetSocketAddress at = listen(link -> (request, reply) -> {
            waiting.add(reply);
            if (waiting.size() == 2) {
                waiting.get(1).accept(boot(2));
                waiting.get(0).accept(boot(1));
            }
        });
        ControlLink link = client.connect(at, ControlHandler.refusing(), PATIENCE);

        CompletableFuture<Reply> first = link.ask(register("a"), PATIENCE);
        CompletableFuture<Reply> second = link.ask(register("b"), PATIENCE);

        assertThat(second.get().getRegistered().getBoot()).isEqualTo(2);
        assertThat(first.get().getRegistered().getBoot()).isEqualTo(1);
    }

    @Test
    void a_refusal_and_a_handler_that_fails_reach_the_asker_with_a_reason() throws Exception {
        InetSocketAddress at = listen(link -> (request, reply) -> {
            if (request.hasHeartbeat()) {
                throw new IllegalStateException("planted by the test");
            }
            reply.accept(ControlLink.refusal("protocol 7 is not spoken here: update the data server"));
        });
        ControlLink link = client.connect(at, ControlHandler.refusing(), PATIENCE);

        assertThatThrownBy(() -> link.ask(register("a"), PATIENCE).get())
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(ControlException.class)
                .hasMessageContaining("update the data server");
        Request heartbeat = Request.newBuilder()
                .setHeartbeat(Heartbeat.getDefaultInstance())
                .build();
        assertThatThrownBy(() -> link.ask(heartbeat, PATIENCE).get()).hasMessageContaining("its log says why");
    }

    @Test
    void what_was_asked_fails_when_the_connection_ends_or_the_time_is_over() throws Exception {
        var serverSide = new CompletableFuture<ControlLink>();
        InetSocketAddress at = listen(link -> {
            serverSide.complete(link);
            return (request, reply) -> {};
        });
        var closed = new CompletableFuture<Boolean>();
        ControlLink link = client.connect(
                at,
                new ControlHandler() {
                    @Override
                    public void onRequest(Request request, Consumer<Reply> reply) {}

                    @Override
                    public void onClosed() {
                        closed.complete(true);
                    }
                },
                PATIENCE);

        assertThatThrownBy(() -> link.ask(register("a"), Duration.ofMillis(30)).get())
                .isInstanceOf(ExecutionException.class);
        CompletableFuture<Reply> open = link.ask(register("b"), PATIENCE);
        serverSide.get().close();

        assertThatThrownBy(open::get).hasRootCauseInstanceOf(ControlException.class);
        assertThat(closed.get(20, TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(() -> link.ask(register("c"), PATIENCE).get()).hasMessageContaining("closed");
    }

    /// Who connects is told so however early the other end is gone: even before the connection was set up here.
    @Test
    void a_connection_that_is_reset_at_once_is_an_error_and_nothing_else() throws Exception {
        try (var listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket accepted = listener.accept();
                        accepted.setSoLinger(true, 0);
                        accepted.close();
                    }
                } catch (IOException closed) {
                    // The test is over.
                }
            });
            for (int i = 0; i < 200; i++) {
                ControlLink link = null;
                try {
                    link = client.connect(
                            (InetSocketAddress) listener.getLocalSocketAddress(), ControlHandler.refusing(), PATIENCE);
                    link.ask(register("a"), PATIENCE).get();
                    throw new AssertionError("answered by nobody");
                } catch (IOException | ExecutionException reset) {
                    if (link != null) {
                        link.close();
                    }
                }
            }
        }
    }

    @Seeds(10)
    void frames_arrive_whole_however_they_are_cut(RandomGenerator random) throws Exception {
        InetSocketAddress at = listen(link -> answering(request -> Reply.newBuilder()
                .setStatus(Status.newBuilder().setUptimeSeconds(7))
                .build()));
        byte[] frame = frame(Envelope.newBuilder()
                .setId(5)
                .setRequest(Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()))
                .build()
                .toByteArray());
        try (var socket = new Socket(at.getAddress(), at.getPort())) {
            socket.setSoTimeout(20_000);
            for (int i = 0; i < 3; i++) {
                int cut = random.nextInt(frame.length);
                socket.getOutputStream().write(frame, 0, cut);
                socket.getOutputStream().flush();
                socket.getOutputStream().write(frame, cut, frame.length - cut);
            }
            for (int i = 0; i < 3; i++) {
                int length =
                        ByteBuffer.wrap(socket.getInputStream().readNBytes(4)).getInt();
                Envelope answer = Envelope.parseFrom(socket.getInputStream().readNBytes(length));
                assertThat(answer.getId()).isEqualTo(5);
                assertThat(answer.getReply().getStatus().getUptimeSeconds()).isEqualTo(7);
            }
        }
    }

    @Seeds(20)
    void hostile_bytes_end_their_connection_and_no_other(RandomGenerator random) throws Exception {
        InetSocketAddress at = listen(link -> answering(request -> boot(1)));
        ControlLink good = client.connect(at, ControlHandler.refusing(), PATIENCE);
        var noise = new byte[random.nextInt(1, 2000)];
        random.nextBytes(noise);
        byte[] hostile = switch (random.nextInt(3)) {
            case 0 ->
                ByteBuffer.allocate(4).putInt(FrameFilter.MAX_FRAME_BYTES + 1).array();
            case 1 -> frame(noise);
            default -> {
                noise[0] |= (byte) 0x80; // a length that no frame may have
                yield noise;
            }
        };
        try (var socket = new Socket(at.getAddress(), at.getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(hostile);
            if (hostile.length == 4 || hostile[0] < 0) {
                assertThat(ended(socket)).isTrue();
            }

            assertThat(good.ask(register("a"), PATIENCE).get().getRegistered().getBoot())
                    .isEqualTo(1);
        }
    }

    private static boolean ended(Socket socket) {
        try {
            return socket.getInputStream().read() == -1;
        } catch (IOException reset) {
            return true;
        }
    }

    private static byte[] frame(byte[] body) {
        return ByteBuffer.allocate(4 + body.length)
                .putInt(body.length)
                .put(body)
                .array();
    }
}
