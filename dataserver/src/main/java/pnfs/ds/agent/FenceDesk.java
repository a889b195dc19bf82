package pnfs.ds.agent;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.Outcome;
import pnfs.ds.reservation.Reservation;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.Reservations;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.ds.reservation.SharedVolume;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.proto.Disconnect;
import pnfs.wire.control.proto.Disconnected;
import pnfs.wire.control.proto.Fence;
import pnfs.wire.control.proto.Fenced;
import pnfs.wire.control.proto.Registration;
import pnfs.wire.control.proto.Registrations;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// What the metadata server asks of a data server's registrations: to keep a key away, to end
/// what those with a key have under way, and who is registered.
/// Safe for use by many threads.
public final class FenceDesk {
    private static final Logger log = LoggerFactory.getLogger(FenceDesk.class);

    /// The metadata server among the registrants, which foreign tools see too. It comes through no port of ours.
    static final Nexus METADATA_SERVER = new Nexus("pnfs-metadata-server", 0);

    private final List<SharedVolume> volumes;
    private final Sessions sessions;

    /// Those that reach the volumes, over whatever protocol.
    @FunctionalInterface
    public interface Sessions {
        /// Ends the sessions of some, with what their connections still carry.
        ///
        /// @param ended runs once, on any thread, when nothing of theirs touches a volume any more
        void cutOff(Predicate<Nexus> whose, Runnable ended);
    }

    public FenceDesk(List<SharedVolume> volumes, Sessions sessions) {
        this.volumes = volumes;
        this.sessions = sessions;
    }

    /// Answers the metadata server, once what it asked for holds.
    public void onRequest(Request request, Consumer<Reply> reply) {
        switch (request.getKindCase()) {
            case FENCE -> fence(request.getFence(), reply);
            case DISCONNECT -> disconnect(request.getDisconnect(), reply);
            case REGISTRATIONS -> tellRegistrations(request.getRegistrations().getRegionId(), reply);
            case REGISTER,
                    HEARTBEAT,
                    GOODBYE,
                    STATUS,
                    EXTENTS,
                    ADD_FAULT,
                    FAULTS,
                    CLEAR_FAULTS,
                    DRAIN,
                    REMOVE,
                    RECALL_LAYOUTS ->
                reply.accept(ControlLink.refusal("a data server is asked for fences, sessions and registrations only"));
            case KIND_NOT_SET ->
                reply.accept(ControlLink.refusal(
                        "this data server does not know the request: use the same release on both sides"));
        }
    }

    private @Nullable SharedVolume volume(ByteString regionId) {
        for (SharedVolume shared : volumes) {
            if (Agent.bytes(shared.volume().id()).equals(regionId)) {
                return shared;
            }
        }
        return null;
    }

    private static Reply noRegion() {
        return ControlLink.refusal("no such region here: ask the data server that registered it");
    }

    /// Answers once the fence is durable and nothing of the fenced can touch the volume any more.
    private void fence(Fence fence, Consumer<Reply> reply) {
        SharedVolume shared = volume(fence.getRegionId());
        if (shared == null) {
            reply.accept(noRegion());
            return;
        }
        var pair = new KeyPair(fence.getOwnKey(), fence.getKey());
        shared.reservations()
                .change(
                        now -> now.fence(METADATA_SERVER, pair),
                        answer -> reply.accept(concluded(answer, shared, fence.getKey())));
    }

    private static Reply concluded(Answer answer, SharedVolume shared, long key) {
        return switch (answer) {
            case Answer.Decided(Outcome.Done done) -> {
                log.info(
                        "key fenced volume={} key={} registrations={}",
                        shared.volume().naa(),
                        Long.toHexString(key),
                        done.preempted().size());
                yield Reply.newBuilder()
                        .setFenced(Fenced.newBuilder()
                                .setRegistrations(done.preempted().size()))
                        .build();
            }
            case Answer.Decided(Outcome.Full _) ->
                ControlLink.refusal("registrations are full: let initiators that are gone be unregistered");
            case Answer.Decided(Outcome.InvalidField _) ->
                ControlLink.refusal("a fence wants two different keys, neither of them 0");
            case Answer.Decided(Outcome.Conflict _), Answer.Decided(Outcome.InvalidRelease _) ->
                throw new IllegalStateException("a fence meets no conflict");
            case Answer.NotKept _ ->
                ControlLink.refusal("region " + shared.volume().naa() + " has failed: nothing can be kept there");
        };
    }

    /// Answers once nothing that came over those sessions can touch a volume any more.
    private void disconnect(Disconnect disconnect, Consumer<Reply> reply) {
        SharedVolume shared = volume(disconnect.getRegionId());
        if (shared == null) {
            reply.accept(noRegion());
            return;
        }
        shared.reservations().read(now -> {
            Set<Nexus> holders = Set.copyOf(now.holdersOf(disconnect.getKey()));
            sessions.cutOff(holders::contains, () -> {
                log.info(
                        "sessions ended volume={} key={} holders={}",
                        shared.volume().naa(),
                        Long.toHexString(disconnect.getKey()),
                        holders);
                reply.accept(Reply.newBuilder()
                        .setDisconnected(Disconnected.getDefaultInstance())
                        .build());
            });
        });
    }

    private void tellRegistrations(ByteString regionId, Consumer<Reply> reply) {
        SharedVolume shared = volume(regionId);
        if (shared == null) {
            reply.accept(noRegion());
        } else {
            shared.reservations().read(now -> reply.accept(registrations(now)));
        }
    }

    private static Reply registrations(Reservations now) {
        Reservation reservation = now.reservation();
        var all = Registrations.newBuilder()
                .setGeneration(now.generation())
                .setType(reservation == null ? 0 : reservation.type().scsi());
        now.keys()
                .forEach((nexus, key) -> all.addRegistrations(Registration.newBuilder()
                        .setInitiator(nexus.initiator())
                        .setKey(key)
                        .setHolder(now.isHolder(nexus))));
        return Reply.newBuilder().setRegistrations(all).build();
    }
}
