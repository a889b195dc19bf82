package pnfs.wire.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.testing.MemoryNetwork;
import pnfs.testing.Seeds;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

class RpcConnectionTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int PROGRAM = 300_000;
    private static final int ECHO = 1;
    private static final int FAIL = 2;
    private static final int KEEP = 3;
    private static final int CALL_BACK = 4;
    private static final int WHO = 5;
    private static final int XID = 0x1234_5678;

    private final MemoryNetwork network = new MemoryNetwork(RandomGenerator.of("L64X128MixRandom"));
    private final List<RpcReply> kept = new ArrayList<>();
    private final List<RpcConnection> callers = new ArrayList<>();
    private final RpcPrograms programs = RpcPrograms.none()
            .with(PROGRAM, 2, this::run)
            .with(PROGRAM, 3, this::run)
            .with(PROGRAM + 1, 1, this::run);
    private final RpcServer server = new RpcServer(network, programs, new RpcLimits(10_000, 4, 4));
    private final RpcClient client = new RpcClient(network, programs, new RpcLimits(10_000, 4, 4));
    private final Listener listener;

    RpcConnectionTest() throws IOException {
        listener = server.listen(ANY_PORT, ConnectionLimits.DEFAULT);
    }

    private void run(RpcCall call, XdrReader args, RpcReply reply) {
        switch (call.procedure()) {
            case ECHO -> {
                XdrWriter out = reply.success(4);
                out.writeOpaque(args.readOpaque(1000));
                reply.send(out);
            }
            case FAIL -> throw new IllegalStateException("planted by the test");
            case KEEP -> {
                callers.add(call.connection());
                kept.add(reply);
            }
            case CALL_BACK -> {
                byte[] body = args.readOpaque(1000).toByteArray();
                call.connection().call(echo(PROGRAM, body), TIMEOUT, outcome -> {
                    XdrWriter out = reply.success(4);
                    out.writeOpaque(((RpcOutcome.Success) outcome).results().readOpaque(1000));
                    reply.send(out);
                });
            }
            case WHO -> {
                XdrWriter out = reply.success(4);
                out.writeString(call.credential().toString());
                reply.send(out);
            }
            default -> reply.reject(new RpcRejection.ProcedureUnavailable());
        }
    }

    private static XdrWriter echo(int program, byte... body) {
        XdrWriter out = RpcConnection.request(program, program == PROGRAM ? 2 : 1, ECHO, new RpcCredential.None(), 0);
        out.writeOpaque(body);
        return out;
    }

    private static XdrWriter keep() {
        return RpcConnection.request(PROGRAM, 2, KEEP, new RpcCredential.None(), 0);
    }

    private RpcConnection connect() {
        CompletableFuture<RpcConnection> connected = client.connect(listener.address(), ConnectionLimits.CLIENT);
        network.runFor(Duration.ofMillis(10));
        return connected.getNow(null);
    }

    private void settle() {
        network.runFor(Duration.ofMillis(50));
    }

    /// A peer that says whatever the test wants, and keeps the records it gets as words.
    private static final class RawPeer implements ConnectionHandler {
        private final Connection connection;
        private final RecordReader records = new RecordReader(100_000);
        final List<int[]> received = new ArrayList<>();
        String closed = "";

        RawPeer(Connection connection) {
            this.connection = connection;
        }

        @Override
        public void onBytes(ByteBuffer staged) {
            for (ByteBuffer record = records.next(staged); record != null; record = records.next(staged)) {
                var words = new int[record.remaining() / 4];
                record.asIntBuffer().get(words);
                received.add(words);
            }
        }

        @Override
        public void onClosed(String why) {
            closed = why;
        }

        void sendRecord(int... words) {
            var message = ByteBuffer.allocate(4 + 4 * words.length);
            message.putInt(RpcMessage.LAST_FRAGMENT | (4 * words.length));
            Arrays.stream(words).forEach(message::putInt);
            connection.send(List.of(message.flip()));
        }
    }

    private RawPeer rawPeer() {
        var peer = new CompletableFuture<RawPeer>();
        network.connect(
                listener.address(),
                connection -> {
                    peer.complete(new RawPeer(connection));
                    return peer.getNow(null);
                },
                ConnectionLimits.DEFAULT,
                peer::completeExceptionally);
        network.runFor(Duration.ofMillis(10));
        return peer.getNow(null);
    }

    private static int[] words(int... words) {
        return words;
    }

    private static int[] call(int rpcVersion, int program, int version, int procedure, int... rest) {
        return IntStream.concat(
                        IntStream.of(XID, RpcMessage.CALL, rpcVersion, program, version, procedure), IntStream.of(rest))
                .toArray();
    }

    private static int[] sysBody(int machineWords, int gids) {
        // stamp, name, uid, gid, gids: the length in front
        var body = new int[1 + 5 + machineWords + gids];
        body[0] = 4 * (body.length - 1);
        body[2] = 4 * machineWords;
        Arrays.fill(body, 3, 3 + machineWords, 0x61616161);
        body[3 + machineWords] = 1000;
        body[4 + machineWords] = 100;
        body[5 + machineWords] = gids;
        return body;
    }

    private static int[] join(int[]... parts) {
        return Stream.of(parts).flatMapToInt(IntStream::of).toArray();
    }

    /// Every way to be turned away, RFC 5531 §9: the call, and the reply behind xid and message type.
    static Stream<Arguments> calls() {
        int[] none = words(0, 0);
        int[] noAuth = words(0, 0, 0, 0);
        return Stream.of(
                Arguments.of("a NULL call", call(2, PROGRAM, 2, 0, noAuth), words(0, 0, 0, 0)),
                Arguments.of("RPC version 3", call(3, PROGRAM, 2, 0, noAuth), words(1, 0, 2, 2)),
                Arguments.of("an unknown program", call(2, 7, 2, 1, noAuth), words(0, 0, 0, 1)),
                Arguments.of("a version too low", call(2, PROGRAM, 1, 0, noAuth), words(0, 0, 0, 2, 2, 3)),
                Arguments.of("a version too high", call(2, PROGRAM, 4, 1, noAuth), words(0, 0, 0, 2, 2, 3)),
                Arguments.of("an unknown procedure", call(2, PROGRAM, 2, 99, noAuth), words(0, 0, 0, 3)),
                Arguments.of("arguments cut short", call(2, PROGRAM, 2, ECHO, noAuth), words(0, 0, 0, 4)),
                Arguments.of("a header cut short", call(2, PROGRAM, 2, ECHO), words(0, 0, 0, 4)),
                Arguments.of("a header without verifier", call(2, PROGRAM, 2, ECHO, none), words(0, 0, 0, 4)),
                Arguments.of("a procedure that fails", call(2, PROGRAM, 2, FAIL, noAuth), words(0, 0, 0, 5)),
                Arguments.of("a credential over 400 bytes", call(2, PROGRAM, 2, 0, 1, 404), words(1, 1, 1)),
                Arguments.of("a verifier over 400 bytes", call(2, PROGRAM, 2, 0, 0, 0, 0, 404), words(1, 1, 3)),
                Arguments.of("AUTH_SHORT", call(2, PROGRAM, 2, 0, 2, 0, 0, 0), words(1, 1, 1)),
                Arguments.of("RPCSEC_GSS", call(2, PROGRAM, 2, 0, 6, 20, 1, 1, 0, 3, 0, 0, 0), words(1, 1, 1)),
                Arguments.of("a TLS probe", call(2, PROGRAM, 2, 0, 7, 0, 0, 0), words(0, 0, 0, 0)),
                Arguments.of("a TLS probe with a body", call(2, PROGRAM, 2, 0, 7, 4, 0, 0, 0), words(1, 1, 1)),
                Arguments.of("AUTH_TLS elsewhere", call(2, PROGRAM, 2, ECHO, 7, 0, 0, 0), words(1, 1, 1)),
                Arguments.of("AUTH_SYS with 16 groups", sys(sysBody(63, 16)), words(0, 0, 0, 0)),
                Arguments.of("AUTH_SYS with 17 groups", sys(sysBody(0, 17)), words(1, 1, 1)),
                Arguments.of("AUTH_SYS with a name of 256 bytes", sys(sysBody(64, 0)), words(1, 1, 1)),
                Arguments.of("AUTH_SYS cut short", sys(words(8, 0, 0)), words(1, 1, 1)),
                Arguments.of("AUTH_SYS with a tail", sys(words(24, 0, 0, 0, 0, 0, 0)), words(1, 1, 1)),
                Arguments.of(
                        "AUTH_SYS with a verifier",
                        call(2, PROGRAM, 2, 0, join(words(1), sysBody(0, 0), words(0, 4, 0))),
                        words(1, 1, 3)));
    }

    private static int[] sys(int[] body) {
        return call(2, PROGRAM, 2, 0, join(words(1), body, words(0, 0)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void each_call_gets_the_answer_of_the_specification(String name, int[] call, int[] answer) {
        RawPeer peer = rawPeer();

        peer.sendRecord(call);
        peer.sendRecord(call(2, PROGRAM, 2, 0, 0, 0, 0, 0));
        settle();

        assertThat(peer.received).as(name).hasSize(2);
        assertThat(peer.received.getFirst()).containsExactly(join(words(XID, RpcMessage.REPLY), answer));
        assertThat(peer.received.getLast()).as("the connection goes on").containsExactly(XID, 1, 0, 0, 0, 0);
    }

    @ParameterizedTest
    @MethodSource("noMessages")
    void what_is_no_rpc_message_closes_its_connection_and_no_other(int[] words) {
        RawPeer bad = rawPeer();
        RawPeer good = rawPeer();

        bad.sendRecord(words);
        settle();
        good.sendRecord(call(2, PROGRAM, 2, 0, 0, 0, 0, 0));
        settle();

        assertThat(bad.closed).isNotEmpty();
        assertThat(server.counters().malformedRecords()).isOne();
        assertThat(good.received).hasSize(1);
    }

    static Stream<int[]> noMessages() {
        return Stream.of(words(), words(XID), words(XID, 2), new int[2501]);
    }

    @Test
    void a_credential_is_told_to_the_program_and_a_changed_one_is_noticed() {
        RpcConnection connection = connect();
        var one = new RpcCredential.Sys(1, "host", 1000, 100, List.of(4, 24));
        var two = new RpcCredential.Sys(1, "host", 1001, 100, List.of(4, 24));

        for (RpcCredential credential : List.of(one, one, two, new RpcCredential.None(), one)) {
            var told = connection.call(RpcConnection.request(PROGRAM, 2, WHO, credential, 0), TIMEOUT);
            settle();

            assertThat(told.getNow(null).readString(200)).isEqualTo(credential.toString());
        }
    }

    @Seeds(50)
    void calls_in_both_directions_at_once_get_their_own_results(RandomGenerator random) throws IOException {
        var shared = new MemoryNetwork(random);
        var limits = new RpcLimits(10_000, 8, 64);
        Listener at = new RpcServer(shared, programs, limits).listen(ANY_PORT, ConnectionLimits.DEFAULT);
        var connected = new RpcClient(shared, programs, limits).connect(at.address(), ConnectionLimits.CLIENT);
        shared.run();
        RpcConnection connection = connected.getNow(null);
        var sent = new ArrayList<byte[]>();
        var got = new HashMap<Integer, Opaque>();

        for (int i = 0; i < 30; i++) {
            var body = new byte[random.nextInt(1000)];
            random.nextBytes(body);
            sent.add(body);
            int procedure = random.nextBoolean() ? ECHO : CALL_BACK;
            XdrWriter request = RpcConnection.request(PROGRAM, 2, procedure, new RpcCredential.None(), 0);
            request.writeOpaque(body);
            int number = i;
            connection.call(
                    request,
                    TIMEOUT,
                    outcome -> got.put(
                            number, ((RpcOutcome.Success) outcome).results().readOpaque(1000)));
        }
        shared.run();

        assertThat(got).hasSize(30);
        for (int i = 0; i < 30; i++) {
            assertThat(got.get(i)).isEqualTo(Opaque.of(sent.get(i)));
        }
    }

    @Test
    void the_same_xid_on_two_connections_is_two_calls() {
        RpcConnection one = connect();
        RpcConnection two = connect();
        RawPeer stranger = rawPeer();
        var first = one.call(keep(), TIMEOUT);
        settle();
        var second = two.call(keep(), TIMEOUT);
        settle();
        // A third party claims to answer calls of the server's on the other connections.
        callers.getFirst().call(keep(), TIMEOUT, outcome -> {});
        stranger.sendRecord(1, RpcMessage.REPLY, 0, 0, 0, 0);
        settle();

        XdrWriter answer = kept.get(1).success(4);
        answer.writeUint32(22);
        kept.get(1).send(answer);
        settle();

        assertThat(second.getNow(null).readUint32()).isEqualTo(22);
        assertThat(first).isNotDone();
        assertThat(server.counters().unknownReplies()).isOne();
    }

    @Test
    void a_call_without_answer_times_out_and_its_late_reply_is_ignored() {
        RpcConnection connection = connect();
        var outcomes = new ArrayList<RpcOutcome>();

        connection.call(keep(), Duration.ofSeconds(1), outcomes::add);
        connection.call(keep(), Duration.ofSeconds(3), outcomes::add);
        network.runFor(Duration.ofMillis(990));
        assertThat(outcomes).isEmpty();
        network.runFor(Duration.ofMillis(200));

        assertThat(outcomes)
                .singleElement()
                .isInstanceOfSatisfying(
                        RpcOutcome.Failed.class,
                        failed -> assertThat(failed.reason()).isEqualTo(RpcOutcome.Reason.TIMEOUT));
        kept.getFirst().send(kept.getFirst().success(0));
        settle();
        assertThat(client.counters().unknownReplies()).isOne();
        kept.getLast().send(kept.getLast().success(0));
        settle();
        assertThat(outcomes).last().isInstanceOf(RpcOutcome.Success.class);
    }

    @Test
    void a_lost_connection_fails_its_calls_in_both_directions_and_those_that_come_after() {
        RpcConnection connection = connect();
        var outcomes = new ArrayList<RpcOutcome>();
        var closed = new ArrayList<String>();
        connection.whenClosed(closed::add);
        connection.call(keep(), TIMEOUT, outcomes::add);
        settle();
        callers.getFirst().call(keep(), TIMEOUT, outcomes::add);
        settle();

        connection.close("the test has seen enough");
        settle();
        connection.call(keep(), TIMEOUT, outcomes::add);
        callers.getFirst().call(keep(), TIMEOUT, outcomes::add);
        connection.whenClosed(closed::add);
        kept.getFirst().send(kept.getFirst().success(0));
        settle();

        assertThat(outcomes)
                .hasSize(4)
                .allSatisfy(outcome -> assertThat(outcome)
                        .isInstanceOfSatisfying(
                                RpcOutcome.Failed.class,
                                failed -> assertThat(failed.reason()).isEqualTo(RpcOutcome.Reason.CONNECTION_LOST)));
        assertThat(closed).hasSize(2).containsOnly("the test has seen enough");
    }

    @Test
    void our_calls_are_bounded() {
        RpcConnection connection = connect();
        var outcomes = new ArrayList<RpcOutcome>();

        for (int i = 0; i < 5; i++) {
            connection.call(keep(), TIMEOUT, outcomes::add);
        }
        settle();

        assertThat(outcomes)
                .singleElement()
                .isInstanceOfSatisfying(
                        RpcOutcome.Failed.class,
                        failed -> assertThat(failed.reason()).isEqualTo(RpcOutcome.Reason.TOO_MANY_CALLS));
    }

    @Test
    void a_peers_calls_beyond_the_limit_wait_unread_until_one_is_answered() {
        RawPeer peer = rawPeer();
        for (int i = 0; i < 10; i++) {
            peer.sendRecord(call(2, PROGRAM, 2, KEEP, 0, 0, 0, 0));
        }
        settle();
        assertThat(kept).hasSize(4);

        for (int answered = 0; answered < 10; answered++) {
            RpcReply reply = kept.get(answered);
            reply.send(reply.success(0));
            settle();
            assertThat(kept).hasSize(Math.min(10, answered + 5));
        }

        assertThat(peer.received).hasSize(10);
    }

    @Test
    void a_peer_at_its_limit_is_still_heard_while_it_owes_a_reply_but_not_for_ever() {
        var made = new RpcClient(network, programs, new RpcLimits(10_000, 4, 100))
                .connect(listener.address(), ConnectionLimits.CLIENT);
        settle();
        RpcConnection greedy = made.getNow(null);
        var owed = new ArrayList<RpcOutcome>();
        var outcomes = new ArrayList<RpcOutcome>();
        greedy.call(keep(), TIMEOUT, outcomes::add);
        settle();
        callers.getFirst().call(keep(), TIMEOUT, owed::add);

        for (int i = 0; i < 30; i++) {
            greedy.call(keep(), TIMEOUT, outcomes::add);
        }
        settle();
        assertThat(outcomes).isEmpty();
        for (int i = 0; i < 2; i++) {
            greedy.call(keep(), TIMEOUT, outcomes::add);
        }
        settle();

        assertThat(outcomes).hasSize(33).hasOnlyElementsOfType(RpcOutcome.Failed.class);
        assertThat(owed).hasSize(1).hasOnlyElementsOfType(RpcOutcome.Failed.class);
    }

    @Test
    void a_client_that_sends_no_more_still_gets_the_answers_being_made() {
        RawPeer peer = rawPeer();
        peer.sendRecord(call(2, PROGRAM, 2, KEEP, 0, 0, 0, 0));
        settle();

        assertThat(callers.getFirst().onEnd()).isTrue();
        kept.getFirst().send(kept.getFirst().success(0));
        settle();

        assertThat(peer.received).hasSize(1);
        assertThat(peer.closed).isNotEmpty();
    }

    @Test
    void an_answer_can_be_given_once() {
        RawPeer peer = rawPeer();
        peer.sendRecord(call(2, PROGRAM, 2, KEEP, 0, 0, 0, 0));
        settle();
        RpcReply reply = kept.getFirst();

        reply.reject(new RpcRejection.SystemError());

        assertThatThrownBy(() -> reply.send(reply.success(0))).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @MethodSource("rejections")
    void a_rejection_reaches_the_caller_as_it_was_meant(RpcRejection rejection) {
        RpcConnection connection = connect();
        var outcomes = new ArrayList<RpcOutcome>();
        Consumer<RpcOutcome> keepOutcome = outcomes::add;
        connection.call(keep(), TIMEOUT, keepOutcome);
        settle();

        kept.getFirst().reject(rejection);
        settle();

        assertThat(outcomes).containsExactly(new RpcOutcome.Rejected(rejection));
    }

    static Stream<RpcRejection> rejections() {
        return Stream.concat(
                Stream.of(
                        new RpcRejection.RpcMismatch(2, 2),
                        new RpcRejection.ProgramUnavailable(),
                        new RpcRejection.ProgramMismatch(3, 4),
                        new RpcRejection.ProcedureUnavailable(),
                        new RpcRejection.GarbageArguments(),
                        new RpcRejection.SystemError()),
                Stream.of(AuthStatus.values()).map(RpcRejection.AuthError::new));
    }

    @Test
    void a_reply_that_cannot_be_read_fails_its_call_only() {
        RpcConnection connection = connect();
        var outcomes = new ArrayList<RpcOutcome>();
        connection.call(keep(), TIMEOUT, outcomes::add);
        settle();
        XdrWriter broken = RpcMessage.success(1, 0);
        broken.truncate(12);
        callers.getFirst().connection().send(broken(broken));
        settle();
        var next = connection.call(echo(PROGRAM, (byte) 9), TIMEOUT);
        settle();

        assertThat(outcomes)
                .singleElement()
                .isInstanceOfSatisfying(
                        RpcOutcome.Failed.class,
                        failed -> assertThat(failed.reason()).isEqualTo(RpcOutcome.Reason.MALFORMED_REPLY));
        assertThat(next.getNow(null).readOpaque(4)).isEqualTo(Opaque.of((byte) 9));
    }

    private static List<ByteBuffer> broken(XdrWriter message) {
        message.patchUint32(0, RpcMessage.LAST_FRAGMENT | (message.position() - 4));
        return message.buffers();
    }
}
