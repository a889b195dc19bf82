package pnfs.mds.delegation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.FakeFileSpace;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallAnyArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult.CbGetAttrResult;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.NoDelegationReason;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// RFC 8881 §10.4, §10.5, §18.6: two clients, whose callbacks the test answers.
class DelegationTest {
    private static final OpArgs ROOT = new PutRootFhArgs();
    private static final OpArgs FILE = new LookupArgs("f");
    private static final Bitmap WANTED = Bitmap.of(Attribute.CHANGE, Attribute.SIZE);

    private final ManualLoop loop = new ManualLoop();
    private TestServer server = new TestServer(MemoryEngine.committing(), loop, this::rooms, "machine");

    @SuppressWarnings("NullAway.Init") // made with the server
    private Recalls recalls;

    private TestPeer anna = server.connect();
    private TestPeer boris = server.connect();
    private TestSession first = TestSession.begin(anna, "anna");
    private TestSession second = TestSession.begin(boris, "boris");

    private FileHandle rooms(TestServer made, OpTable table) {
        var random = new SplittableRandom(3);
        var space = new FakeFileSpace();
        var locks = new FileLocks();
        var inodes = new Inodes(made.store, 100, random);
        var attributes = new FileAttributes(FileRooms.FACTS, space, Owners.numeric());
        var namespace = new Namespace(made.store, inodes, locks);
        var opens = new OpenFiles(made.store, made.clients, new StateTable(made.clients, 100, random));
        var orphans = new Orphans(made.store, inodes, locks, space, opens);
        table.register(
                OpCode.SETATTR,
                SetAttrArgs.class,
                AttributeOperations.register(table, inodes, locks, attributes, space, opens));
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, space, namespace, orphans, opens, made.clients);
        var callbacks = new Callbacks(made.clients, loop::execute, Duration.ofSeconds(5));
        recalls = new Recalls(made.clients, callbacks, loop.nowNanos(), TestServer.LIMITS.leaseNanos());
        var delegations = new Delegations(
                DelegationPolicy.ON, 10, made.store, made.clients, locks, inodes, opens, callbacks, recalls);
        DelegationOperations.register(table, inodes, locks, opens, delegations, made.clients);
        return namespace.root(0, new Rights(0777, 0, 0), new NfsTime(1, 0));
    }

    @Test
    void who_asks_is_granted_what_fits_the_open() {
        assertThat(open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG).delegation())
                .isInstanceOf(OpenDelegation.Read.class);
        assertThat(open(second, ShareBits.READ | ShareBits.WANT_ANY_DELEG).delegation())
                .as("readers stand beside each other")
                .isInstanceOf(OpenDelegation.Read.class);
        assertThat(open(first, ShareBits.READ | ShareBits.WANT_NO_DELEG).delegation())
                .isEqualTo(new OpenDelegation.Refused(NoDelegationReason.NOT_WANTED, false));
    }

    @Test
    void who_does_not_ask_is_granted_one_at_the_second_open() {
        assertThat(open(first, ShareBits.READ).delegation()).isEqualTo(new OpenDelegation.None());
        assertThat(open(first, ShareBits.READ).delegation()).isInstanceOf(OpenDelegation.Read.class);
    }

    @Test
    void a_file_that_another_writes_is_not_delegated() {
        open(second, ShareBits.WRITE);

        assertThat(open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG).delegation())
                .isEqualTo(new OpenDelegation.Refused(NoDelegationReason.CONTENTION, false));
    }

    @Test
    void a_conflicting_open_recalls_and_goes_on_when_the_delegation_is_back() {
        var held = (OpenDelegation.Write)
                open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG).delegation();

        Results delayed = second.run(ROOT, openArgs(ShareBits.READ));
        var recall = (CbRecallArgs) anna.answer(NfsStatus.OK).operation();

        assertThat(delayed.status()).isEqualTo(NfsStatus.DELAY);
        assertThat(recall.stateid()).isEqualTo(held.stateid());
        assertThat(second.run(ROOT, openArgs(ShareBits.READ)).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(anna.callbacks()).as("asked once").isEmpty();
        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.OK);
        assertThat(second.run(ROOT, openArgs(ShareBits.READ)).status()).isEqualTo(NfsStatus.OK);
        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void its_own_client_opens_beside_a_delegation_and_any_other_s_change_recalls_it() {
        open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        assertThat(first.run(ROOT, openArgs(ShareBits.WRITE)).status()).isEqualTo(NfsStatus.OK);
        assertThat(anna.callbacks()).isEmpty();

        Fattr mode = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, 0600).build());
        assertThat(second.run(ROOT, FILE, new SetAttrArgs(Stateid.ANONYMOUS, mode))
                        .status())
                .isEqualTo(NfsStatus.DELAY);
        assertThat(anna.callbacks()).hasSize(1);
        assertThat(second.run(ROOT, new RemoveArgs("f")).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(first.run(ROOT, new RemoveArgs("f")).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_delegation_outlives_the_open_and_can_be_opened_by() {
        OpenResult opened = open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Stateid delegation = ((OpenDelegation.Read) opened.delegation()).stateid();
        first.run(ROOT, FILE, new CloseArgs(0, opened.stateid()));

        var claim = new OpenClaim.DelegateCurrentByHandle(delegation);
        OpArgs reopen = FileRooms.open("o", ShareBits.READ, 0, new OpenHow.NoCreate(), claim);
        OpArgs write = FileRooms.open("o", ShareBits.WRITE, 0, new OpenHow.NoCreate(), claim);
        var byName = new OpenClaim.DelegateCurrent(delegation, "f");
        OpArgs named = FileRooms.open("o", ShareBits.READ, 0, new OpenHow.NoCreate(), byName);

        assertThat(first.run(ROOT, FILE, reopen).status()).isEqualTo(NfsStatus.OK);
        assertThat(first.run(ROOT, named).status()).isEqualTo(NfsStatus.OK);
        assertThat(first.run(ROOT, FILE, write).status()).isEqualTo(NfsStatus.OPENMODE);
        assertThat(second.run(ROOT, FILE, reopen).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void what_is_not_returned_within_a_lease_is_revoked_and_the_client_told_until_it_says_it_knows() {
        var held = (OpenDelegation.Read)
                open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG).delegation();
        second.run(ROOT, openArgs(ShareBits.WRITE));
        anna.answer(NfsStatus.OK);

        loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);
        assertThat(flags(first)).isZero();
        loop.advance(2, TimeUnit.SECONDS);
        second.run();
        recalls.tick(loop.nowNanos());

        assertThat(second.run(ROOT, openArgs(ShareBits.WRITE)).status()).isEqualTo(NfsStatus.OK);
        assertThat(flags(first)).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        var tested = (TestStateidResult) first.run(new TestStateidArgs(List.of(held.stateid())))
                .operations()
                .getLast();
        assertThat(tested.statuses()).containsExactly(NfsStatus.DELEG_REVOKED);
        assertThat(first.run(new FreeStateidArgs(held.stateid())).status()).isEqualTo(NfsStatus.OK);
        assertThat(flags(first)).isZero();
    }

    @Test
    void who_accepted_a_recall_and_fell_silent_has_no_more_time_than_its_lease_and_keeps_the_rest() {
        open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        loop.advance(TestServer.LEASE_SECONDS / 2, TimeUnit.SECONDS);
        recalls.tick(loop.nowNanos());
        assertThat(second.run(ROOT, openArgs(ShareBits.WRITE)).status()).isEqualTo(NfsStatus.DELAY);
        anna.answer(NfsStatus.OK);

        loop.advance(TestServer.LEASE_SECONDS / 2 + 1, TimeUnit.SECONDS);
        recalls.tick(loop.nowNanos());

        assertThat(second.run(ROOT, openArgs(ShareBits.WRITE)).status()).isEqualTo(NfsStatus.OK);
        assertThat(first.run().status()).as("its session, and what it has open").isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_recall_that_finds_no_way_is_sent_again_over_the_next() {
        open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        anna.disconnect();
        second.run(ROOT, openArgs(ShareBits.WRITE));
        TestPeer again = server.connect();
        TestSession.of(
                again, first.clientId, again.call(2, TestSession.createSession(first.clientId, 2, TestSession.FORE)));

        recalls.tick(loop.nowNanos());

        assertThat(again.answer(NfsStatus.OK).operation()).isInstanceOf(CbRecallArgs.class);
    }

    @Test
    void a_client_that_wants_one_too_many_is_asked_for_half_of_what_it_has() {
        for (int i = 0; i < 10; i++) {
            first.run(ROOT, openArgs("f" + i, ShareBits.READ | ShareBits.WANT_READ_DELEG));
        }

        var refused = (OpenResult) first.run(ROOT, openArgs("one more", ShareBits.READ | ShareBits.WANT_READ_DELEG))
                .operations()
                .getLast();
        first.run(ROOT, openArgs("another", ShareBits.READ | ShareBits.WANT_READ_DELEG));

        assertThat(refused.delegation()).isEqualTo(new OpenDelegation.Refused(NoDelegationReason.RESOURCE, false));
        assertThat(anna.answer(NfsStatus.OK).operation()).isEqualTo(new CbRecallAnyArgs(5, Bitmap.of(0, 1)));
    }

    @Test
    void a_recall_whose_session_ends_is_sent_again_over_the_next() {
        open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        second.run(ROOT, openArgs(ShareBits.WRITE));
        assertThat(anna.callbacks()).hasSize(1);

        anna.call(2, new DestroySessionArgs(first.id));
        anna.callbacks().clear();
        TestSession.of(
                anna, first.clientId, anna.call(2, TestSession.createSession(first.clientId, 2, TestSession.FORE)));
        recalls.tick(loop.nowNanos());

        assertThat(anna.answer(NfsStatus.OK).operation()).isInstanceOf(CbRecallArgs.class);
    }

    @Test
    void getattr_asks_the_writer_what_it_made_of_the_file() {
        open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);
        Attributes before = read(first.run(ROOT, FILE, new GetAttrArgs(WANTED)));
        long change = before.uint64(Attribute.CHANGE);

        Attributes unchanged = asked(change, 0);
        Attributes grown = asked(change + 1, 5);
        Attributes still = asked(change + 1, 5);

        assertThat(unchanged.uint64(Attribute.CHANGE)).isEqualTo(change);
        assertThat(unchanged.size()).isZero();
        assertThat(grown.uint64(Attribute.CHANGE)).isGreaterThan(change);
        assertThat(grown.size()).isEqualTo(5);
        assertThat(still).isEqualTo(grown);
    }

    @Test
    void a_writer_that_cannot_tell_has_to_give_it_back() {
        open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);

        int call = second.send(false, ROOT, FILE, new GetAttrArgs(WANTED));
        anna.answer(NfsStatus.BADHANDLE);

        assertThat(boris.results(call).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(anna.answer(NfsStatus.OK).operation()).isInstanceOf(CbRecallArgs.class);
    }

    @Test
    void a_delegation_outlives_the_server_that_granted_it() {
        var held = (OpenDelegation.Write)
                open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG).delegation();
        kill();

        assertThat(second.run(ROOT, openArgs(ShareBits.READ)).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(((CbRecallArgs) anna.answer(NfsStatus.OK).operation()).stateid())
                .isEqualTo(held.stateid());
        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.OK);
        kill();

        assertThat(second.run(ROOT, openArgs(ShareBits.READ)).status()).isEqualTo(NfsStatus.OK);
        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void what_a_writer_told_is_no_news_after_a_restart() {
        open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);
        long change = read(first.run(ROOT, FILE, new GetAttrArgs(WANTED))).uint64(Attribute.CHANGE);
        Attributes grown = asked(change + 1, 5);
        kill();

        assertThat(asked(change + 1, 5)).isEqualTo(grown);
    }

    @Test
    void a_writer_that_tells_after_it_gave_back_holds_nothing_after_a_restart() {
        var held = (OpenDelegation.Write)
                open(first, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG).delegation();
        long change = read(first.run(ROOT, FILE, new GetAttrArgs(WANTED))).uint64(Attribute.CHANGE);
        int call = second.send(false, ROOT, FILE, new GetAttrArgs(WANTED));
        giveBack(held.stateid());
        Attributes told = Attributes.builder()
                .uint64(Attribute.CHANGE, change + 1)
                .size(5)
                .build();
        anna.answer(anna.callbacks().removeFirst(), new CbGetAttrResult(AttributeCodec.write(told)));
        assertThat(boris.isAnswered(call)).isTrue();
        kill();

        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void what_was_revoked_stays_so_until_the_client_says_that_it_knows() {
        var held = (OpenDelegation.Read)
                open(first, ShareBits.READ | ShareBits.WANT_READ_DELEG).delegation();
        second.run(ROOT, openArgs(ShareBits.WRITE));
        anna.answer(NfsStatus.OK);
        loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);
        first.run();
        second.run();
        loop.advance(2, TimeUnit.SECONDS);
        recalls.tick(loop.nowNanos());
        kill();

        assertThat(second.run(ROOT, openArgs(ShareBits.WRITE)).status()).isEqualTo(NfsStatus.OK);
        assertThat(flags(first)).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        assertThat(giveBack(held.stateid()).status()).isEqualTo(NfsStatus.DELEG_REVOKED);
        assertThat(first.run(new FreeStateidArgs(held.stateid())).status()).isEqualTo(NfsStatus.OK);
        kill();
        assertThat(flags(first)).isZero();
    }

    /// The server dies and is there again, and both clients have new sessions with it.
    private void kill() {
        server = new TestServer(server.engine.crash(), loop, this::rooms, "machine");
        anna = server.connect();
        boris = server.connect();
        first = again(anna, first.clientId);
        second = again(boris, second.clientId);
    }

    private static TestSession again(TestPeer peer, long clientId) {
        return TestSession.of(peer, clientId, peer.call(2, TestSession.createSession(clientId, 2, TestSession.FORE)));
    }

    private Attributes asked(long change, long size) {
        int call = second.send(false, ROOT, FILE, new GetAttrArgs(WANTED));
        assertThat(boris.isAnswered(call)).isFalse();
        TestPeer.Callback asked = anna.callbacks().removeFirst();
        assertThat(asked.operation()).isInstanceOf(CbGetAttrArgs.class);
        Attributes told =
                Attributes.builder().uint64(Attribute.CHANGE, change).size(size).build();
        anna.answer(asked, new CbGetAttrResult(AttributeCodec.write(told)));
        return read(boris.results(call));
    }

    private static Attributes read(Results results) {
        assertThat(results.status()).isEqualTo(NfsStatus.OK);
        return AttributeCodec.read(((GetAttrResult) results.operations().getLast()).attributes());
    }

    private Results giveBack(Stateid delegation) {
        return first.run(ROOT, FILE, new DelegReturnArgs(delegation));
    }

    private static OpenResult open(TestSession session, int access) {
        Results results = session.run(ROOT, openArgs(access));
        assertThat(results.status()).isEqualTo(NfsStatus.OK);
        return (OpenResult) results.operations().getLast();
    }

    private static OpArgs openArgs(int access) {
        return openArgs("f", access);
    }

    private static OpArgs openArgs(String name, int access) {
        return FileRooms.open("o", access, 0, new OpenHow.Unchecked(Fattr.EMPTY), new OpenClaim.ByName(name));
    }

    private static int flags(TestSession on) {
        return ((SequenceResult) on.run().operations().getFirst()).statusFlags();
    }
}
