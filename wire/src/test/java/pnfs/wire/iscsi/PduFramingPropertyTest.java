package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.testing.MemoryNetwork;
import pnfs.testing.Seeds;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Sink;

class PduFramingPropertyTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    /// Writes down what comes; every second large segment it takes in place.
    private static final class Receiver implements ConnectionHandler, PduReader.Receiver {
        final PduReader reader;
        final List<byte[]> segments = new ArrayList<>();
        final List<Integer> tags = new ArrayList<>();
        byte[] placing = {};
        int placed;
        int asked;

        @Nullable
        RuntimeException refusal;

        final Connection connection;

        Receiver(Connection connection, SessionParameters parameters) {
            this.connection = connection;
            reader = new PduReader(connection, this);
            reader.use(parameters);
        }

        @Override
        public void onBytes(ByteBuffer staged) {
            try {
                reader.onBytes(staged);
            } catch (IscsiException e) {
                refusal = e;
                connection.close("refused");
            }
        }

        @Override
        public void onSinkFull(Sink sink) {
            reader.onSinkFull();
        }

        @Override
        public @Nullable Sink place(ByteBuffer header, int at, int bytes) {
            if (++asked % 2 == 0) {
                return null;
            }
            placing = new byte[bytes];
            return Sink.of(ByteBuffer.wrap(placing));
        }

        @Override
        public void placed(ByteBuffer header, int at) {
            placed++;
            tags.add(Bhs.initiatorTaskTag(header, at));
            segments.add(placing);
        }

        @Override
        public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
            tags.add(Bhs.initiatorTaskTag(header, at));
            var segment = new byte[dataBytes];
            data.get(dataAt, segment);
            segments.add(segment);
        }
    }

    private interface Sending {
        void send(Connection connection);
    }

    private static Receiver exchange(RandomGenerator random, SessionParameters parameters, Sending sending) {
        var network = new MemoryNetwork(random);
        var receivers = new ArrayList<Receiver>();
        try {
            var listener = network.listen(
                    ANY_PORT,
                    connection -> {
                        receivers.add(new Receiver(connection, parameters));
                        return receivers.getFirst();
                    },
                    ConnectionLimits.DEFAULT);
            network.connect(
                    listener.address(),
                    connection -> {
                        sending.send(connection);
                        return staged -> {};
                    },
                    ConnectionLimits.DEFAULT,
                    why -> {
                        throw new AssertionError(why);
                    });
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        network.run();
        return receivers.getFirst();
    }

    private static SessionParameters parameters(Digest header, Digest data, int maxBytes) {
        return new SessionParameters(header, data, maxBytes, maxBytes, true, true, 262144, 65536, 1, 2, 0);
    }

    @Seeds(60)
    void PDUs_arrive_as_they_were_written_however_they_are_cut(RandomGenerator random) {
        var parameters = parameters(
                random.nextBoolean() ? Digest.CRC32C : Digest.NONE,
                random.nextBoolean() ? Digest.CRC32C : Digest.NONE,
                100_000);
        List<byte[]> segments = new ArrayList<>();
        for (int i = random.nextInt(1, 30); i > 0; i--) {
            int[] longest = {1, 5, 600, 20_000, 100_001};
            var segment = new byte[random.nextInt(longest[random.nextInt(5)])];
            random.nextBytes(segment);
            segments.add(segment);
        }

        Receiver received = exchange(random, parameters, connection -> {
            var out = new PduWriter(connection);
            out.use(parameters);
            for (int i = 0; i < segments.size(); i++) {
                int at = out.begin(Opcode.DATA_IN, Bhs.FINAL);
                Bhs.putInitiatorTaskTag(out.buffer(), at, i);
                out.end(at, segments.get(i));
                if (random.nextBoolean()) {
                    out.flush();
                }
            }
            out.flush();
        });

        assertThat(received.segments).hasSize(segments.size());
        for (int i = 0; i < segments.size(); i++) {
            assertThat(received.segments.get(i)).as("segment %d", i).isEqualTo(segments.get(i));
            assertThat(received.tags.get(i)).isEqualTo(i);
        }
        long large = segments.stream()
                .filter(segment -> segment.length >= PduReader.IN_PLACE_BYTES)
                .count();
        boolean inPlace = parameters.dataDigest() == Digest.NONE;
        assertThat(received.placed).isEqualTo(inPlace ? (int) (large + 1) / 2 : 0);
    }

    @Seeds(60)
    void one_bit_changed_under_digests_is_noticed_before_the_PDU_is_shown(RandomGenerator random) {
        var parameters = parameters(Digest.CRC32C, Digest.CRC32C, 100_000);
        var segment = new byte[random.nextInt(1, random.nextBoolean() ? 100 : 40_000)];

        Receiver received = exchange(random, parameters, connection -> {
            var changing = new Changing(connection, random);
            var out = new PduWriter(changing);
            out.use(parameters);
            out.end(out.begin(Opcode.DATA_IN, Bhs.FINAL), segment);
            out.flush();
            changing.passOn();
        });

        assertThat(received.segments).isEmpty();
    }

    /// A connection that changes one bit of what it sends, but not of the length, which would only make it wait.
    private record Changing(Connection to, RandomGenerator random, ByteArrayOutputStream sent) implements Connection {
        Changing(Connection to, RandomGenerator random) {
            this(to, random, new ByteArrayOutputStream());
        }

        @Override
        public void send(List<ByteBuffer> pieces) {
            for (ByteBuffer piece : pieces) {
                var bytes = new byte[piece.remaining()];
                piece.get(bytes);
                sent.writeBytes(bytes);
            }
        }

        void passOn() {
            byte[] all = sent.toByteArray();
            all[random.nextInt(8, all.length)] ^= (byte) (1 << random.nextInt(8));
            to.send(List.of(ByteBuffer.wrap(all)));
        }

        @Override
        public long id() {
            return to.id();
        }

        @Override
        public Loop loop() {
            return to.loop();
        }

        @Override
        public InetSocketAddress peer() {
            return to.peer();
        }

        @Override
        public InetSocketAddress local() {
            return to.local();
        }

        @Override
        public boolean crowded() {
            return to.crowded();
        }

        @Override
        public void receiveInto(Sink sink) {
            to.receiveInto(sink);
        }

        @Override
        public void pauseReading() {
            to.pauseReading();
        }

        @Override
        public void resumeReading() {
            to.resumeReading();
        }

        @Override
        public void close(String why) {
            to.close(why);
        }
    }

    @Test
    void additional_header_segments_are_passed_over() {
        byte[] pdu = new byte[Bhs.BYTES + 1020 + 8];
        pdu[0] = Opcode.NOP_IN;
        pdu[4] = (byte) 255;
        pdu[7] = 7;
        Arrays.fill(pdu, Bhs.BYTES, Bhs.BYTES + 1020, (byte) 0xee);
        pdu[Bhs.BYTES + 1020] = 42;

        Receiver received = exchange(
                new SplittableRandom(1),
                SessionParameters.LOGIN,
                connection -> connection.send(List.of(ByteBuffer.wrap(pdu))));

        assertThat(received.segments.getFirst()).containsExactly(42, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void a_data_segment_over_the_limit_is_refused_from_its_header_alone() {
        var pdu = ByteBuffer.allocate(Bhs.BYTES);
        Bhs.begin(pdu, 0, Opcode.DATA_IN, 0);
        Bhs.putDataBytes(pdu, 0, 8193);

        Receiver received =
                exchange(new SplittableRandom(1), SessionParameters.LOGIN, connection -> connection.send(List.of(pdu)));

        assertThat(received.refusal).hasMessage("Data-In with a data segment of 8193 bytes over 8192");
    }

    @Test
    void addresses_of_portals_are_read_in_all_their_forms() {
        assertThat(SendTargets.address("10.0.0.1")).isEqualTo(InetSocketAddress.createUnresolved("10.0.0.1", 3260));
        assertThat(SendTargets.address("host:99,7")).isEqualTo(InetSocketAddress.createUnresolved("host", 99));
        assertThat(SendTargets.address("[::1]:99,7")).isEqualTo(InetSocketAddress.createUnresolved("::1", 99));
        for (String bad : List.of("", ":99", "host:0", "host:65536", "host:", "host:9x,1", "[]:3")) {
            assertThatThrownBy(() -> SendTargets.address(bad)).as(bad).isInstanceOf(IscsiException.class);
        }
    }
}
