package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.dcache.oncrpc4j.rpc.OncRpcAcceptedException;
import org.dcache.oncrpc4j.rpc.OncRpcClient;
import org.dcache.oncrpc4j.rpc.RpcAuth;
import org.dcache.oncrpc4j.rpc.RpcAuthTypeNone;
import org.dcache.oncrpc4j.rpc.RpcAuthTypeUnix;
import org.dcache.oncrpc4j.rpc.RpcCall;
import org.dcache.oncrpc4j.rpc.net.IpProtocolType;
import org.dcache.oncrpc4j.xdr.XdrAble;
import org.dcache.oncrpc4j.xdr.XdrDecodingStream;
import org.dcache.oncrpc4j.xdr.XdrEncodingStream;
import org.dcache.oncrpc4j.xdr.XdrVoid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A client that shares no line with us, neither of RPC nor of XDR: what we think the bytes are is what others
/// think too.
@ExtendWith(SuiteServer.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class Oncrpc4jTest {
    private static final int NFS = 100003;
    private static final int COMPOUND = 1;
    private static final int EXCHANGE_ID = 42;
    private static final int CREATE_SESSION = 43;
    private static final int SEQUENCE = 53;
    private static final int PUTROOTFH = 24;
    private static final int GETATTR = 9;
    private static final int TYPE = 1;
    private static final int DIRECTORY = 2;
    private static final int SESSION_ID_BYTES = 16;
    private static final int SLOTS = 8;
    private static final RpcAuth ROOT = new RpcAuthTypeUnix(0, 0, new int[] {0, 7}, 1, "oncrpc4j");

    private final Suite suite;
    private final OncRpcClient client;
    private final RpcCall nfs;

    Oncrpc4jTest(Suite suite) throws IOException {
        this.suite = suite;
        client = new OncRpcClient(suite.server(), IpProtocolType.TCP);
        nfs = new RpcCall(NFS, 4, ROOT, client.connect());
    }

    @AfterEach
    void close() throws IOException {
        client.close();
    }

    /// What is written and what is read, in the other's streams.
    private interface Writing {
        void to(XdrEncodingStream out) throws IOException;
    }

    private static XdrAble writing(Writing writing) {
        return new XdrAble() {
            @Override
            public void xdrEncode(XdrEncodingStream out) throws IOException {
                writing.to(out);
            }

            @Override
            public void xdrDecode(XdrDecodingStream in) {
                throw new UnsupportedOperationException("only written");
            }
        };
    }

    /// A COMPOUND's reply up to its operations, and what a test reads of these.
    static final class Reply implements XdrAble {
        int status;
        int operations;
        final List<Integer> numbers = new ArrayList<>();
        final List<byte[]> opaques = new ArrayList<>();
        private final List<Character> grammar;

        /// `grammar`: `i` for a number, `l` for one of 64 bits, `s` for a session id, `o` for an opaque.
        Reply(String grammar) {
            this.grammar = grammar.chars().mapToObj(c -> (char) c).toList();
        }

        @Override
        public void xdrDecode(XdrDecodingStream in) throws IOException {
            status = in.xdrDecodeInt();
            in.xdrDecodeDynamicOpaque(); // the tag
            operations = in.xdrDecodeInt();
            for (char element : status == 0 ? grammar : List.<Character>of()) {
                switch (element) {
                    case 'i' -> numbers.add(in.xdrDecodeInt());
                    case 'l' -> numbers.add((int) in.xdrDecodeLong());
                    case 's' -> opaques.add(in.xdrDecodeOpaque(SESSION_ID_BYTES));
                    default -> opaques.add(in.xdrDecodeDynamicOpaque());
                }
            }
        }

        @Override
        public void xdrEncode(XdrEncodingStream out) {
            throw new UnsupportedOperationException("only read");
        }
    }

    private static XdrAble compound(int operations, Writing body) {
        return writing(out -> {
            out.xdrEncodeString("");
            out.xdrEncodeInt(1);
            out.xdrEncodeInt(operations);
            body.to(out);
        });
    }

    private Reply call(String grammar, int operations, Writing body) throws IOException {
        var reply = new Reply(grammar);
        nfs.call(COMPOUND, compound(operations, body), reply);
        assertThat(reply.status).isZero();
        assertThat(reply.operations).isEqualTo(operations);
        return reply;
    }

    private byte[] session() throws IOException {
        byte[] owner = suite.name().getBytes(StandardCharsets.UTF_8);
        long[] clientId = new long[1];
        int[] sequence = new int[1];
        nfs.call(
                COMPOUND,
                compound(1, out -> {
                    out.xdrEncodeInt(EXCHANGE_ID);
                    out.xdrEncodeLong(1);
                    out.xdrEncodeDynamicOpaque(owner);
                    out.xdrEncodeInt(0);
                    out.xdrEncodeInt(0); // SP4_NONE
                    out.xdrEncodeInt(0); // no implementation id
                }),
                new XdrAble() {
                    @Override
                    public void xdrDecode(XdrDecodingStream in) throws IOException {
                        assertThat(in.xdrDecodeInt()).isZero();
                        in.xdrDecodeDynamicOpaque();
                        assertThat(in.xdrDecodeInt()).isEqualTo(1);
                        assertThat(in.xdrDecodeInt()).isEqualTo(EXCHANGE_ID);
                        assertThat(in.xdrDecodeInt()).isZero();
                        clientId[0] = in.xdrDecodeLong();
                        sequence[0] = in.xdrDecodeInt();
                    }

                    @Override
                    public void xdrEncode(XdrEncodingStream out) {
                        throw new UnsupportedOperationException("only read");
                    }
                });
        Reply created = call("iis", 1, out -> {
            out.xdrEncodeInt(CREATE_SESSION);
            out.xdrEncodeLong(clientId[0]);
            out.xdrEncodeInt(sequence[0]);
            out.xdrEncodeInt(0);
            for (int channel = 0; channel < 2; channel++) {
                for (int limit : new int[] {0, 8192, 8192, 8192, 16, SLOTS, 0}) {
                    out.xdrEncodeInt(limit);
                }
            }
            out.xdrEncodeInt(0x4000_0000);
            out.xdrEncodeInt(0);
        });
        return created.opaques.getFirst();
    }

    private static Writing typeOfRoot(byte[] session, int sequence, int slot) {
        return out -> {
            out.xdrEncodeInt(SEQUENCE);
            out.xdrEncodeOpaque(session, 0, SESSION_ID_BYTES);
            out.xdrEncodeInt(sequence);
            out.xdrEncodeInt(slot);
            out.xdrEncodeInt(SLOTS - 1);
            out.xdrEncodeBoolean(true);
            out.xdrEncodeInt(PUTROOTFH);
            out.xdrEncodeInt(GETATTR);
            out.xdrEncodeInt(1); // a bitmap of one word
            out.xdrEncodeInt(1 << TYPE);
        };
    }

    @Test
    void null_is_answered_whoever_asks() throws IOException {
        nfs.call(0, XdrVoid.XDR_VOID, XdrVoid.XDR_VOID);
        new RpcCall(NFS, 4, new RpcAuthTypeNone(), nfs.getTransport()).call(0, XdrVoid.XDR_VOID, XdrVoid.XDR_VOID);
    }

    @Test
    void another_program_version_or_procedure_is_refused_as_rpc_says() {
        for (RpcCall wrong : List.of(
                new RpcCall(NFS, 3, ROOT, nfs.getTransport()), new RpcCall(100005, 3, ROOT, nfs.getTransport()))) {
            assertThatThrownBy(() -> wrong.call(0, XdrVoid.XDR_VOID, XdrVoid.XDR_VOID))
                    .isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> nfs.call(7, XdrVoid.XDR_VOID, XdrVoid.XDR_VOID))
                .isInstanceOf(OncRpcAcceptedException.class);
        assertThatThrownBy(() -> nfs.call(COMPOUND, writing(out -> out.xdrEncodeInt(-1)), XdrVoid.XDR_VOID))
                .isInstanceOf(OncRpcAcceptedException.class);
    }

    @Test
    void a_session_is_made_and_the_root_is_a_directory() throws IOException {
        byte[] session = session();

        Reply reply = call("iisiiiii" + "ii" + "iiiio", 3, typeOfRoot(session, 1, 0));

        assertThat(reply.opaques.getFirst()).isEqualTo(session);
        assertThat(reply.opaques.getLast()).isEqualTo(new byte[] {0, 0, 0, DIRECTORY});
    }

    @Test
    void calls_in_flight_on_all_slots_are_each_answered() throws Exception {
        byte[] session = session();
        try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Reply>>();
            for (int slot = 0; slot < SLOTS; slot++) {
                Writing body = typeOfRoot(session, 1, slot);
                answers.add(callers.submit(() -> call("iisii", 3, body)));
            }

            for (int slot = 0; slot < SLOTS; slot++) {
                assertThat(answers.get(slot).get().numbers.getLast()).isEqualTo(slot);
            }
        }
    }
}
