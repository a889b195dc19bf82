package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CloseResult;
import pnfs.wire.nfs4.OpResult.CommitResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.LinkResult;
import pnfs.wire.nfs4.OpResult.RemoveResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// Sessions that outlive a kill of the server's process, RFC 8881 §2.10.6.5. In these tests REMOVE counts in
/// the store how often it ran; CLOSE does so too, and its answer does not depend on it; COMMIT waits; GETATTR
/// reads from the store; LINK counts twice and reads from the store in between.
class PersistentSessionTest {
    /// Over what a slot keeps without being asked.
    private static final int LARGE = 600;

    private static final OpArgs CLOSE = new CloseArgs(0, Stateid.ANONYMOUS);
    private static final int PATH_DOWN = SequenceFlags.CB_PATH_DOWN | SequenceFlags.CB_PATH_DOWN_SESSION;

    private final List<Consumer<OpResult>> waiting = new ArrayList<>();
    private Runnable whileReading = () -> {};
    private MemoryEngine engine = MemoryEngine.committing();
    private String machine = "first";
    private TestServer server = start();
    private TestSession session = TestSession.persistent(server.connect(), "client");

    private TestServer start() {
        TestServer.Rooms rooms = (made, table) -> {
            register(table, made.store);
            return TestServer.ROOT;
        };
        return new TestServer(engine, new ManualLoop(), rooms, machine);
    }

    private void register(OpTable table, MetadataStore store) {
        table.register(OpCode.CLOSE, CloseArgs.class, (_, _) -> {
                    count(store);
                    return new CloseResult(Stateid.INVALID);
                })
                .register(OpCode.REMOVE, RemoveArgs.class, (_, state) -> {
                    long before = executions(store);
                    state.dependsOn(count(store));
                    return new RemoveResult(new ChangeInfo(true, before, before + 1));
                })
                .register(OpCode.LINK, LinkArgs.class, (_, state) -> {
                    count(store);
                    read(store);
                    state.dependsOn(count(store));
                    return new LinkResult(new ChangeInfo(true, 0, 1));
                })
                .registerDeferred(OpCode.COMMIT, CommitArgs.class, (_, _, done) -> waiting.add(done))
                .register(OpCode.GETATTR, GetAttrArgs.class, (_, _) -> {
                    read(store);
                    return new GetAttrResult(new Fattr(Bitmap.EMPTY, Opaque.of(new byte[LARGE])));
                });
    }

    private void read(MetadataStore store) {
        store.get(Keys.INODE.of(2));
        whileReading.run();
    }

    private static long count(MetadataStore store) {
        var batch = new Batch();
        batch.put(Keys.INODE.of(1), Keys.INODE.of(executions(store) + 1));
        return store.append(batch);
    }

    private static long executions(MetadataStore store) {
        byte[] value = store.get(Keys.INODE.of(1)).value();
        return value == null ? 0 : Keys.number(value);
    }

    private void kill() {
        engine = engine.crash();
        server = start();
        session = session.over(server.connect());
    }

    private int records(Keys kind) {
        var count = new int[1];
        server.store.scan(kind.first(), kind.end(), (_, _) -> count[0]++ >= 0);
        return count[0];
    }

    private static OpArgs[] removal(SequenceArgs sequence) {
        return TestSession.inSession(sequence, new PutRootFhArgs(), new RemoveArgs("name"));
    }

    @Test
    void a_request_that_changed_something_is_answered_from_its_slot_byte_for_byte() {
        OpArgs[] request = removal(session.next(true));
        Opaque answered = session.peer.bytes(session.peer.send(2, request));
        kill();

        assertThat(session.peer.bytes(session.peer.send(2, request))).isEqualTo(answered);
        assertThat(session.peer.bytes(session.peer.send(2, request))).isEqualTo(answered);

        assertThat(executions(server.store)).isEqualTo(1);
        assertThat(session.run(new PutRootFhArgs(), new RemoveArgs("name")).status())
                .isEqualTo(NfsStatus.OK);
        assertThat(executions(server.store)).isEqualTo(2);
    }

    @Test
    void what_changed_nothing_leaves_nothing_and_is_done_again() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));
        int noted = records(Keys.SLOT);
        OpArgs[] reading = TestSession.inSession(session.next(true), new PutRootFhArgs());
        session.peer.send(2, reading);
        long ticket = server.store.lastTicket();
        session.run(new PutRootFhArgs(), new GetAttrArgs(Bitmap.EMPTY));
        assertThat(server.store.lastTicket()).isEqualTo(ticket);
        kill();

        assertThat(session.peer.call(2, reading).status()).isEqualTo(NfsStatus.OK);
        assertThat(records(Keys.SLOT)).isEqualTo(noted);
    }

    @Test
    void after_the_first_request_the_sequence_is_strict_again() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));
        kill();

        assertThat(status(removal(new SequenceArgs(session.id, 77, 0, 0, false))))
                .isEqualTo(NfsStatus.OK);
        assertThat(status(removal(new SequenceArgs(session.id, 79, 0, 0, false))))
                .isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(status(removal(new SequenceArgs(session.id, 78, 0, 0, false))))
                .isEqualTo(NfsStatus.OK);
        assertThat(executions(server.store)).isEqualTo(3);
    }

    @Test
    void another_request_under_the_noted_sequence_is_no_retry() {
        SequenceArgs sequence = session.next(true);
        session.peer.call(2, removal(sequence));
        kill();

        assertThat(status(TestSession.inSession(sequence, new PutRootFhArgs(), new RemoveArgs("other"))))
                .isEqualTo(NfsStatus.SEQ_FALSE_RETRY);
        session.peer.as(new RpcCredential.Sys(0, "other", 5, 5, List.of()));
        assertThat(status(removal(sequence))).isEqualTo(NfsStatus.SEQ_FALSE_RETRY);
        assertThat(executions(server.store)).isEqualTo(1);
    }

    @Test
    void a_reply_that_was_not_kept_is_not_made_up() {
        OpArgs[] request = TestSession.inSession(
                session.next(false), new PutRootFhArgs(), new RemoveArgs("name"), new GetAttrArgs(Bitmap.EMPTY));
        session.peer.call(2, request);
        kill();

        assertThat(status(request)).isEqualTo(NfsStatus.RETRY_UNCACHED_REP);
        assertThat(executions(server.store)).isEqualTo(1);
    }

    @Test
    void what_was_done_before_an_operation_waits_is_not_done_again_and_the_rest_is_to_be_asked_for_again() {
        OpArgs[] request = TestSession.inSession(
                session.next(false), new PutRootFhArgs(), new RemoveArgs("name"), new CommitArgs(0, 0));
        session.peer.send(2, request);
        kill();

        List<OpResult> results = session.peer.call(2, request).operations();

        assertThat(results.stream().map(OpResult::status))
                .containsExactly(NfsStatus.OK, NfsStatus.OK, NfsStatus.OK, NfsStatus.DELAY);
        assertThat(executions(server.store)).isEqualTo(1);
    }

    @Test
    void who_waits_behind_a_change_keeps_nobody_elses_change_waiting() {
        var other = TestSession.persistent(server.connect(), "other");
        session.peer.send(
                2,
                TestSession.inSession(
                        session.next(false), new PutRootFhArgs(), new RemoveArgs("name"), new CommitArgs(0, 0)));

        assertThat(other.run(new PutRootFhArgs(), new RemoveArgs("name")).status())
                .isEqualTo(NfsStatus.OK);
        assertThat(waiting).hasSize(1);
    }

    @Test
    void who_reads_from_the_disk_behind_a_change_keeps_nobody_elses_change_waiting() {
        var other = TestSession.persistent(server.connect(), "other");
        var answered = new ArrayList<NfsStatus>();
        whileReading = () -> answered.add(
                other.run(new PutRootFhArgs(), new RemoveArgs("name")).status());
        engine.coldWhen(() -> true);

        Results results = session.run(new PutRootFhArgs(), new RemoveArgs("name"), new GetAttrArgs(Bitmap.EMPTY));

        assertThat(answered).containsExactly(NfsStatus.OK);
        assertThat(results.status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void what_was_done_before_a_read_from_the_disk_is_not_done_again() {
        OpArgs[] request = TestSession.inSession(
                session.next(true), new PutRootFhArgs(), new RemoveArgs("name"), new GetAttrArgs(Bitmap.EMPTY));
        engine.coldWhen(() -> true);
        whileReading = () -> {
            whileReading = () -> {};
            kill();
        };
        session.peer.send(2, request);

        List<OpResult> results = session.peer.call(2, request).operations();

        assertThat(results.stream().map(OpResult::status))
                .containsExactly(NfsStatus.OK, NfsStatus.OK, NfsStatus.OK, NfsStatus.DELAY);
        assertThat(executions(server.store)).isEqualTo(1);
    }

    @Test
    void an_operation_is_done_whole_or_not_at_all_wherever_it_reads_from_the_disk() {
        OpArgs[] request = TestSession.inSession(
                session.next(true),
                new PutRootFhArgs(),
                new SaveFhArgs(),
                new RemoveArgs("name"),
                new LinkArgs("name"));
        engine.coldWhen(() -> true);
        whileReading = () -> {
            whileReading = () -> {};
            kill();
        };
        session.peer.send(2, request);

        assertThat(executions(server.store)).isZero();
        assertThat(status(request)).isEqualTo(NfsStatus.OK);
        assertThat(executions(server.store)).isEqualTo(3);
    }

    @Test
    void the_answer_behind_a_read_from_the_disk_is_noted_in_place_of_that() {
        OpArgs[] request = TestSession.inSession(
                session.next(true), new PutRootFhArgs(), new RemoveArgs("name"), new GetAttrArgs(Bitmap.EMPTY));
        engine.coldWhen(() -> true);
        Opaque answered = session.peer.bytes(session.peer.send(2, request));
        kill();

        assertThat(session.peer.bytes(session.peer.send(2, request))).isEqualTo(answered);
    }

    @Test
    void the_answer_of_an_operation_that_waited_is_noted_when_it_is_there() {
        OpArgs[] request = TestSession.inSession(
                session.next(false), new PutRootFhArgs(), new RemoveArgs("name"), new CommitArgs(0, 0));
        int sent = session.peer.send(2, request);
        waiting.removeFirst().accept(new CommitResult(5));
        Opaque answered = session.peer.bytes(sent);
        kill();

        assertThat(session.peer.bytes(session.peer.send(2, request))).isEqualTo(answered);
    }

    @Test
    void what_nobody_is_shown_is_answered_when_a_kill_does_not_undo_it() {
        engine = new MemoryEngine();
        server = start();
        TestPeer peer = server.connect();
        int known = peer.send(2, TestSession.exchangeIdArgs("client", 1, 0));
        long clientId = ((ExchangeIdResult) peer.results(known).operations().getFirst()).clientId();
        int created =
                peer.send(2, TestSession.createSession(clientId, 1, CreateSessionFlags.PERSIST, TestSession.FORE));
        engine.commitAll();
        session = TestSession.of(peer, clientId, peer.results(created));

        OpArgs[] request = TestSession.inSession(session.next(false), new PutRootFhArgs(), CLOSE);
        int closed = peer.send(2, request);
        assertThat(peer.isAnswered(closed)).isFalse();
        engine.write(engine.queued());
        Opaque answered = peer.bytes(closed);
        engine = engine.kill();
        server = start();
        session = session.over(server.connect());

        assertThat(executions(server.store)).isEqualTo(1);
        assertThat(session.peer.bytes(session.peer.send(2, request))).isEqualTo(answered);
    }

    @Test
    void so_is_what_was_done_before_an_operation_waited() {
        engine = new MemoryEngine();
        server = start();
        TestPeer peer = server.connect();
        int known = peer.send(2, TestSession.exchangeIdArgs("client", 1, 0));
        long clientId = ((ExchangeIdResult) peer.results(known).operations().getFirst()).clientId();
        int created = peer.send(2, TestSession.createSession(clientId, 1, 0, TestSession.FORE));
        engine.commitAll();
        session = TestSession.of(peer, clientId, peer.results(created));

        int closed = session.send(false, new PutRootFhArgs(), CLOSE, new CommitArgs(0, 0));
        waiting.removeFirst().accept(new CommitResult(5));

        assertThat(peer.isAnswered(closed)).isFalse();
        engine.write(engine.queued());
        assertThat(peer.isAnswered(closed)).isTrue();
    }

    @Test
    void a_session_that_was_not_asked_to_is_of_one_run() {
        TestSession other = TestSession.begin(server.connect(), "other");
        other.run(new PutRootFhArgs(), new RemoveArgs("name"));
        kill();

        assertThat(other.over(server.connect()).run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(session.run().status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void after_the_loss_of_the_machine_the_session_is_not_there() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));
        machine = "second";
        kill();

        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(records(Keys.SESSION)).isZero();
        assertThat(records(Keys.SLOT)).isZero();
    }

    @Test
    void the_client_is_told_until_it_binds_a_backchannel_again() {
        assertThat(flags()).isZero();
        kill();

        assertThat(flags()).isEqualTo(PATH_DOWN);
        session.peer.call(2, new BindConnToSessionArgs(session.id, BindDirection.FORE_OR_BOTH, false));
        assertThat(flags()).isZero();
        assertThat(server.clients.canCallBack(session.clientId)).isTrue();
    }

    @Test
    void a_backchannel_that_was_wanted_later_or_addressed_anew_is_so_after_a_kill() {
        TestPeer peer = server.connect();
        var known = TestSession.exchangeId(peer, "plain", 1);
        TestSession plain = TestSession.of(
                peer,
                known.clientId(),
                peer.call(
                        2,
                        TestSession.createSession(
                                known.clientId(), known.sequence(), CreateSessionFlags.PERSIST, TestSession.FORE)));
        peer.call(2, new BindConnToSessionArgs(plain.id, BindDirection.FORE_OR_BOTH, false));
        assertThat(plain.run(new OpArgs.BackchannelCtlArgs(0x4000_0007, List.of()))
                        .status())
                .isEqualTo(NfsStatus.OK);
        kill();

        TestSession again = plain.over(server.connect());
        var sequenced = (SequenceResult) again.run().operations().getFirst();
        again.peer.call(2, new BindConnToSessionArgs(plain.id, BindDirection.FORE_OR_BOTH, false));
        Backchannel back = server.clients.backchannels(plain.clientId).getFirst();

        assertThat(sequenced.statusFlags()).isEqualTo(PATH_DOWN);
        assertThat(back.begin())
                .hasValueSatisfying(turn -> assertThat(turn.program()).isEqualTo(0x4000_0007));
    }

    @Test
    void callbacks_go_on_behind_what_the_client_has_seen() {
        Backchannel before = server.clients.backchannels(session.clientId).getFirst();
        for (int i = 0; i < 3; i++) {
            before.end(before.begin().orElseThrow(), true);
        }
        kill();
        session.peer.call(2, new BindConnToSessionArgs(session.id, BindDirection.FORE_OR_BOTH, false));

        Backchannel after = server.clients.backchannels(session.clientId).getFirst();

        assertThat(after.begin())
                .hasValueSatisfying(turn -> assertThat(turn.sequence()).isEqualTo(4));
    }

    @Test
    void the_session_that_was_made_last_is_not_made_twice() {
        var create = TestSession.createSession(
                session.clientId, 2, CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN, TestSession.FORE);
        CreateSessionResult created = created(session.peer.call(2, create));
        kill();

        assertThat(created(session.peer.call(2, create))).isEqualTo(created);
        assertThat(server.clients.sessionCount()).isEqualTo(2);
    }

    @Test
    void records_go_with_the_session() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));
        assertThat(records(Keys.SLOT)).isEqualTo(1);

        assertThat(session.run(new DestroySessionArgs(session.id)).status()).isEqualTo(NfsStatus.OK);

        assertThat(records(Keys.SESSION)).isZero();
        assertThat(records(Keys.SLOT)).isZero();
    }

    @Test
    void records_go_with_a_client_that_rebooted() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));

        TestSession.confirm(server.connect(), "client", 2);

        assertThat(records(Keys.SESSION)).isZero();
        assertThat(records(Keys.SLOT)).isZero();
    }

    @Test
    void a_client_that_rebooted_has_no_session_before_what_it_asked_for_in_its_earlier_life_is_done() {
        int sent = session.peer.send(
                2, TestSession.inSession(session.next(false), new PutRootFhArgs(), new CommitArgs(0, 0)));
        var peer = server.connect();
        ExchangeIdResult rebooted = TestSession.exchangeId(peer, "client", 2);
        OpArgs create = TestSession.createSession(rebooted.clientId(), rebooted.sequence(), TestSession.FORE);

        assertThat(peer.call(2, create).status()).isEqualTo(NfsStatus.DELAY);
        waiting.removeFirst().accept(new CommitResult(0));
        session.peer.bytes(sent);

        assertThat(peer.call(2, create).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void records_of_a_restored_session_go_with_its_client() {
        session.run(new PutRootFhArgs(), new RemoveArgs("name"));
        Backchannel back = server.clients.backchannels(session.clientId).getFirst();
        back.end(back.begin().orElseThrow(), true);
        kill();

        server.loop.advance(TestServer.LEASE_SECONDS + TestServer.COURTESY_SECONDS + 1, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
        server.clients.tick(server.loop.nowNanos());

        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        for (Keys kind : List.of(Keys.CLIENT, Keys.SESSION, Keys.SLOT, Keys.CALLBACK)) {
            assertThat(records(kind)).as("%s", kind).isZero();
        }
    }

    private NfsStatus status(OpArgs[] request) {
        return session.peer.call(2, request).status();
    }

    private int flags() {
        return ((SequenceResult) session.run().operations().getFirst()).statusFlags();
    }

    private static CreateSessionResult created(Results results) {
        assertThat(results.status()).isEqualTo(NfsStatus.OK);
        return (CreateSessionResult) results.operations().getFirst();
    }
}
