package pnfs.mds.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import pnfs.mds.session.SessionLimits;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.CbArgs.CbRecallSlotArgs;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.xdr.Opaque;

/// RFC 8881 §2.10.6.1, §20.8: a server that has too many slots gets them back, and no request gets lost.
class SlotRecallTest {
    private static final int SLOTS = TestServer.LIMITS.slots();
    private static final int FEW = SessionLimits.FEW_SLOTS;

    private final TestServer server = new TestServer(table -> {});
    private final SlotRecalls recalls = new SlotRecalls(
            server.sessions, new Callbacks(server.clients, server.loop::execute, Duration.ofSeconds(5)));
    private final List<Client> all = new ArrayList<>();

    /// A client of one session, and the sequence of each of its slots.
    private static final class Client {
        final TestPeer peer;
        final Opaque session;
        final int[] sequences = new int[SLOTS];

        Client(TestPeer peer, Opaque session) {
            this.peer = peer;
            this.session = session;
        }

        SequenceResult use(int slot, int highestSlot) {
            Results results = send(slot, highestSlot);
            assertThat(results.status()).as("slot %d", slot).isEqualTo(NfsStatus.OK);
            return (SequenceResult) results.operations().getFirst();
        }

        Results send(int slot, int highestSlot) {
            return peer.call(2, new SequenceArgs(session, ++sequences[slot], slot, highestSlot, false));
        }

        /// Uses one slot twice: after the first answer it knows how many it should use.
        SequenceResult shrink() {
            use(0, 0);
            return use(0, 0);
        }
    }

    private Client client(String name, int createSequence) {
        TestPeer peer = server.connect();
        var exchanged = TestSession.exchangeId(peer, name, 1);
        var created = peer.call(2, TestSession.createSession(exchanged.clientId(), createSequence, TestSession.FORE));
        return new Client(peer, TestSession.of(peer, exchanged.clientId(), created).id);
    }

    /// Uses every slot of so many sessions that there are too many.
    private void overflow() {
        for (int i = 0; all.size() * SLOTS <= TestServer.LIMITS.slotsOfAll(); i++) {
            Client next = client("client " + i % 3, 1 + i / 3);
            all.add(next);
            for (int slot = 0; slot < SLOTS; slot++) {
                next.use(slot, SLOTS - 1);
            }
        }
    }

    @Test
    void with_too_many_in_use_each_answer_asks_for_fewer() {
        overflow();
        Client first = all.getFirst();

        SequenceResult told = first.use(0, SLOTS - 1);
        assertThat(told.targetHighestSlot()).isEqualTo(FEW - 1);
        assertThat(told.highestSlot()).as("none is taken yet").isEqualTo(SLOTS - 1);
        first.use(SLOTS - 1, SLOTS - 1);

        assertThat(first.use(0, 0).highestSlot()).isEqualTo(FEW - 1);
        assertThat(first.send(FEW, FEW).status()).isEqualTo(NfsStatus.BADSLOT);
        assertThat(first.peer
                        .call(2, new SequenceArgs(first.session, first.sequences[0] + 1, 0, FEW, false))
                        .status())
                .isEqualTo(NfsStatus.BAD_HIGH_SLOT);
    }

    /// Its request in a high slot may be under way: it sent this one before it knew.
    @Test
    void a_client_that_has_not_heard_yet_keeps_all() {
        overflow();

        assertThat(all.getFirst().use(0, 0).highestSlot()).isEqualTo(SLOTS - 1);
        all.getFirst().use(SLOTS - 1, SLOTS - 1);
        all.getFirst().use(1, 1);
        assertThat(all.getFirst().use(1, SLOTS - 1).highestSlot())
                .as("something is still under way above")
                .isEqualTo(SLOTS - 1);
    }

    @Test
    void idle_sessions_are_called_back_once_each_over_their_own_connection() {
        overflow();
        all.getFirst().shrink();

        recalls.tick();
        recalls.tick();
        server.loop.run();

        assertThat(all.getFirst().peer.callbacks()).isEmpty();
        for (Client idle : all.subList(1, all.size())) {
            assertThat(idle.peer.callbacks()).singleElement().satisfies(callback -> {
                assertThat(callback.operation()).isEqualTo(new CbRecallSlotArgs(FEW - 1));
                assertThat(callback.sequence().session()).isEqualTo(idle.session);
            });
        }
    }

    @Test
    void when_there_is_room_again_all_may_be_used_and_begin_anew() {
        overflow();
        all.forEach(Client::shrink);
        Client first = all.getFirst();

        SequenceResult roomy = first.use(0, 0);

        assertThat(roomy.highestSlot()).isEqualTo(SLOTS - 1);
        assertThat(roomy.targetHighestSlot()).isEqualTo(SLOTS - 1);
        first.sequences[SLOTS - 1] = 0;
        first.use(SLOTS - 1, SLOTS - 1);
        recalls.tick();
        server.loop.run();
        assertThat(first.peer.callbacks()).isEmpty();
    }

    @Test
    void a_session_that_ends_gives_all_of_its_slots_back() {
        overflow();
        int before = server.sessions.slotCount();

        for (Client each : all) {
            assertThat(each.peer.call(2, new DestroySessionArgs(each.session)).status())
                    .isEqualTo(NfsStatus.OK);
        }

        assertThat(before).isEqualTo(all.size() * SLOTS);
        assertThat(server.sessions.slotCount()).isZero();
    }
}
