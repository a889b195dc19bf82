package pnfs.wire.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import pnfs.wire.control.proto.Registered;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// Any bytes from a peer are requests that are answered or the end of that peer's connection; a link beside it
/// goes on. `JAZZER_FUZZ=1 mvn -pl wire test -Dtest=ControlFuzzTest` looks for more.
@TestInstance(Lifecycle.PER_CLASS)
class ControlFuzzTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final ControlTransport server;
    private final ControlTransport client;
    private InetSocketAddress at = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    ControlFuzzTest() throws IOException {
        server = new ControlTransport("fuzzed-server");
        client = new ControlTransport("fuzzed-client");
    }

    @BeforeAll
    void listen() throws IOException {
        at = server.listen(
                at,
                link -> (request, reply) -> reply.accept(Reply.newBuilder()
                        .setRegistered(Registered.newBuilder().setBoot(7))
                        .build()));
    }

    @AfterAll
    void close() throws IOException {
        client.close();
        server.close();
    }

    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_answered_or_the_end_of_their_connection_alone(byte[] input) throws Exception {
        // To the fuzzer a connection is a finding.
        try (var _ = BugDetectors.allowNetworkConnections((host, port) -> port == at.getPort())) {
            exchange(input);
        }
    }

    private void exchange(byte[] input) throws Exception {
        ControlLink good = client.connect(at, ControlHandler.refusing(), PATIENCE);
        try (var bad = new Socket(at.getAddress(), at.getPort())) {
            bad.setSoTimeout(20_000);
            bad.getOutputStream().write(input);
            bad.shutdownOutput();
            // Its end, or a reset when not all of the bytes were wanted: the server has dealt with them.
            bad.getInputStream().readAllBytes();
        } catch (SocketException reset) {
            assertThat(reset.getMessage()).containsAnyOf("reset", "Broken pipe");
        }

        Reply answer = good.ask(Request.getDefaultInstance(), PATIENCE).get();

        assertThat(answer.getRegistered().getBoot()).isEqualTo(7);
        good.close();
    }
}
