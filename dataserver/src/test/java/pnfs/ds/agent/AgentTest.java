package pnfs.ds.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Beaten;
import pnfs.wire.control.proto.Durability;
import pnfs.wire.control.proto.Farewell;
import pnfs.wire.control.proto.Registered;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

@Timeout(60)
class AgentTest {
    private static final UUID ID = UUID.fromString("00010203-0405-0607-0809-0a0b0c0d0e0f");
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final AtomicInteger bugs = new AtomicInteger();
    private final Volume volume = volume();
    private final SharedVolume shared = SharedVolume.open(volume);

    private Volume volume() {
        var persistence = new FakePersistence() {
            @Override
            public pnfs.ds.region.Durability durability() {
                if (bugs.getAndDecrement() > 0) {
                    throw new IllegalStateException("planted by the test");
                }
                return super.durability();
            }
        };
        var header = RegionHeader.of(UUID.fromString("b3a1c2d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"), 4096, 1 << 20);
        return new Volume(new Region(
                header, MemorySegment.ofArray(new byte[1 << 20]), persistence, Memo.volatileMemo(), () -> {}));
    }

    /// A metadata server as far as an agent can tell: keeps what it was asked.
    private static final class Mds implements AutoCloseable {
        final BlockingQueue<Request> asked = new LinkedBlockingQueue<>();
        final BlockingQueue<Reply> toRegister = new LinkedBlockingQueue<>();
        final InetSocketAddress address;
        private final ControlTransport transport;

        Mds(InetSocketAddress at) throws IOException {
            transport = new ControlTransport("mds");
            address = listen(at);
        }

        /// A port whose former user has closed it is free a little later only.
        private InetSocketAddress listen(InetSocketAddress at) throws IOException {
            while (true) {
                try {
                    return transport.listen(at, this::welcome);
                } catch (IOException inUse) {
                    if (!(inUse.getCause() instanceof BindException)) {
                        throw inUse;
                    }
                    Thread.onSpinWait();
                }
            }
        }

        private ControlHandler welcome(ControlLink link) {
            return new ControlHandler() {
                @Override
                public void onRequest(Request request, Consumer<Reply> reply) {
                    reply.accept(answer(request));
                    asked.add(request);
                }
            };
        }

        private Reply answer(Request request) {
            return switch (request.getKindCase()) {
                case REGISTER -> {
                    Reply prepared = toRegister.poll();
                    yield prepared != null
                            ? prepared
                            : Reply.newBuilder()
                                    .setRegistered(Registered.newBuilder().setHeartbeatMillis(10))
                                    .build();
                }
                case HEARTBEAT ->
                    Reply.newBuilder().setBeaten(Beaten.getDefaultInstance()).build();
                case GOODBYE ->
                    Reply.newBuilder()
                            .setFarewell(Farewell.getDefaultInstance())
                            .build();
                default -> ControlLink.refusal("unexpected");
            };
        }

        Request next(Request.KindCase kind) throws InterruptedException {
            Request request = asked.take();
            while (request.getKindCase() != kind) {
                request = asked.take();
            }
            return request;
        }

        @Override
        public void close() throws IOException {
            transport.close();
        }
    }

    private Agent agent(InetSocketAddress mds) throws IOException {
        var presence =
                new Agent.Presence(ID, "ds1", "iqn.2026-01.test:ds1", List.of("192.0.2.7:3260"), List.of(shared));
        return new Agent(
                presence, (whose, ended) -> ended.run(), mds.getHostString(), mds.getPort(), new SplittableRandom(1));
    }

    @Test
    void it_registers_with_everything_that_a_layout_needs() throws Exception {
        try (var mds = new Mds(ANY_PORT);
                var agent = agent(mds.address)) {
            var register = mds.next(Request.KindCase.REGISTER).getRegister();

            assertThat(agent).isNotNull();
            assertThat(register.getProtocol()).isEqualTo(ControlTransport.PROTOCOL);
            assertThat(register.getServerId()).isEqualTo(hex("000102030405060708090a0b0c0d0e0f"));
            assertThat(register.getName()).isEqualTo("ds1");
            assertThat(register.getTargetName()).isEqualTo("iqn.2026-01.test:ds1");
            assertThat(register.getPortalsList()).containsExactly("192.0.2.7:3260");
            assertThat(register.getRegionsList()).singleElement().satisfies(region -> {
                assertThat(region.getRegionId()).isEqualTo(hex("b3a1c2d45e6f4a7b8c9d0e1f2a3b4c5d"));
                assertThat(region.getNaa()).isEqualTo(hex("602706e45e6f4a7b8c9d0e1f2a3b4c5d"));
                assertThat(region.getSizeBytes()).isEqualTo(1 << 20);
                assertThat(region.getBlockBytes()).isEqualTo(4096);
                assertThat(region.getLun()).isZero();
                assertThat(region.getDurability()).isEqualTo(Durability.MSYNC);
            });
        }
    }

    private static ByteString hex(String digits) {
        return ByteString.copyFrom(HexFormat.of().parseHex(digits));
    }

    @Test
    void heartbeats_tell_what_was_moved() throws Exception {
        volume.countRead(4096);
        volume.countWrite(512);
        volume.countWrite(512);
        try (var mds = new Mds(ANY_PORT);
                var agent = agent(mds.address)) {
            var first = mds.next(Request.KindCase.HEARTBEAT).getHeartbeat();
            var second = mds.next(Request.KindCase.HEARTBEAT).getHeartbeat();

            assertThat(agent).isNotNull();
            assertThat(second.getSequence()).isEqualTo(first.getSequence() + 1);
            assertThat(second.getRegionsList()).singleElement().satisfies(report -> {
                assertThat(report.getReadBytes()).isEqualTo(4096);
                assertThat(report.getReadCommands()).isEqualTo(1);
                assertThat(report.getWrittenBytes()).isEqualTo(1024);
                assertThat(report.getWriteCommands()).isEqualTo(2);
                assertThat(report.getFailed()).isFalse();
            });
        }
    }

    @Test
    void it_begins_without_a_metadata_server_and_registers_when_one_comes() throws Exception {
        // Bound, but nobody listens: connections are refused, and nobody else gets the port.
        var reserved = SocketChannel.open().bind(ANY_PORT);
        var address = (InetSocketAddress) reserved.getLocalAddress();
        try (var agent = agent(address)) {
            assertThat(agent.isRegistered()).isFalse();
            reserved.close();
            try (var mds = new Mds(address)) {
                assertThat(mds.next(Request.KindCase.REGISTER).getRegister().getName())
                        .isEqualTo("ds1");
                mds.next(Request.KindCase.HEARTBEAT);
                assertThat(agent.isRegistered()).isTrue();
            }
        }
    }

    @Test
    void it_registers_again_when_the_metadata_server_was_restarted() throws Exception {
        var mds = new Mds(ANY_PORT);
        try (var agent = agent(mds.address)) {
            mds.next(Request.KindCase.HEARTBEAT);
            mds.close();

            try (var again = new Mds(mds.address)) {
                again.next(Request.KindCase.REGISTER);
                again.next(Request.KindCase.HEARTBEAT);
                assertThat(agent.isRegistered()).isTrue();
            }
        }
    }

    @Test
    void a_refusal_is_not_the_end() throws Exception {
        try (var mds = new Mds(ANY_PORT)) {
            mds.toRegister.add(ControlLink.refusal("region is served by another"));
            try (var agent = agent(mds.address)) {
                mds.next(Request.KindCase.REGISTER);
                mds.next(Request.KindCase.REGISTER);
                mds.next(Request.KindCase.HEARTBEAT);
                assertThat(agent.isRegistered()).isTrue();
            }
        }
    }

    @Test
    void a_bug_of_ours_is_not_the_end() throws Exception {
        bugs.set(1);
        try (var mds = new Mds(ANY_PORT);
                var agent = agent(mds.address)) {
            mds.next(Request.KindCase.REGISTER);

            assertThat(bugs.get()).isNotPositive();
            assertThat(agent).isNotNull();
        }
    }

    @Test
    void it_says_goodbye_when_it_is_stopped() throws Exception {
        try (var mds = new Mds(ANY_PORT)) {
            var agent = agent(mds.address);
            mds.next(Request.KindCase.HEARTBEAT);

            agent.close();

            mds.next(Request.KindCase.GOODBYE);
            assertThat(agent.isRegistered()).isFalse();
        }
    }
}
