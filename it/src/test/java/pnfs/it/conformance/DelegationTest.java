package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.opened;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Callbacks.Received;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BackchannelCtlArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;

/// Delegations, RFC 8881 §10.4: granted to who wants one, recalled before anybody sees a conflict.
@ExtendWith(SuiteServer.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DelegationTest {
    private static final int SECONDS = 5;
    private static final Bitmap SIZE_AND_CHANGE =
            Bitmap.of(Attribute.CHANGE, Attribute.SIZE, Attribute.TIME_ACCESS, Attribute.TIME_MODIFY);

    private final Suite suite;

    DelegationTest(Suite suite) {
        this.suite = suite;
    }

    static Stateid stateidOf(Opened file) {
        return switch (file.delegation()) {
            case OpenDelegation.Read read -> read.stateid();
            case OpenDelegation.Write write -> write.stateid();
            case OpenDelegation.None none -> throw new AssertionError("not delegated: " + none);
            case OpenDelegation.Refused refused -> throw new AssertionError("not delegated: " + refused);
        };
    }

    private static boolean isDelegated(Opened file) {
        return file.delegation() instanceof OpenDelegation.Read || file.delegation() instanceof OpenDelegation.Write;
    }

    /// A new file and a delegation of it, which the server may grant with the first or with the second open.
    static Opened delegated(Tree tree, int access) {
        Opened first = opened(
                tree.session.ok(tree.here(openArgs("file", "owner", access, new OpenHow.Guarded(MODE_644)), GET_FH)));
        Opened file = isDelegated(first) ? first : tree.open("file", "owner", access);
        assertThat(isDelegated(file)).as("delegation %s", file.delegation()).isTrue();
        return file;
    }

    static OpArgs[] openBy(Tree tree, int access) {
        return tree.here(openArgs("file", "other", access, new OpenHow.NoCreate()), GET_FH);
    }

    /// Opens the file in the way of the delegation, which is recalled and given back; returns the recall.
    private Received recallBy(Tree other, int access, Tree holder, Opened file) {
        CompletableFuture<Results> opening = other.session.send(openBy(other, access));
        Received recall = holder.session.peer.callbacks.await(CbRecallArgs.class, SECONDS);

        var args = (CbRecallArgs) recall.args();
        assertThat(args.stateid().other()).isEqualTo(stateidOf(file).other());
        assertThat(args.fileHandle()).isEqualTo(file.file());
        holder.session.ok(at(file.file(), new DelegReturnArgs(stateidOf(file))));
        if (opening.join().status() != NfsStatus.OK) {
            assertThat(opening.join().status()).isEqualTo(NfsStatus.DELAY);
            other.session.ok(openBy(other, access));
        }
        return recall;
    }

    @ParameterizedTest
    @ValueSource(ints = {ShareBits.WANT_READ_DELEG, ShareBits.WANT_ANY_DELEG})
    void who_reads_and_wants_one_has_one_until_somebody_writes(int want) {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = delegated(tree, ShareBits.READ | want);

        recallBy(tree.of(suite.session()), ShareBits.BOTH, tree, file);
    }

    @Test
    void who_writes_and_wants_one_has_one_until_somebody_reads() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = delegated(tree, ShareBits.WRITE | ShareBits.WANT_WRITE_DELEG);

        recallBy(tree.of(suite.session()), ShareBits.READ, tree, file);
    }

    @Test
    void a_writer_is_in_the_way_of_a_read_delegation() {
        Tree tree = Tree.make(suite.session(), suite.name());
        tree.create("file");
        Tree other = tree.of(suite.session());

        for (int i = 0; i < 2; i++) {
            assertThat(isDelegated(other.open("file", "reader", ShareBits.READ | ShareBits.WANT_READ_DELEG)))
                    .isFalse();
        }
    }

    @Test
    void the_holder_may_write_and_another_writer_recalls_it() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        tree.open("file", "owner", ShareBits.WRITE);

        recallBy(tree.of(suite.session()), ShareBits.WRITE, tree, file);
    }

    @Test
    void a_delegation_reads_when_its_open_is_closed() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened made = tree.create("file");
        tree.write(made.file(), made.stateid(), 0, "data");
        tree.close(made);
        Opened file = tree.open("file", "owner", ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Opened held = isDelegated(file) ? file : tree.open("file", "owner", ShareBits.READ | ShareBits.WANT_READ_DELEG);
        tree.session.ok(at(held.file(), closeArgs(held.anyVersion())));

        tree.session.ok(at(held.file(), new ReadArgs(stateidOf(held), 0, 10)));
        tree.session.ok(at(held.file(), new DelegReturnArgs(stateidOf(held))));
        tree.session.expect(NfsStatus.BAD_STATEID, at(held.file(), new DelegReturnArgs(stateidOf(held))));
    }

    @Test
    void callbacks_come_by_the_credential_that_the_client_asked_for_last() {
        Owner owner = Owner.exchange(suite.connect(), suite.name(), 1);
        Session session = owner.createSession(new CreateSessionArgs(
                owner.clientId,
                owner.sequence,
                CreateSessionFlags.CONN_BACK_CHAN,
                Owner.CHANNEL,
                Owner.CHANNEL,
                Callbacks.PROGRAM,
                List.of(new CallbackSecurity.Sys(13, "fake name", 17, 19, List.of()))));
        session.ok(new ReclaimCompleteArgs(false));
        Tree first = Tree.make(session, suite.name());
        Opened one = delegated(first, ShareBits.READ | ShareBits.WANT_READ_DELEG);

        Received recall = recallBy(first.of(suite.session()), ShareBits.BOTH, first, one);
        assertThat(recall.who()).isEqualTo(new RpcCredential.Sys(13, "fake name", 17, 19, List.of()));

        session.ok(new BackchannelCtlArgs(
                Callbacks.PROGRAM, List.of(new CallbackSecurity.Sys(13, "fake name", 29, 31, List.of()))));
        Tree second = Tree.make(session, suite.name());
        Opened two = delegated(second, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        assertThat(recallBy(second.of(suite.session()), ShareBits.BOTH, second, two)
                        .who())
                .isEqualTo(new RpcCredential.Sys(13, "fake name", 29, 31, List.of()));
    }

    @Test
    void a_recall_takes_the_session_that_there_is() {
        Owner owner = Owner.exchange(suite.connect(), suite.name(), 1);
        Session old = owner.createSession();
        old.ok(new ReclaimCompleteArgs(false));
        owner.peer.expectAlone(NfsStatus.OK, new DestroySessionArgs(old.id));
        Session session = owner.createSession();
        Tree tree = Tree.make(session, suite.name());
        Opened file = delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);

        Received recall = recallBy(tree.of(suite.session()), ShareBits.BOTH, tree, file);

        assertThat(recall.sequence().session()).isEqualTo(session.id);
    }

    /// A recall whose answer does not come, because the connection goes first.
    private Opened recalledInVain(Tree holder) {
        Opened file = delegated(holder, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        holder.session.peer.callbacks.answerWith(args -> null);
        Tree other = holder.of(suite.session());
        other.session.expect(NfsStatus.DELAY, openBy(other, ShareBits.BOTH));
        holder.session.peer.callbacks.await(CbRecallArgs.class, SECONDS);
        return file;
    }

    @Test
    void a_recall_whose_connection_broke_comes_again_over_the_next_with_its_slot_and_sequence() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = recalledInVain(tree);
        Peer next = suite.connect();

        tree.session.moveTo(next);
        next.expectAlone(NfsStatus.OK, new BindConnToSessionArgs(tree.session.id, BindDirection.FORE_OR_BOTH, false));

        Received again = next.callbacks.await(CbRecallArgs.class, SECONDS);
        assertThat(((CbRecallArgs) again.args()).stateid().other())
                .isEqualTo(stateidOf(file).other());
        assertThat(again.sequence().session()).isEqualTo(tree.session.id);
        assertThat(again.sequence().sequence()).isEqualTo(1);
        tree.session.ok(at(file.file(), new DelegReturnArgs(stateidOf(file))));
        assertThat(tree.session.flags()).isZero();
    }

    @Test
    void a_recall_whose_session_ended_comes_again_over_the_next() {
        Owner owner = Owner.exchange(suite.connect(), suite.name(), 1);
        Session old = owner.createSession();
        old.ok(new ReclaimCompleteArgs(false));
        Tree tree = Tree.make(old, suite.name());
        Opened file = recalledInVain(tree);

        owner.peer.expectAlone(NfsStatus.OK, new DestroySessionArgs(old.id));
        Session next = owner.createSession();

        Received again = owner.peer.callbacks.await(CbRecallArgs.class, SECONDS);
        assertThat(again.sequence().session()).isEqualTo(next.id);
        next.ok(at(file.file(), new DelegReturnArgs(stateidOf(file))));
    }

    @Test
    void a_client_without_a_way_back_hears_of_it_and_gets_no_delegation() {
        Owner owner = Owner.exchange(suite.connect(), suite.name(), 1);
        Session session = owner.createSession();
        session.ok(new ReclaimCompleteArgs(false));
        session.moveTo(suite.connect());

        int flags = 0;
        while (flags == 0) { // until the server has seen the connection end
            flags = session.flags();
        }
        assertThat(flags).isEqualTo(SequenceFlags.CB_PATH_DOWN | SequenceFlags.CB_PATH_DOWN_SESSION);
        Tree tree = Tree.make(session, suite.name());
        assertThat(isDelegated(opened(session.ok(tree.here(
                        openArgs(
                                "file",
                                "owner",
                                ShareBits.READ | ShareBits.WANT_READ_DELEG,
                                new OpenHow.Guarded(MODE_644)),
                        GET_FH)))))
                .isFalse();
        session.peer.expectAlone(NfsStatus.OK, new BindConnToSessionArgs(session.id, BindDirection.BACK, false));
        assertThat(session.flags()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void the_writer_is_asked_for_size_and_change_before_another_client_is_told(boolean changed) {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = delegated(tree, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);
        Attributes before = tree.attributes(file.file(), SIZE_AND_CHANGE);
        long size = changed ? 5 : before.size();
        long change = before.uint64(Attribute.CHANGE) + (changed ? 1 : 0);
        tree.session.peer.callbacks.answerWith(args -> args instanceof CbGetAttrArgs
                ? new CbResult.CbGetAttrResult(AttributeCodec.write(Attributes.builder()
                        .uint64(Attribute.CHANGE, change)
                        .size(size)
                        .build()))
                : new CbResult.CbSuccess(args.op()));
        Session other = suite.session();

        CompletableFuture<Results> asking = other.send(at(file.file(), new GetAttrArgs(SIZE_AND_CHANGE)));
        tree.session.peer.callbacks.await(CbGetAttrArgs.class, SECONDS);
        Results told = asking.join();
        if (told.status() == NfsStatus.DELAY) {
            told = other.call(false, at(file.file(), new GetAttrArgs(SIZE_AND_CHANGE)));
        }

        Attributes after = AttributeCodec.read(
                Session.find(GetAttrResult.class, told.operations()).attributes());
        assertThat(after.size()).isEqualTo(size);
        assertThat(after.uint64(Attribute.CHANGE) != before.uint64(Attribute.CHANGE))
                .isEqualTo(changed);
        assertThat(after.time(Attribute.TIME_MODIFY).equals(before.time(Attribute.TIME_MODIFY)))
                .isEqualTo(!changed);
        tree.session.ok(at(file.file(), new DelegReturnArgs(stateidOf(file))));
    }
}
