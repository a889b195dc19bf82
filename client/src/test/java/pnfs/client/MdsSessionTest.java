package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.BoundDirection;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.GrantedProtection;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.BindConnToSessionResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.OpResult.RemoveResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.ServerOwner;
import pnfs.wire.xdr.Opaque;

class MdsSessionTest {
    private static final ClientOptions OPTIONS = ClientOptions.defaults().withPatience(Duration.ofSeconds(20));

    private final FakeMds mds = new FakeMds();
    private final List<MdsSession> sessions = new ArrayList<>();

    @AfterEach
    void close() {
        sessions.forEach(MdsSession::close);
    }

    @Test
    void a_compound_whose_reply_was_lost_is_executed_once() throws IOException {
        MdsSession session = open(OPTIONS);
        mds.repliesToLose = 2;

        Reply reply = session.caller().call("/a", () -> List.of(new RemoveArgs("a")));

        assertThat(reply.get(RemoveResult.class)).isNotNull();
        assertThat(mds.executed).containsOnlyOnce(OpCode.REMOVE);
    }

    @Test
    void a_restarted_server_gets_its_opens_claimed_back_before_anything_else() throws IOException {
        MdsSession session = open(OPTIONS);
        session.add(recovery -> recovery.call("/open", () -> List.of(new RemoveArgs("stands for a reclaim"))));
        mds.restart();

        session.caller().call("/a", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));

        assertThat(mds.executed).endsWith(OpCode.REMOVE, OpCode.RECLAIM_COMPLETE, OpCode.GETATTR);
    }

    @Test
    void a_lost_session_of_a_known_client_is_replaced_without_claiming_anything_back() throws IOException {
        MdsSession session = open(OPTIONS);
        session.add(recovery -> {
            throw new AssertionError("nothing was lost");
        });
        mds.forgetSessions();

        session.caller().call("/a", () -> List.of(new RemoveArgs("a")));

        assertThat(mds.executed).endsWith(OpCode.CREATE_SESSION, OpCode.REMOVE);
    }

    @Test
    void a_server_that_restarts_again_while_opens_are_claimed_back_gets_them_all_again() throws IOException {
        MdsSession session = open(OPTIONS);
        var attempts = new ArrayList<Integer>();
        session.add(recovery -> {
            if (attempts.isEmpty()) {
                mds.restart();
            }
            attempts.add(attempts.size());
            recovery.call("/open", () -> List.of(new RemoveArgs("stands for a reclaim")));
        });
        mds.restart();

        session.caller().call("/a", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));

        assertThat(attempts).hasSize(2);
        assertThat(mds.executed).endsWith(OpCode.RECLAIM_COMPLETE, OpCode.GETATTR);
    }

    @Test
    void a_busy_server_is_asked_again() throws IOException {
        MdsSession session = open(OPTIONS);
        mds.delays = 3;

        session.caller().call("/a", () -> List.of(new RemoveArgs("a")));

        assertThat(mds.executed).endsWith(OpCode.REMOVE);
    }

    @Test
    void a_connection_that_the_server_cannot_call_us_back_over_is_bound_to_the_session() throws Exception {
        MdsSession session = open(OPTIONS);
        mds.statusFlags = SequenceFlags.CB_PATH_DOWN;

        session.caller().call("/a", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));

        assertThat(mds.bound.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void a_recalled_slot_is_heeded_and_the_server_hears_of_it_at_once() throws Exception {
        MdsSession session = open(OPTIONS);

        session.recallSlots(Opaque.ofHex("%032x".formatted(99)), 0);
        assertThat(mds.lone.getCount()).as("not our session").isOne();
        session.recallSlots(mds.newest(), 0);

        assertThat(mds.lone.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void a_device_that_changed_is_asked_about_once_until_another_changes() throws IOException {
        MdsSession session = open(OPTIONS);
        var asked = new AtomicInteger();
        session.whenDevicesChange(asked::incrementAndGet);
        for (int flags : new int[] {0, SequenceFlags.DEVID_CHANGED, SequenceFlags.DEVID_CHANGED, 0, 0}) {
            mds.statusFlags = flags;
            session.caller().call("/a", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));
        }
        assertThat(asked).hasValue(1);

        mds.statusFlags = SequenceFlags.DEVID_DELETED;
        session.caller().call("/a", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));
        assertThat(asked).hasValue(2);
    }

    @Test
    void a_slot_whose_answer_nobody_waited_for_never_gives_that_answer_to_another_compound() throws IOException {
        MdsSession session = open(OPTIONS.withPatience(Duration.ofMillis(50)));
        mds.repliesToLose = Integer.MAX_VALUE;
        assertThatThrownBy(() -> session.caller().call("/a", () -> List.of(new RemoveArgs("a"))))
                .isInstanceOf(PnfsException.class)
                .hasMessageContaining("/a")
                .hasMessageContaining("no answer");
        mds.repliesToLose = 0;

        Reply reply = session.caller().call("/b", () -> List.of(new GetAttrArgs(Bitmap.EMPTY)));

        assertThat(reply.get(GetAttrResult.class)).isNotNull();
        assertThat(mds.executed).containsOnlyOnce(OpCode.REMOVE);
    }

    @Test
    void a_refusal_says_path_status_and_what_to_do() throws IOException {
        MdsSession session = open(OPTIONS);
        mds.refusal = NfsStatus.NOSPC;

        assertThatThrownBy(() -> session.caller().call("/big", () -> List.of(new RemoveArgs("big"))))
                .isInstanceOf(PnfsException.class)
                .hasMessage("/big: no space left on the data servers (NOSPC): remove files, or add a data server with"
                        + " 'pnfs format' and 'pnfs ds'");
    }

    private MdsSession open(ClientOptions options) throws IOException {
        var session = MdsSession.open(mds, options, new Random(1));
        sessions.add(session);
        return session;
    }

    /// A server with client ids, sessions and a reply cache, and a connection that loses replies. Guarded by
    /// itself.
    private static final class FakeMds implements MdsLink {
        private static final int LEASE_SECONDS = 3600;
        private static final int HIGHEST = 7;

        private final List<OpCode> executed = new ArrayList<>();
        private final Map<Opaque, Map<Integer, Integer>> sequences = new HashMap<>();
        private final Map<String, List<OpResult>> replies = new HashMap<>();
        private int repliesToLose;
        private int delays;
        private int statusFlags;
        private final CountDownLatch bound = new CountDownLatch(1);
        /// A SEQUENCE with nothing behind it came.
        private final CountDownLatch lone = new CountDownLatch(1);

        private NfsStatus refusal = NfsStatus.OK;
        private long clientId = 1;
        private int sessionNumber;

        synchronized void restart() {
            forgetSessions();
            clientId++;
        }

        synchronized void forgetSessions() {
            sequences.clear();
            replies.clear();
        }

        @Override
        public synchronized List<OpResult> send(List<OpArgs> compound, Duration limit) throws LinkException {
            List<OpResult> results = switch (compound.getFirst()) {
                case SequenceArgs sequence -> inSession(sequence, compound);
                case OpArgs alone -> List.of(run(alone));
            };
            if (repliesToLose > 0 && compound.getFirst() instanceof SequenceArgs) {
                repliesToLose--;
                throw new LinkException("connection lost", new IOException("by the test"));
            }
            return results;
        }

        private List<OpResult> inSession(SequenceArgs sequence, List<OpArgs> compound) {
            Map<Integer, Integer> slots = sequences.get(sequence.session());
            if (slots == null) {
                return List.of(new OpFailure(OpCode.SEQUENCE, NfsStatus.BADSESSION));
            }
            String key = sequence.session() + "/" + sequence.slot() + "/" + sequence.sequence();
            int last = slots.getOrDefault(sequence.slot(), 0);
            if (sequence.sequence() == last) {
                return Objects.requireNonNull(replies.get(key));
            }
            if (sequence.sequence() != last + 1) {
                return List.of(new OpFailure(OpCode.SEQUENCE, NfsStatus.SEQ_MISORDERED));
            }
            slots.put(sequence.slot(), sequence.sequence());
            if (compound.size() == 1) {
                lone.countDown();
            }
            var results = new ArrayList<OpResult>();
            results.add(new SequenceResult(
                    sequence.session(), sequence.sequence(), sequence.slot(), HIGHEST, HIGHEST, statusFlags));
            for (OpArgs operation : compound.subList(1, compound.size())) {
                results.add(run(operation));
            }
            replies.put(key, results);
            return results;
        }

        private OpResult run(OpArgs operation) {
            if (operation instanceof RemoveArgs && delays > 0) {
                delays--;
                return new OpFailure(OpCode.REMOVE, NfsStatus.DELAY);
            }
            executed.add(operation.op());
            return switch (operation) {
                case ExchangeIdArgs _ ->
                    new ExchangeIdResult(
                            clientId,
                            1,
                            0,
                            new GrantedProtection.None(),
                            new ServerOwner(0, Opaque.EMPTY),
                            Opaque.EMPTY,
                            Optional.empty());
                case CreateSessionArgs create -> createSession(create);
                case RemoveArgs _ ->
                    refusal == NfsStatus.OK
                            ? new RemoveResult(new ChangeInfo(true, 0, 1))
                            : new OpFailure(OpCode.REMOVE, refusal);
                case GetAttrArgs _ ->
                    new GetAttrResult(AttributeCodec.write(Attributes.builder()
                            .uint32(Attribute.LEASE_TIME, LEASE_SECONDS)
                            .build()));
                case BindConnToSessionArgs bind -> {
                    statusFlags = 0;
                    bound.countDown();
                    yield new BindConnToSessionResult(bind.session(), BoundDirection.BOTH, false);
                }
                default -> new OpSuccess(operation.op());
            };
        }

        private OpResult createSession(CreateSessionArgs create) {
            if (create.clientId() != clientId) {
                return new OpFailure(OpCode.CREATE_SESSION, NfsStatus.STALE_CLIENTID);
            }
            Opaque id = id(++sessionNumber);
            sequences.put(id, new HashMap<>());
            return new CreateSessionResult(id, create.sequence(), 0, create.fore(), create.back());
        }

        synchronized Opaque newest() {
            return id(sessionNumber);
        }

        private static Opaque id(int session) {
            return Opaque.ofHex("%032x".formatted(session));
        }

        @Override
        public void whenLost(Runnable then) {}

        @Override
        public void close() {}
    }
}
