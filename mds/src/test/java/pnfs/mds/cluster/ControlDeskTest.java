package pnfs.mds.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Durability;
import pnfs.wire.control.proto.Envelope;
import pnfs.wire.control.proto.ExtentsQuery;
import pnfs.wire.control.proto.Heartbeat;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.Region;
import pnfs.wire.control.proto.Register;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.Status;

class ControlDeskTest {
    private static final UUID CLUSTER = new UUID(7, 7);
    private static final Request REGISTER = Request.newBuilder()
            .setRegister(Register.newBuilder()
                    .setProtocol(ControlTransport.PROTOCOL)
                    .setServerId(ByteString.copyFrom(ClusterRecords.bytes(new UUID(1, 1))))
                    .setName("anna")
                    .setTargetName("iqn.2026-11.pnfs:anna")
                    .addPortals("127.0.0.1:3260")
                    .addRegions(Region.newBuilder()
                            .setRegionId(ByteString.copyFrom(ClusterRecords.bytes(new UUID(9, 1))))
                            .setNaa(ByteString.fromHex("6000000000000001000000000000000a"))
                            .setSizeBytes(1 << 30)
                            .setBlockBytes(4096)
                            .setDurability(Durability.MSYNC)))
            .build();
    private static final Request BEAT =
            Request.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()).build();

    private final MemoryEngine engine = new MemoryEngine();
    private final MetadataStore store = new MetadataStore(engine, 1 << 20, failure -> {});
    private final List<Volume> online = new ArrayList<>();
    private final Cluster cluster = new Cluster(
            store,
            List.of(),
            77,
            (all, served, draining) -> {
                online.clear();
                online.addAll(served);
            },
            moved -> {});
    private long nowNanos;
    private final ControlDesk desk = new ControlDesk(cluster, store, CLUSTER, 1, 1000, () -> nowNanos, new NoFacts());

    /// Nobody has anything anywhere.
    private static final class NoFacts implements ControlDesk.Facts {
        @Override
        public void addTo(Status.Builder status) {}

        @Override
        public Optional<Long> freeBytes(DeviceId volume) {
            return Optional.empty();
        }

        @Override
        public Optional<Long> usedBytes(DeviceId volume) {
            return Optional.empty();
        }

        @Override
        public String waitsFor(DeviceId volume) {
            return "";
        }

        @Override
        public boolean isDrained(DeviceId volume) {
            return false;
        }

        @Override
        public boolean isQuarantined(DeviceId volume) {
            return false;
        }

        @Override
        public Reply extents(ExtentsQuery query) {
            return ControlLink.refusal("no files");
        }

        @Override
        public void recall(RecallLayouts wanted, Consumer<Reply> reply) {
            reply.accept(ControlLink.refusal("no files"));
        }

        @Override
        public Optional<String> obstacle(Volume volume) {
            return Optional.empty();
        }

        @Override
        public void leave(Volume volume, Batch batch) {}

        @Override
        public void gone(Volume volume) {}
    }

    private ControlHandler connect() {
        return desk.welcome(new ControlLink(new ControlLink.Carrier() {
            @Override
            public SocketAddress peer() {
                return new InetSocketAddress(1);
            }

            @Override
            public void write(Envelope envelope) {}

            @Override
            public void limit(CompletableFuture<Reply> answer, Duration patience) {}

            @Override
            public void close() {}
        }));
    }

    private static List<Reply> ask(ControlHandler handler, Request request) {
        var replies = new ArrayList<Reply>();
        handler.onRequest(request, replies::add);
        return replies;
    }

    private void aLongTimePasses() {
        nowNanos += 10 * desk.silenceNanos();
        cluster.expire();
    }

    @Test
    void a_registration_that_becomes_durable_late_does_not_displace_a_newer_connection() {
        ControlHandler first = connect();
        List<Reply> late = ask(first, REGISTER);
        ControlHandler second = connect();
        List<Reply> answered = ask(second, REGISTER);
        engine.commitAll();

        assertThat(late).singleElement().matches(Reply::hasRefusal);
        assertThat(answered).singleElement().matches(Reply::hasRegistered);
        assertThat(online).hasSize(1);

        first.onClosed();
        aLongTimePasses();
        assertThat(online).isEmpty();
        assertThat(ask(second, BEAT)).singleElement().matches(Reply::hasBeaten);

        assertThat(online).as("served by who beats").hasSize(1);
    }

    @Test
    void a_registration_that_comes_late_over_an_old_connection_does_not_keep_a_data_server_away() {
        ControlHandler living = connect();
        ask(living, REGISTER);
        engine.commitAll();
        ControlHandler old = connect();
        ask(old, REGISTER);
        engine.commitAll();

        old.onClosed();
        assertThat(online).isEmpty();
        assertThat(ask(living, BEAT)).singleElement().matches(Reply::hasRefusal);
        registersAgain(living);

        assertThat(online).as("as it registered itself last").hasSize(1);
    }

    @Test
    void a_late_registration_over_a_connection_of_which_nothing_is_heard_does_not_either() {
        ControlHandler living = connect();
        ask(living, REGISTER);
        engine.commitAll();
        ControlHandler old = connect();
        ask(old, REGISTER);
        engine.commitAll();

        aLongTimePasses();
        assertThat(online).isEmpty();
        assertThat(ask(living, BEAT)).singleElement().matches(Reply::hasRefusal);
        registersAgain(living);

        assertThat(online).as("as it registered itself last").hasSize(1);
    }

    private void registersAgain(ControlHandler living) {
        living.onClosed();
        ask(connect(), REGISTER);
        engine.commitAll();
    }

    @Test
    void who_is_gone_before_its_registration_is_durable_is_not_there() {
        ControlHandler first = connect();
        List<Reply> late = ask(first, REGISTER);
        first.onClosed();
        engine.commitAll();

        assertThat(late).singleElement().matches(Reply::hasRefusal);
        assertThat(online).isEmpty();
    }
}
