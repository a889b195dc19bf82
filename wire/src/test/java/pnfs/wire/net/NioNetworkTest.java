package pnfs.wire.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.testing.Seeds;

class NioNetworkTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration SHORT = Duration.ofMillis(60);
    private final NioNetwork network;

    NioNetworkTest() throws IOException {
        network = new NioNetwork(2, System::nanoTime);
    }

    @AfterEach
    void close() {
        network.close();
    }

    /// Messages are a word of length and so many bytes; each is sent back as it came.
    private static class Echo implements ConnectionHandler {
        final Connection connection;
        final CompletableFuture<String> closed = new CompletableFuture<>();

        Echo(Connection connection) {
            this.connection = connection;
        }

        @Override
        public void onBytes(ByteBuffer staged) {
            while (!connection.crowded() && staged.remaining() >= Integer.BYTES) {
                int length = staged.getInt(staged.position());
                if (staged.remaining() < Integer.BYTES + length) {
                    return;
                }
                var message = ByteBuffer.allocate(Integer.BYTES + length);
                message.put(staged.slice(staged.position(), message.capacity()));
                staged.position(staged.position() + message.capacity());
                answer(message.flip());
            }
        }

        void answer(ByteBuffer message) {
            connection.send(List.of(message));
        }

        @Override
        public void onClosed(String why) {
            closed.complete(why);
        }
    }

    private static byte[] message(byte... body) {
        return ByteBuffer.allocate(Integer.BYTES + body.length)
                .putInt(body.length)
                .put(body)
                .array();
    }

    private static Socket dial(Listener listener) throws IOException {
        var socket =
                new Socket(listener.address().getAddress(), listener.address().getPort());
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        return socket;
    }

    private Listener serve(Function<Connection, ConnectionHandler> handlers) throws IOException {
        return network.listen(ANY_PORT, handlers, ConnectionLimits.DEFAULT);
    }

    private static void assertEchoes(Socket socket) throws IOException {
        byte[] sent = message((byte) 7, (byte) 8, (byte) 9);
        socket.getOutputStream().write(sent);
        assertThat(socket.getInputStream().readNBytes(sent.length)).isEqualTo(sent);
    }

    /// The server is through with us: an orderly end or, if it had not read everything, a reset.
    private static void assertEnds(Socket socket) throws IOException {
        try {
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        } catch (SocketException reset) {
            assertThat(reset).hasMessageContaining("reset");
        }
    }

    @Seeds(20)
    void however_the_bytes_are_cut_the_messages_are_the_same(RandomGenerator random) throws IOException {
        var stream = ByteBuffer.allocate(1 << 20);
        while (stream.remaining() > 50_000) {
            var body = new byte[random.nextInt(random.nextBoolean() ? 64 : 40_000)];
            random.nextBytes(body);
            stream.put(message(body));
        }
        byte[] all = Arrays.copyOf(stream.array(), stream.position());
        try (Listener listener = serve(Echo::new);
                Socket socket = dial(listener)) {
            var echoed = CompletableFuture.supplyAsync(() -> read(socket, all.length));

            for (int at = 0; at < all.length; ) {
                int length = Math.min(all.length - at, 1 + random.nextInt(random.nextBoolean() ? 30 : 100_000));
                socket.getOutputStream().write(all, at, length);
                at += length;
            }

            assertThat(echoed.join()).isEqualTo(all);
        }
    }

    private static byte[] read(Socket socket, int bytes) {
        try {
            return socket.getInputStream().readNBytes(bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /// The payload of each message goes into a sink of its own, whose chunks are as small as `random` likes.
    private static final class IntoSinks implements ConnectionHandler {
        private final Connection connection;
        private final RandomGenerator random;
        final List<byte[]> received = new ArrayList<>();
        final AtomicInteger chunks = new AtomicInteger();
        private ByteBuffer place = ByteBuffer.allocate(0);

        IntoSinks(Connection connection, RandomGenerator random) {
            this.connection = connection;
            this.random = random;
        }

        @Override
        public void onBytes(ByteBuffer staged) {
            if (staged.remaining() < Integer.BYTES) {
                return;
            }
            int length = staged.getInt();
            place = random.nextBoolean() ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
            connection.receiveInto(new Sink() {
                @Override
                public long remaining() {
                    return place.remaining();
                }

                @Override
                public void takeFrom(Source source) {
                    chunks.incrementAndGet();
                    ByteBuffer chunk = place.slice(place.position(), random.nextInt(1, place.remaining() + 1));
                    source.fill(chunk);
                    place.position(place.position() + chunk.position());
                }
            });
        }

        @Override
        public void onSinkFull(Sink sink) {
            var bytes = new byte[place.capacity()];
            place.flip().get(bytes);
            received.add(bytes);
            connection.send(List.of(ByteBuffer.wrap(new byte[1])));
        }
    }

    @Seeds(20)
    void a_sink_gets_exactly_its_payload_and_the_handler_what_follows(RandomGenerator random) throws IOException {
        var sent = new ArrayList<byte[]>();
        for (int i = 0; i < 20; i++) {
            var body = new byte[random.nextInt(random.nextBoolean() ? 10 : 300_000)];
            random.nextBytes(body);
            sent.add(body);
        }
        var handler = new CompletableFuture<IntoSinks>();
        try (Listener listener = serve(connection -> {
                    handler.complete(new IntoSinks(connection, random));
                    return handler.join();
                });
                Socket socket = dial(listener)) {
            for (byte[] body : sent) {
                socket.getOutputStream().write(message(body));
            }

            assertThat(socket.getInputStream().readNBytes(sent.size())).hasSize(sent.size());
            assertThat(handler.join().received).containsExactlyElementsOf(sent);
            assertThat(handler.join().chunks.get()).isPositive();
        }
    }

    @Test
    void pieces_of_every_kind_leave_in_order_without_a_copy_for_the_large_ones() throws IOException {
        var pieces = new ArrayList<ByteBuffer>();
        var expected = ByteBuffer.allocate(8 << 20);
        for (int i = 0; i < 200; i++) {
            int size = switch (i % 4) {
                case 0 -> 3;
                case 1 -> 100_000;
                case 2 -> 0;
                default -> 5000;
            };
            ByteBuffer piece = i % 3 == 0 ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
            for (int j = 0; j < size; j++) {
                piece.put((byte) (i + j));
            }
            pieces.add(piece.flip());
            expected.put(piece.duplicate());
        }
        try (Listener listener = serve(connection -> {
                    connection.send(pieces);
                    connection.close("all sent");
                    return new Echo(connection);
                });
                Socket socket = dial(listener)) {
            assertThat(socket.getInputStream().readAllBytes())
                    .isEqualTo(Arrays.copyOf(expected.array(), expected.position()));
        }
    }

    @Test
    void a_peer_that_does_not_read_is_not_read_from_either_and_others_go_on() throws Exception {
        var answered = new AtomicInteger();
        var bigAnswer = new CountDownLatch(1);
        int answerBytes = 1 << 20;
        int requests = 1000;
        try (Listener listener = network.listen(
                        ANY_PORT,
                        connection -> new Echo(connection) {
                            @Override
                            void answer(ByteBuffer message) {
                                if (message.remaining() == Integer.BYTES) {
                                    answered.incrementAndGet();
                                    bigAnswer.countDown();
                                    connection.send(List.of(ByteBuffer.allocateDirect(answerBytes)));
                                } else {
                                    super.answer(message);
                                }
                            }
                        },
                        ConnectionLimits.DEFAULT.withQueue(2 << 20, 4 << 20));
                Socket deaf = dial(listener);
                Socket other = dial(listener)) {
            var many = ByteBuffer.allocate(requests * Integer.BYTES);
            deaf.getOutputStream().write(many.array());

            bigAnswer.await();
            for (int i = 0; i < 20; i++) {
                assertEchoes(other);
            }
            // What the sockets of both sides hold comes on top of the queue.
            assertThat(answered.get()).isLessThan(requests / 2);
            // Once it reads, it gets every answer to what it had asked for before.
            var in = new DataInputStream(deaf.getInputStream());
            in.skipNBytes((long) requests * answerBytes);
            assertThat(answered).hasValue(requests);
            assertThat(network.counters().cutOff()).isZero();
        }
    }

    @Test
    void a_peer_that_lets_too_much_pile_up_is_cut_off() throws Exception {
        var handler = new CompletableFuture<Echo>();
        try (Listener listener = network.listen(
                        ANY_PORT,
                        connection -> {
                            handler.complete(new Echo(connection));
                            return handler.join();
                        },
                        ConnectionLimits.DEFAULT.withQueue(1 << 16, 1 << 20));
                Socket deaf = dial(listener)) {
            // From another thread, as answers that were being made when the queue filled up.
            Connection connection = handler.get(20, TimeUnit.SECONDS).connection;
            for (int i = 0; i < 1000; i++) {
                connection.send(List.of(ByteBuffer.allocateDirect(1 << 16)));
            }

            assertThat(handler.join().closed.get(20, TimeUnit.SECONDS)).contains("pile up");
            assertThat(network.counters().cutOff()).isOne();
            assertThat(deaf.isConnected()).isTrue();
        }
    }

    @Test
    void a_peer_that_takes_nothing_for_too_long_is_cut_off() throws Exception {
        var handler = new CompletableFuture<Echo>();
        try (Listener listener = network.listen(
                        ANY_PORT,
                        connection -> {
                            connection.send(List.of(ByteBuffer.allocateDirect(64 << 20)));
                            handler.complete(new Echo(connection));
                            return handler.join();
                        },
                        ConnectionLimits.DEFAULT.withStall(SHORT));
                Socket deaf = dial(listener)) {
            assertThat(handler.get(20, TimeUnit.SECONDS).closed.get(20, TimeUnit.SECONDS))
                    .contains("did not take");
            assertThat(deaf.isConnected()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void a_message_that_is_never_finished_ends_its_connection(int bytesOfIt) throws Exception {
        var limits = ConnectionLimits.DEFAULT.withStall(SHORT);
        try (Listener listener = network.listen(ANY_PORT, Echo::new, limits);
                Socket loris = dial(listener);
                Socket silent = dial(listener)) {
            assertEchoes(loris);
            loris.getOutputStream().write(message(new byte[100]), 0, bytesOfIt);

            assertEnds(loris);
            // Silence between messages is no offence.
            assertEchoes(silent);
        }
    }

    @Test
    void dripping_bytes_into_a_sink_does_not_keep_a_connection() throws Exception {
        var limits = ConnectionLimits.DEFAULT.withStall(SHORT);
        try (Listener listener = network.listen(
                        ANY_PORT, connection -> new IntoSinks(connection, RandomGenerator.getDefault()), limits);
                Socket loris = dial(listener)) {
            loris.getOutputStream().write(message(new byte[100]), 0, 50);

            assertEnds(loris);
        }
    }

    @Test
    void an_idle_connection_is_closed_where_the_listener_wants_it() throws Exception {
        try (Listener idlers = network.listen(ANY_PORT, Echo::new, ConnectionLimits.DEFAULT.withIdle(SHORT));
                Socket idle = dial(idlers)) {
            assertEnds(idle);

            assertThat(network.counters().cutOff()).isOne();
        }
    }

    @Test
    void who_closes_one_direction_still_gets_the_answers() throws IOException {
        try (Listener listener = serve(Echo::new);
                Socket socket = dial(listener)) {
            byte[] large = message(new byte[100_000]);
            for (int i = 0; i < 20; i++) {
                socket.getOutputStream().write(large);
            }
            socket.shutdownOutput();

            assertThat(socket.getInputStream().readAllBytes()).hasSize(20 * large.length);
        }
    }

    @Test
    void a_handler_is_told_of_the_end_after_its_call_and_not_within() throws Exception {
        var within = new CompletableFuture<Boolean>();
        try (Listener listener = serve(connection -> new ConnectionHandler() {
                    private boolean busy;

                    @Override
                    public void onBytes(ByteBuffer staged) {
                        busy = true;
                        connection.close("enough");
                        busy = false;
                    }

                    @Override
                    public void onClosed(String why) {
                        within.complete(busy);
                    }
                });
                Socket socket = dial(listener)) {
            socket.getOutputStream().write(1);

            assertThat(within.get(20, TimeUnit.SECONDS)).isFalse();
        }
    }

    @Test
    void a_close_behind_an_answer_that_leaves_a_full_staging_buffer_sends_the_answer() throws Exception {
        try (Listener listener = serve(connection -> staged -> {
                    if (staged.remaining() == Network.STAGING_BYTES) {
                        connection.send(List.of(ByteBuffer.wrap(new byte[] {42})));
                        connection.close("too much");
                    }
                });
                Socket socket = dial(listener)) {
            socket.getOutputStream().write(new byte[Network.STAGING_BYTES]);

            assertThat(socket.getInputStream().readAllBytes()).containsExactly(42);
            assertThat(network.counters().handlerFailures()).isZero();
        }
    }

    @Test
    void a_handler_that_still_answers_after_the_end_is_waited_for() throws IOException {
        try (Listener listener = serve(connection -> new Echo(connection) {
                    @Override
                    public boolean onEnd() {
                        connection.loop().schedule(1_000_000, () -> {
                            connection.send(List.of(ByteBuffer.wrap(new byte[] {42})));
                            connection.close("answered");
                        });
                        return true;
                    }
                });
                Socket socket = dial(listener)) {
            socket.shutdownOutput();

            assertThat(socket.getInputStream().readAllBytes()).containsExactly(42);
        }
    }

    @Test
    void a_paused_connection_is_not_shown_bytes_and_gets_them_all_when_it_resumes() throws Exception {
        var handler = new CompletableFuture<Echo>();
        try (Listener listener = serve(connection -> {
                    var echo = new Echo(connection) {
                        @Override
                        void answer(ByteBuffer message) {
                            super.answer(message);
                            connection.pauseReading();
                        }
                    };
                    handler.complete(echo);
                    return echo;
                });
                Socket socket = dial(listener)) {
            socket.getOutputStream().write(message((byte) 1));
            socket.getOutputStream().write(message((byte) 2));
            socket.getOutputStream().write(message((byte) 3));
            Connection connection = handler.get(20, TimeUnit.SECONDS).connection;

            for (byte expected = 1; expected <= 3; expected++) {
                assertThat(socket.getInputStream().readNBytes(5)).isEqualTo(message(expected));
                connection.loop().execute(connection::resumeReading);
            }
        }
    }

    @Test
    void a_handler_that_fails_loses_its_connection_and_no_other() throws IOException {
        try (Listener good = serve(Echo::new);
                Listener bad = serve(connection -> staged -> {
                    throw new IllegalStateException("planted by the test");
                });
                Listener worse = serve(connection -> {
                    throw new IllegalStateException("planted by the test");
                });
                Listener lazy = serve(connection -> staged -> {})) {
            for (int i = 0; i < 4; i++) {
                try (Socket first = dial(good);
                        Socket second = dial(bad);
                        Socket third = dial(worse);
                        Socket fourth = dial(lazy)) {
                    second.getOutputStream().write(1);
                    fourth.getOutputStream().write(new byte[Network.STAGING_BYTES]);

                    assertEnds(second);
                    assertEnds(third);
                    assertEnds(fourth);
                    assertEchoes(first);
                }
            }
            assertThat(network.counters().handlerFailures()).isEqualTo(12);
        }
    }

    @Test
    void beyond_its_limit_a_listener_turns_connections_away_until_one_goes() throws Exception {
        var handlers = new ArrayList<Echo>();
        try (Listener listener = network.listen(
                ANY_PORT,
                connection -> {
                    var echo = new Echo(connection);
                    handlers.add(echo);
                    return echo;
                },
                ConnectionLimits.DEFAULT.withMaxConnections(1))) {
            try (Socket first = dial(listener)) {
                assertEchoes(first);
                try (Socket second = dial(listener)) {
                    assertEnds(second);
                }
                assertThat(listener.connections()).isOne();
            }
            handlers.getFirst().closed.get(20, TimeUnit.SECONDS);
            try (Socket third = dial(listener)) {
                assertEchoes(third);
            }
            assertThat(network.counters().turnedAway()).isOne();
        }
    }

    @Test
    void a_closed_listener_closes_its_connections_and_no_others() throws IOException {
        Listener going = serve(Echo::new);
        try (Listener staying = serve(Echo::new);
                Socket first = dial(going);
                Socket second = dial(staying)) {
            assertEchoes(first);
            assertEchoes(second);

            going.close();

            assertEnds(first);
            assertEchoes(second);
            assertThatThrownBy(() -> dial(going)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void a_closed_listeners_address_is_free_at_once() throws Exception {
        Listener first = serve(Echo::new);
        InetSocketAddress at = first.address();
        for (int i = 0; i < 50; i++) {
            first.close();
            assertThatThrownBy(() -> new Socket(at.getAddress(), at.getPort()).close())
                    .isInstanceOf(IOException.class);
            first = network.listen(at, Echo::new, ConnectionLimits.DEFAULT);
        }
        var closing = first;
        network.loop().execute(closing::close);
        network.loop().execute(closing::close);
    }

    @Test
    void an_address_in_use_is_refused_by_its_name() throws IOException {
        try (Listener listener = serve(Echo::new)) {
            assertThatThrownBy(() -> network.listen(listener.address(), Echo::new, ConnectionLimits.DEFAULT))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(listener.address().toString())
                    .hasMessageContaining("give another address");
        }
    }

    @Test
    void a_failed_connect_names_its_address() throws Exception {
        Listener listener = serve(Echo::new);
        listener.close();
        var failed = new CompletableFuture<IOException>();

        network.connect(listener.address(), Echo::new, ConnectionLimits.DEFAULT, failed::complete);
        assertThat(failed.get(20, TimeUnit.SECONDS))
                .hasMessageContaining(listener.address().toString());

        var unresolved = new CompletableFuture<IOException>();
        network.connect(
                InetSocketAddress.createUnresolved("nowhere.invalid", 1),
                Echo::new,
                ConnectionLimits.DEFAULT,
                unresolved::complete);
        assertThat(unresolved.get(20, TimeUnit.SECONDS)).hasMessageContaining("nowhere.invalid");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void both_families_of_addresses_are_served(String loopback) throws Exception {
        var at = new InetSocketAddress(InetAddress.getByName(loopback), 0);
        var answer = new CompletableFuture<Byte>();
        try (Listener listener = network.listen(at, Echo::new, ConnectionLimits.DEFAULT)) {
            network.connect(
                    listener.address(),
                    connection -> {
                        connection.send(List.of(ByteBuffer.wrap(message((byte) 5))));
                        return staged -> {
                            if (staged.remaining() == 5) {
                                answer.complete(staged.get(staged.limit() - 1));
                                staged.position(staged.limit());
                            }
                        };
                    },
                    ConnectionLimits.DEFAULT,
                    answer::completeExceptionally);

            assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo((byte) 5);
        }
    }

    @Test
    void what_many_threads_send_arrives_whole_and_in_each_threads_order() throws Exception {
        int threads = 4;
        int each = 2000;
        var handler = new CompletableFuture<Echo>();
        try (Listener listener = serve(connection -> {
                    handler.complete(new Echo(connection));
                    return handler.join();
                });
                Socket socket = dial(listener)) {
            Connection connection = handler.get(20, TimeUnit.SECONDS).connection;
            for (int thread = 0; thread < threads; thread++) {
                int number = thread;
                Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < each; i++) {
                        connection.send(List.of(
                                ByteBuffer.allocate(8).putInt(0, number),
                                ByteBuffer.allocate(4).putInt(0, i)));
                    }
                });
            }

            var next = new int[threads];
            var in = new DataInputStream(socket.getInputStream());
            for (int i = 0; i < threads * each; i++) {
                int thread = in.readInt();
                in.readInt();
                assertThat(in.readInt()).isEqualTo(next[thread]++);
            }
        }
    }

    @Test
    void closing_the_network_sends_what_waits_and_ends_its_threads() throws Exception {
        Listener listener = serve(connection -> {
            connection.send(List.of(ByteBuffer.allocateDirect(16 << 20)));
            return new Echo(connection);
        });
        try (Socket slow = dial(listener)) {
            assertThat(slow.getInputStream().readNBytes(1)).hasSize(1);
            var rest = CompletableFuture.supplyAsync(() -> read(slow, Integer.MAX_VALUE));

            network.close();

            assertThat(rest.join()).hasSize((16 << 20) - 1);
            assertThat(network.loop().inLoop()).isFalse();
            assertThatThrownBy(() -> network.loop().execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
            var failed = new CompletableFuture<IOException>();
            network.connect(listener.address(), Echo::new, ConnectionLimits.DEFAULT, failed::complete);
            assertThat(failed.get(20, TimeUnit.SECONDS)).hasMessageContaining("network is closed");
        }
    }

    @Test
    void tasks_run_in_order_and_timers_not_before_their_time_nor_after_they_were_cancelled() throws Exception {
        var order = new ArrayList<Integer>();
        var done = new CompletableFuture<Long>();
        Loop loop = network.loop();
        long begun = loop.nowNanos();
        loop.execute(() -> {
            Loop.Timer never = loop.schedule(1, () -> order.add(99));
            never.cancel();
            loop.schedule(2_000_000, () -> {
                order.add(3);
                done.complete(loop.nowNanos() - begun);
            });
            loop.schedule(1_000_000, () -> order.add(2));
            loop.execute(() -> {
                throw new AssertionError("planted by the test");
            });
            order.add(1);
        });

        assertThat(done.get(20, TimeUnit.SECONDS)).isGreaterThanOrEqualTo(2_000_000L);
        assertThat(order).containsExactly(1, 2, 3);
    }
}
