package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.wire.nfs4.NfsStatus.OK;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.IllegalArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutPubFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.UnsupportedArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.LinkResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.OpResult.RemoveResult;
import pnfs.wire.nfs4.OpResult.SetAttrResult;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// The rules of RFC 8881 §2.10, §16.2 and §18.46 for what stands around operations, one test a row.
class CompoundFramingTest {
    private static final GetAttrArgs GETATTR = new GetAttrArgs(Bitmap.EMPTY);
    private static final ChangeInfo CHANGE = new ChangeInfo(true, 1, 2);
    private static final Opaque TAG = Opaque.ofUtf8("tag");
    private static final int GARBAGE_ARGS = 4;
    private static final int PROC_UNAVAIL = 3;

    /// What the operations of this test were asked to do and did.
    private final List<String> ran = new ArrayList<>();

    private int attributeBytes;
    private @Nullable RuntimeException getAttrFails;
    private @Nullable Consumer<OpResult> writing;
    private @Nullable ByteBuffer written;

    private final MemoryEngine engine = new MemoryEngine();
    private final TestServer server = new TestServer(engine, new ManualLoop(), this::register);
    private final TestPeer peer = server.connect();
    private final TestSession session = begin();

    private void register(OpTable table) {
        table.register(OpCode.GETATTR, GetAttrArgs.class, (args, state) -> {
                    ran.add("GETATTR");
                    if (getAttrFails != null) {
                        throw getAttrFails;
                    }
                    state.dependsOn(server().store.get(Keys.INODE.of(1)).ticket());
                    return new GetAttrResult(new Fattr(Bitmap.EMPTY, Opaque.of(new byte[attributeBytes])));
                })
                .register(OpCode.REMOVE, RemoveArgs.class, (args, state) -> {
                    ran.add("REMOVE");
                    var batch = new Batch();
                    batch.put(Keys.INODE.of(1), new byte[] {1});
                    state.dependsOn(server().store.append(batch));
                    return new RemoveResult(CHANGE);
                })
                .register(OpCode.LINK, LinkArgs.class, (args, state) -> new LinkResult(CHANGE))
                .register(OpCode.SETATTR, SetAttrArgs.class, (args, state) -> {
                    throw new NfsException(NfsStatus.ROFS, "on purpose");
                })
                .register(OpCode.READLINK, ReadLinkArgs.class, (args, state) -> {
                    throw new IllegalStateException("a defect, on purpose");
                })
                .register(OpCode.LOOKUPP, LookuppArgs.class, (args, state) -> {
                    throw new CorruptStoreException("damage, on purpose");
                })
                .registerDeferred(OpCode.WRITE, WriteArgs.class, (args, state, done) -> {
                    ran.add("WRITE");
                    written = args.data();
                    writing = done;
                })
                .registerDeferred(OpCode.COMMIT, CommitArgs.class, (args, state, done) -> {
                    ran.add("COMMIT");
                    done.accept(new OpResult.CommitResult(7));
                });
    }

    private TestServer server() {
        return server;
    }

    private TestSession begin() {
        engine.commitAll();
        int known = peer.send(2, TestSession.exchangeIdArgs("client", 1, 0));
        var id = (OpResult.ExchangeIdResult) peer.results(known).operations().getFirst();
        int created = peer.send(2, TestSession.createSession(id.clientId(), id.sequence(), TestSession.FORE));
        engine.commitAll();
        return TestSession.of(peer, id.clientId(), peer.results(created));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, -1})
    void a_minor_version_that_is_not_served_gets_an_empty_array(int minorVersion) {
        Results results = peer.call(minorVersion, session.next(false), new PutRootFhArgs());

        assertThat(results).isEqualTo(new Results(NfsStatus.MINOR_VERS_MISMATCH, TAG, List.of()));
    }

    @Test
    void both_minor_versions_are_served_and_the_tag_comes_back() {
        for (int minorVersion = 1; minorVersion <= 2; minorVersion++) {
            Results results = peer.call(minorVersion, session.next(false), new PutRootFhArgs(), new GetFhArgs());

            assertThat(results.status()).isEqualTo(OK);
            assertThat(results.tag()).isEqualTo(TAG);
            assertThat(results.operations().getLast()).isEqualTo(new GetFhResult(TestServer.ROOT.toWire()));
        }
    }

    @Test
    void no_operations_are_no_error() {
        assertThat(peer.call(2)).isEqualTo(new Results(OK, TAG, List.of()));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 76, 10044, 10045, -1})
    void a_number_without_an_operation_is_illegal(int number) {
        Results results = session.run(new PutRootFhArgs(), new IllegalArgs(number), GETATTR);

        assertThat(results.status()).isEqualTo(NfsStatus.OP_ILLEGAL);
        assertThat(results.operations()).hasSize(3).endsWith(new OpFailure(OpCode.ILLEGAL, NfsStatus.OP_ILLEGAL));
        assertThat(ran).isEmpty();
        assertThat(peer.call(2, new IllegalArgs(number)).status()).isEqualTo(NfsStatus.OP_ILLEGAL);
    }

    @Test
    void an_operation_of_4_2_is_illegal_in_4_1() {
        var xattr = new GetXattrArgs("name");

        Results in41 = peer.call(1, session.next(false), new PutRootFhArgs(), xattr);
        Results in42 = peer.call(2, session.next(false), new PutRootFhArgs(), xattr);

        assertThat(in41.operations()).endsWith(new OpFailure(OpCode.ILLEGAL, NfsStatus.OP_ILLEGAL));
        assertThat(in42.operations()).endsWith(new OpFailure(OpCode.GETXATTR, NfsStatus.NOTSUPP));
    }

    @ParameterizedTest
    @EnumSource(names = {"OPEN_CONFIRM", "RENEW", "SETCLIENTID", "SETCLIENTID_CONFIRM", "RELEASE_LOCKOWNER"})
    void an_operation_of_4_0_is_not_supported(OpCode op) {
        Results results = session.run(new UnsupportedArgs(op));

        assertThat(results.operations()).hasSize(2).endsWith(new OpFailure(op, NfsStatus.NOTSUPP));
    }

    @Test
    void arguments_that_cannot_be_decoded_are_badxdr_of_their_operation() {
        byte[] whole = TestPeer.encode(
                2, TestSession.inSession(session.next(false), new PutRootFhArgs(), new PutFhArgs(Opaque.of((byte) 1))));

        Results results = peer.results(peer.send(Arrays.copyOf(whole, whole.length - 4)));

        assertThat(results.status()).isEqualTo(NfsStatus.BADXDR);
        assertThat(results.operations()).hasSize(3).endsWith(new OpFailure(OpCode.PUTFH, NfsStatus.BADXDR));
    }

    @Test
    void an_operation_whose_number_is_missing_is_badxdr() {
        byte[] whole = TestPeer.encode(2, TestSession.inSession(session.next(false), new PutRootFhArgs()));

        Results results = peer.results(peer.send(Arrays.copyOf(whole, whole.length - 4)));

        assertThat(results.operations()).hasSize(2).endsWith(new OpFailure(OpCode.ILLEGAL, NfsStatus.BADXDR));
    }

    @Test
    void a_header_that_cannot_be_decoded_is_garbage() {
        assertThat(peer.acceptStat(peer.send(new byte[] {0, 0, 0}))).isEqualTo(GARBAGE_ARGS);
        var countTooLarge = new XdrWriter();
        countTooLarge.writeOpaque(TAG);
        countTooLarge.writeUint32(2);
        countTooLarge.writeUint32(0x7fff_ffff);
        assertThat(peer.acceptStat(peer.send(countTooLarge.toByteArray()))).isEqualTo(GARBAGE_ARGS);
        var tagTooLong = new XdrWriter();
        tagTooLong.writeOpaque(new byte[1025]);
        tagTooLong.writeUint32(2);
        tagTooLong.writeUint32(0);
        assertThat(peer.acceptStat(peer.send(tagTooLong.toByteArray()))).isEqualTo(GARBAGE_ARGS);
    }

    @Test
    void there_are_two_procedures() {
        assertThat(peer.acceptStat(peer.send(0, new byte[0]))).isZero();
        assertThat(peer.acceptStat(peer.send(2, new byte[0]))).isEqualTo(PROC_UNAVAIL);
    }

    @Test
    void what_needs_a_session_does_not_come_first() {
        Results results = peer.call(2, new PutRootFhArgs(), GETATTR);

        assertThat(results.operations()).containsExactly(new OpFailure(OpCode.PUTROOTFH, NfsStatus.OP_NOT_IN_SESSION));
    }

    @Test
    void what_may_come_first_without_a_session_comes_alone() {
        for (OpArgs first : List.of(
                TestSession.exchangeIdArgs("other", 1, 0),
                TestSession.createSession(session.clientId, 9, TestSession.FORE),
                new DestroySessionArgs(session.id),
                new OpArgs.DestroyClientidArgs(session.clientId),
                new BindConnToSessionArgs(session.id, BindDirection.FORE, false))) {
            Results results = peer.call(2, first, new PutRootFhArgs());

            assertThat(results.operations()).containsExactly(new OpFailure(first.op(), NfsStatus.NOT_ONLY_OP));
        }
    }

    @Test
    void a_connection_is_not_bound_within_a_session() {
        Results results = session.run(new BindConnToSessionArgs(session.id, BindDirection.FORE, false));

        assertThat(results.operations())
                .hasSize(2)
                .endsWith(new OpFailure(OpCode.BIND_CONN_TO_SESSION, NfsStatus.NOT_ONLY_OP));
    }

    @Test
    void sequence_comes_first() {
        Results results = session.run(new PutRootFhArgs(), new SequenceArgs(session.id, 9, 0, 0, false));

        assertThat(results.operations()).hasSize(3).endsWith(new OpFailure(OpCode.SEQUENCE, NfsStatus.SEQUENCE_POS));
    }

    @Test
    void a_sequence_that_fails_has_its_result_in_the_array() {
        Opaque unknown = Opaque.of(new byte[16]);

        Results results = peer.call(2, new SequenceArgs(unknown, 1, 0, 0, false), new PutRootFhArgs());

        assertThat(results)
                .isEqualTo(new Results(
                        NfsStatus.BADSESSION, TAG, List.of(new OpFailure(OpCode.SEQUENCE, NfsStatus.BADSESSION))));
    }

    @Test
    void more_operations_than_agreed_are_too_many() {
        var operations = new OpArgs[TestServer.LIMITS.operations()];
        Arrays.fill(operations, new PutRootFhArgs());

        Results results = session.run(operations);

        assertThat(results.operations()).containsExactly(new OpFailure(OpCode.SEQUENCE, NfsStatus.TOO_MANY_OPS));
    }

    @Test
    void a_request_larger_than_agreed_is_too_big() {
        Results results = session.run(new PutRootFhArgs(), write(TestServer.LIMITS.messageBytes()));

        assertThat(results.operations()).containsExactly(new OpFailure(OpCode.SEQUENCE, NfsStatus.REQ_TOO_BIG));
    }

    @Test
    void a_result_that_does_not_fit_the_reply_is_too_big_and_the_rest_stays() {
        attributeBytes = TestServer.LIMITS.messageBytes();

        Results results = session.run(new PutRootFhArgs(), GETATTR, new GetFhArgs());

        assertThat(results.status()).isEqualTo(NfsStatus.REP_TOO_BIG);
        assertThat(results.operations()).hasSize(3).endsWith(new OpFailure(OpCode.GETATTR, NfsStatus.REP_TOO_BIG));
    }

    @Test
    void a_result_that_does_not_fit_the_cache_is_too_big_where_the_client_wants_it_kept() {
        attributeBytes = 1100; // over the 1024 bytes that the client asked for, RPC header included

        assertThat(session.run(new PutRootFhArgs(), GETATTR).status()).isEqualTo(OK);
        assertThat(session.runKept(new PutRootFhArgs(), GETATTR).operations())
                .endsWith(new OpFailure(OpCode.GETATTR, NfsStatus.REP_TOO_BIG_TO_CACHE));
    }

    @Test
    void what_cannot_be_repeated_does_not_begin_where_its_result_might_not_fit() {
        attributeBytes = 820; // leaves less than REMOVE might need

        Results results = session.runKept(new PutRootFhArgs(), GETATTR, new RemoveArgs("name"));

        assertThat(results.operations()).endsWith(new OpFailure(OpCode.REMOVE, NfsStatus.REP_TOO_BIG_TO_CACHE));
        assertThat(ran).containsExactly("GETATTR");
    }

    @Test
    void without_filehandles_there_is_nothing_to_work_on() {
        assertThat(session.run(GETATTR).status()).isEqualTo(NfsStatus.NOFILEHANDLE);
        assertThat(session.run(new GetFhArgs()).status()).isEqualTo(NfsStatus.NOFILEHANDLE);
        assertThat(session.run(new SaveFhArgs()).status()).isEqualTo(NfsStatus.NOFILEHANDLE);
        assertThat(session.run(new PutRootFhArgs(), new LinkArgs("name")).status())
                .isEqualTo(NfsStatus.NOFILEHANDLE);
        assertThat(session.run(new PutRootFhArgs(), new RestoreFhArgs()).status())
                .isEqualTo(NfsStatus.RESTOREFH);
        assertThat(session.run(new PutRootFhArgs(), new SaveFhArgs(), new LinkArgs("name"))
                        .status())
                .isEqualTo(OK);
        assertThat(ran).isEmpty();
    }

    @Test
    void filehandles_are_put_saved_restored_and_shown() {
        Opaque other = new FileHandle(77, 3).toWire();

        Results results = session.run(
                new PutPubFhArgs(),
                new SaveFhArgs(),
                new PutFhArgs(other),
                new GetFhArgs(),
                new RestoreFhArgs(),
                new GetFhArgs());

        assertThat(results.operations())
                .contains(new GetFhResult(other))
                .endsWith(new OpSuccess(OpCode.RESTOREFH), new GetFhResult(TestServer.ROOT.toWire()));
        assertThat(session.run(new PutFhArgs(Opaque.of((byte) 9))).status()).isEqualTo(NfsStatus.BADHANDLE);
    }

    @Test
    void setattr_says_what_it_set_even_where_it_failed() {
        Results results = session.run(
                new PutRootFhArgs(), new SetAttrArgs(Stateid.ANONYMOUS, new Fattr(Bitmap.EMPTY, Opaque.EMPTY)));

        assertThat(results.operations()).endsWith(new SetAttrResult(NfsStatus.ROFS, Bitmap.EMPTY));
    }

    @Test
    void a_defect_of_ours_is_a_serverfault_of_its_operation_and_the_server_goes_on() {
        assertThat(session.run(new PutRootFhArgs(), new ReadLinkArgs()).operations())
                .endsWith(new OpFailure(OpCode.READLINK, NfsStatus.SERVERFAULT));
        assertThat(session.run(new PutRootFhArgs(), GETATTR).status()).isEqualTo(OK);
    }

    @Test
    void a_damaged_record_fails_the_operation_that_needs_it_and_the_server_goes_on() {
        assertThat(session.run(new PutRootFhArgs(), new LookuppArgs()).operations())
                .endsWith(new OpFailure(OpCode.LOOKUPP, NfsStatus.IO));
        assertThat(session.run(new PutRootFhArgs(), GETATTR).status()).isEqualTo(OK);
        assertThat(server.store.damaged().count()).isEqualTo(1);
    }

    @Test
    void a_deferred_operation_may_answer_at_once() {
        assertThat(session.run(new PutRootFhArgs(), new CommitArgs(0, 0), GETATTR)
                        .operations())
                .hasSize(4)
                .contains(new OpResult.CommitResult(7));
    }

    @Test
    void a_reply_leaves_when_what_it_changed_is_durable__I3() {
        int xid = session.send(false, new PutRootFhArgs(), new RemoveArgs("name"));

        assertThat(ran).containsExactly("REMOVE");
        assertThat(peer.isAnswered(xid)).isFalse();
        engine.commitAll();
        assertThat(peer.results(xid).status()).isEqualTo(OK);
    }

    @Test
    void a_read_that_shows_what_is_not_durable_waits_too__I3() {
        TestPeer other = server.connect();
        TestSession reader = TestSession.of(other, session.clientId, session.id, 1);
        session.send(false, new PutRootFhArgs(), new RemoveArgs("name"));

        int xid = reader.send(false, new PutRootFhArgs(), GETATTR);

        assertThat(ran).containsExactly("REMOVE", "GETATTR");
        assertThat(other.isAnswered(xid)).isFalse();
        engine.commitAll();
        assertThat(other.results(xid).status()).isEqualTo(OK);
    }

    @Test
    void a_retry_of_what_is_not_durable_yet_is_told_to_wait__I3() {
        SequenceArgs sequence = session.next(true);
        OpArgs[] request = TestSession.inSession(sequence, new PutRootFhArgs(), new RemoveArgs("name"));
        int first = peer.send(2, request);

        Results early = peer.call(2, request);
        engine.commitAll();
        int late = peer.send(2, request);

        assertThat(early.operations()).containsExactly(new OpFailure(OpCode.SEQUENCE, NfsStatus.DELAY));
        assertThat(peer.bytes(late)).isEqualTo(peer.bytes(first));
        assertThat(ran).containsExactly("REMOVE");
    }

    @Test
    void a_store_with_too_much_to_commit_delays_changes_and_nothing_else() {
        var flood = new Batch();
        flood.put(Keys.INODE.of(2), new byte[2 << 20]);
        server.store.append(flood);

        Results results = session.run(new PutRootFhArgs(), GETATTR, new RemoveArgs("name"));

        assertThat(results.operations()).hasSize(4).endsWith(new OpFailure(OpCode.REMOVE, NfsStatus.DELAY));
        assertThat(ran).containsExactly("GETATTR");
    }

    @Test
    void a_deferred_operation_lets_others_pass_and_its_compound_goes_on_with_bytes_of_its_own() {
        int xid = session.send(false, new PutRootFhArgs(), write(100), GETATTR);

        assertThat(ran).containsExactly("WRITE");
        assertThat(peer.isAnswered(xid)).isFalse();
        TestSession meanwhile = TestSession.of(peer, session.clientId, session.id, 1);
        assertThat(meanwhile.run(new PutRootFhArgs(), GETATTR).status()).isEqualTo(OK);

        ByteBuffer payload = written == null ? ByteBuffer.allocate(0) : written.duplicate();
        assertThat(payload.remaining()).isEqualTo(100);
        while (payload.hasRemaining()) {
            assertThat(payload.get())
                    .as("the connection's buffer was used again")
                    .isEqualTo((byte) 5);
        }
        answer(new WriteResult(100, StableHow.FILE_SYNC, 1));
        assertThat(peer.results(xid).operations()).hasSize(4);
        assertThat(ran).containsExactly("WRITE", "GETATTR", "GETATTR");
    }

    @Test
    void a_deferred_operation_that_fails_ends_its_compound() {
        int xid = session.send(false, new PutRootFhArgs(), write(4), GETATTR);

        answer(new OpFailure(OpCode.WRITE, NfsStatus.IO));

        assertThat(peer.results(xid).operations()).hasSize(3).endsWith(new OpFailure(OpCode.WRITE, NfsStatus.IO));
        assertThat(ran).containsExactly("WRITE");
    }

    @Test
    void a_connection_that_goes_changes_nothing_for_the_retry_on_the_next() {
        OpArgs[] request = TestSession.inSession(session.next(true), new PutRootFhArgs(), write(4));
        peer.send(2, request);
        peer.disconnect();
        answer(new WriteResult(4, StableHow.FILE_SYNC, 1));

        Results retry = server.connect().call(2, request);

        assertThat(retry.operations()).endsWith(new WriteResult(4, StableHow.FILE_SYNC, 1));
        assertThat(ran).containsExactly("WRITE");
    }

    @Test
    void a_session_is_destroyed_by_the_last_operation_it_carries_and_no_other() {
        assertThat(session.run(new DestroySessionArgs(session.id), new PutRootFhArgs())
                        .status())
                .isEqualTo(NfsStatus.NOT_ONLY_OP);
        assertThat(session.run(new DestroySessionArgs(session.id)).status()).isEqualTo(OK);
        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
    }

    @Test
    void getattr_with_an_unknown_attribute_fails_by_its_own_status() {
        getAttrFails = new NfsException(NfsStatus.STALE, "on purpose");

        assertThat(session.run(new PutRootFhArgs(), GETATTR).operations())
                .endsWith(new OpFailure(OpCode.GETATTR, NfsStatus.STALE));
    }

    private void answer(OpResult result) {
        if (writing == null) {
            throw new AssertionError("nothing writes");
        }
        writing.accept(result);
        server.loop.run();
    }

    private static WriteArgs write(int bytes) {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) 5);
        return new WriteArgs(Stateid.ANONYMOUS, 0, StableHow.FILE_SYNC, ByteBuffer.wrap(data));
    }
}
