package pnfs.wire.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class NioNetworkTest {
    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private final NioNetwork network = new NioNetwork("test", 2);

    @AfterEach
    void close() {
        network.close();
    }

    /// Messages are a length byte and so many bytes; each is sent back as it came.
    private static ConnectionHandler echo(Connection connection) {
        return new ConnectionHandler() {
            @Override
            public void onBytes(ByteBuffer staged) {
                while (staged.hasRemaining()) {
                    int length = Byte.toUnsignedInt(staged.get(staged.position()));
                    if (staged.remaining() <= length) {
                        return;
                    }
                    var message = new byte[1 + length];
                    staged.get(message);
                    connection.send(List.of(ByteBuffer.wrap(message)));
                }
            }

            @Override
            public void onClosed(String why) {}
        };
    }

    private Socket dial(Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits) throws IOException {
        Network.Listener listener = network.listen(ANY, handlers::apply, limits);
        var socket =
                new Socket(listener.address().getAddress(), listener.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    @Seeds(20)
    void however_the_bytes_are_cut_the_messages_are_the_same(RandomGenerator random) throws IOException {
        var stream = ByteBuffer.allocate(300 * 40);
        for (int i = 0; i < 40; i++) {
            var message = new byte[random.nextInt(256)];
            random.nextBytes(message);
            stream.put((byte) message.length).put(message);
        }
        stream.flip();
        byte[] all = new byte[stream.remaining()];
        stream.get(all);

        try (Socket socket = dial(NioNetworkTest::echo, ConnectionLimits.ordinary())) {
            for (int at = 0; at < all.length; ) {
                int length = Math.min(all.length - at, 1 + random.nextInt(700));
                socket.getOutputStream().write(all, at, length);
                at += length;
            }

            assertThat(socket.getInputStream().readNBytes(all.length)).isEqualTo(all);
        }
    }

    @Seeds(20)
    void a_sink_gets_exactly_its_payload_and_the_handler_the_rest(RandomGenerator random) throws Exception {
        int length = 1 + random.nextInt(200_000);
        var payload = new byte[length];
        random.nextBytes(payload);
        var filled = new CompletableFuture<byte[]>();
        var tail = new CompletableFuture<Byte>();
        ByteBuffer place = ByteBuffer.allocateDirect(length);
        var chunks = new AtomicInteger();
        var sink = new Sink() {
            @Override
            public ByteBuffer buffer() {
                return place;
            }

            @Override
            public boolean beforeChunk() {
                chunks.incrementAndGet();
                return true;
            }

            @Override
            public void afterChunk() {
                chunks.decrementAndGet();
            }
        };
        try (Socket socket = dial(
                connection -> new ConnectionHandler() {
                    private boolean asked;

                    @Override
                    public void onBytes(ByteBuffer staged) {
                        if (!asked) {
                            asked = true;
                            staged.get();
                            connection.receiveInto(sink);
                        } else {
                            tail.complete(staged.get());
                        }
                    }

                    @Override
                    public void onSinkFull(Sink full) {
                        var copy = new byte[length];
                        place.flip().get(copy);
                        filled.complete(copy);
                    }

                    @Override
                    public void onClosed(String why) {}
                },
                ConnectionLimits.ordinary())) {
            socket.getOutputStream().write(1);
            socket.getOutputStream().write(payload);
            socket.getOutputStream().write(42);

            assertThat(filled.get(20, TimeUnit.SECONDS)).isEqualTo(payload);
            assertThat(tail.get(20, TimeUnit.SECONDS)).isEqualTo((byte) 42);
            assertThat(chunks).hasValue(0);
        }
    }

    @Test
    void a_peer_that_takes_nothing_is_closed_and_others_go_on() throws Exception {
        var limits = new ConnectionLimits(10, 4096, 1 << 16, 1 << 20, Duration.ZERO, Duration.ofSeconds(30));
        var closed = new CompletableFuture<String>();
        try (Socket deaf = dial(
                connection -> new ConnectionHandler() {
                    @Override
                    public void onBytes(ByteBuffer staged) {
                        staged.position(staged.limit());
                        for (int i = 0; i < 200; i++) {
                            connection.send(List.of(ByteBuffer.allocate(1 << 16)));
                        }
                    }

                    @Override
                    public void onClosed(String why) {
                        closed.complete(why);
                    }
                },
                limits)) {
            deaf.getOutputStream().write(1);

            assertThat(closed.get(20, TimeUnit.SECONDS)).contains("unsent");
            try (Socket other = dial(NioNetworkTest::echo, limits)) {
                other.getOutputStream().write(new byte[] {1, 7});
                assertThat(other.getInputStream().readNBytes(2)).containsExactly(1, 7);
            }
        }
    }

    @Test
    void beyond_the_limit_connections_are_refused_until_one_goes() throws Exception {
        Network.Listener listener = network.listen(
                ANY, NioNetworkTest::echo, ConnectionLimits.ordinary().withMaxConnections(1));
        try (Socket first = open(listener)) {
            assertThat(echoes(first)).isTrue();
            try (Socket second = open(listener)) {
                assertThat(echoes(second)).isFalse();
            }
        }
        boolean admitted = false;
        for (int i = 0; i < 1000 && !admitted; i++) {
            try (Socket third = open(listener)) {
                admitted = echoes(third);
            }
        }
        assertThat(admitted).isTrue();
    }

    @Test
    void a_silent_peer_is_closed_after_its_time_and_a_long_piece_at_once() throws Exception {
        try (Socket silent =
                dial(NioNetworkTest::echo, ConnectionLimits.ordinary().withIdle(Duration.ofMillis(50)))) {
            assertThat(silent.getInputStream().read()).isEqualTo(-1);
        }
        var small = new ConnectionLimits(10, 16, 1 << 16, 1 << 20, Duration.ZERO, Duration.ofSeconds(30));
        try (Socket talker = dial(NioNetworkTest::echo, small)) {
            var piece = new byte[100];
            piece[0] = (byte) 200;
            talker.getOutputStream().write(piece);
            assertThat(talker.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void a_handler_that_fails_loses_its_connection_and_no_other() throws Exception {
        try (Socket good = dial(NioNetworkTest::echo, ConnectionLimits.ordinary());
                Socket bad = dial(
                        connection -> new ConnectionHandler() {
                            @Override
                            public void onBytes(ByteBuffer staged) {
                                throw new IllegalStateException("planted by the test");
                            }

                            @Override
                            public void onClosed(String why) {}
                        },
                        ConnectionLimits.ordinary())) {
            bad.getOutputStream().write(1);

            assertThat(bad.getInputStream().read()).isEqualTo(-1);
            assertThat(echoes(good)).isTrue();
        }
    }

    @Test
    void a_connection_that_is_refused_is_told_with_its_address() throws Exception {
        Network.Listener listener = network.listen(ANY, NioNetworkTest::echo, ConnectionLimits.ordinary());
        listener.close();
        var failed = new CompletableFuture<IOException>();

        network.connect(listener.address(), NioNetworkTest::echo, ConnectionLimits.ordinary(), failed::complete);

        assertThat(failed.get(20, TimeUnit.SECONDS))
                .hasMessageContaining(Integer.toString(listener.address().getPort()));
    }

    @Test
    void an_address_in_use_is_refused_with_its_name() throws IOException {
        Network.Listener listener = network.listen(ANY, NioNetworkTest::echo, ConnectionLimits.ordinary());

        assertThatThrownBy(() -> network.listen(listener.address(), NioNetworkTest::echo, ConnectionLimits.ordinary()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on");
    }

    @Test
    void our_own_two_ends_talk_and_an_orderly_close_sends_what_was_queued() throws Exception {
        var answer = new CompletableFuture<byte[]>();
        Network.Listener listener = network.listen(ANY, NioNetworkTest::echo, ConnectionLimits.ordinary());
        var received = new ArrayList<Byte>();
        network.connect(
                listener.address(),
                connection -> {
                    connection.send(List.of(ByteBuffer.wrap(new byte[] {3}), ByteBuffer.wrap(new byte[] {1, 2, 3})));
                    return new ConnectionHandler() {
                        @Override
                        public void onBytes(ByteBuffer staged) {
                            while (staged.hasRemaining()) {
                                received.add(staged.get());
                            }
                            if (received.size() == 4) {
                                answer.complete(new byte[] {received.get(1), received.get(3)});
                                connection.close("done");
                            }
                        }

                        @Override
                        public void onClosed(String why) {}
                    };
                },
                ConnectionLimits.ordinary(),
                answer::completeExceptionally);

        assertThat(answer.get(20, TimeUnit.SECONDS)).containsExactly(1, 3);
    }

    @Test
    void tasks_run_in_order_and_timers_not_before_their_time_nor_after_cancel() throws Exception {
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
            order.add(1);
        });

        assertThat(done.get(20, TimeUnit.SECONDS)).isGreaterThanOrEqualTo(2_000_000L);
        assertThat(order).containsExactly(1, 2, 3);
    }

    private static Socket open(Network.Listener listener) throws IOException {
        var socket =
                new Socket(listener.address().getAddress(), listener.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private static boolean echoes(Socket socket) {
        try {
            socket.getOutputStream().write(new byte[] {1, 9});
            InputStream in = socket.getInputStream();
            return in.read() == 1 && in.read() == 9;
        } catch (IOException refused) {
            return false;
        }
    }
}
