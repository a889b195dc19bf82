package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.opened;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.it.conformance.Tree.Opened;
import pnfs.it.process.Cluster;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What a lease that really runs out does, and a recall that nobody follows: RFC 8881 §8.3, §8.4.2.4, §10.2.1,
/// §18.38, §18.46.3. The lease of this server is as short as it gets.
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LeaseTest {
    private static final long BETWEEN_TRIES_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    @TempDir
    static Path folder;

    private static Cluster cluster;
    private static Suite suite;

    @BeforeAll
    static void start() throws IOException {
        cluster =
                Cluster.start(folder, new Cluster.Shape(1, 64L << 20, List.of("--lease", "1s", "--delegations", "on")));
        suite = new Suite(cluster.nfs());
    }

    @AfterAll
    static void end() {
        suite.close();
        cluster.close();
    }

    /// Tries until the answer is another than `refused`.
    private static NfsStatus outlast(NfsStatus refused, Supplier<NfsStatus> attempt) {
        NfsStatus answer = attempt.get();
        while (answer == refused) {
            LockSupport.parkNanos(BETWEEN_TRIES_NANOS);
            answer = attempt.get();
        }
        return answer;
    }

    private static NfsStatus last(Session session, OpArgs... operations) {
        return session.run(operations).getLast().status();
    }

    private static OpArgs denyAll(String file) {
        return new OpenArgs(
                0,
                ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                ShareBits.BOTH,
                new StateOwner(0, Opaque.ofUtf8("denying")),
                new OpenHow.NoCreate(),
                new OpenClaim.ByName(file));
    }

    private static LockArgs lockAll(Opened file) {
        return new LockArgs(
                LockType.WRITE,
                false,
                FileRange.WHOLE_FILE,
                new Locker.NewOwner(0, file.stateid(), 0, new StateOwner(0, Opaque.ofUtf8("locker"))));
    }

    @Test
    void a_silent_client_keeps_what_nobody_wants_and_loses_all_when_somebody_wants_a_part() {
        Session first = suite.session();
        Tree tree = Tree.make(first, suite.name());
        Opened locked = tree.create("unwanted");
        Stateid lock = Session.find(LockResult.class, first.ok(at(locked.file(), lockAll(locked))))
                .stateid();
        Session silent = suite.session();
        Tree there = tree.of(silent);
        there.close(there.create("wanted"));
        Opened denied = opened(silent.ok(there.here(denyAll("wanted"), GET_FH)));
        there.create("unwanted too");
        Tree other = tree.of(suite.session());
        OpArgs[] open = other.here(Tree.openArgs("wanted", "other", ShareBits.READ, new OpenHow.NoCreate()));

        assertThat(outlast(NfsStatus.SHARE_DENIED, () -> last(other.session, open)))
                .isIn(NfsStatus.OK, NfsStatus.DELAY);
        assertThat(outlast(NfsStatus.DELAY, () -> last(other.session, open))).isEqualTo(NfsStatus.OK);

        silent.peer.expectAlone(NfsStatus.BADSESSION, silent.next(0, false));
        Session again = Owner.exchange(suite.connect(), suite.name(), 1).createSession();
        again.expect(NfsStatus.BAD_STATEID, at(denied.file(), new ReadArgs(denied.stateid(), 0, 1)));
        // Silent longer than the other, whose lease was over.
        first.ok(at(locked.file(), new LockuArgs(LockType.WRITE, 0, lock, FileRange.WHOLE_FILE)));
        assertThat(first.flags()).isZero();
    }

    @Test
    void a_lock_of_a_silent_client_is_in_nobodys_way() {
        Session silent = suite.session();
        Tree tree = Tree.make(silent, suite.name());
        Opened file = tree.create("file");
        silent.ok(at(file.file(), lockAll(file)));
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);

        assertThat(outlast(NfsStatus.DENIED, () -> last(other.session, at(there.file(), lockAll(there)))))
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void who_does_not_give_a_delegation_back_loses_it_and_says_that_it_knows() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Stateid delegation = DelegationTest.stateidOf(file);
        Tree other = tree.of(suite.session());

        NfsStatus opened = outlast(NfsStatus.DELAY, () -> {
            tree.session.ok();
            return last(other.session, DelegationTest.openBy(other, ShareBits.WRITE));
        });

        assertThat(opened).isEqualTo(NfsStatus.OK);
        tree.session.peer.callbacks.await(CbRecallArgs.class, 1);
        requireRevoked(tree.session, file, delegation);
    }

    /// Without a lease gone by: a client that says that it has no such thing has none.
    @Test
    void who_does_not_know_its_delegation_has_none() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        tree.session.ok();
        tree.session.peer.callbacks.answerWith(args -> refuse(args, NfsStatus.BAD_STATEID));
        Tree other = tree.of(suite.session());

        assertThat(outlast(NfsStatus.DELAY, () -> last(other.session, DelegationTest.openBy(other, ShareBits.WRITE))))
                .isEqualTo(NfsStatus.OK);

        assertThat(tree.session.flags()).isZero();
        tree.session.expect(
                NfsStatus.BAD_STATEID, at(file.file(), new DelegReturnArgs(DelegationTest.stateidOf(file))));
    }

    @Test
    void who_refuses_a_recall_loses_the_delegation_after_a_lease() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Opened file = DelegationTest.delegated(tree, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);
        Stateid delegation = DelegationTest.stateidOf(file);
        tree.session.peer.callbacks.answerWith(args -> refuse(args, NfsStatus.DELAY));
        Tree other = tree.of(suite.session());

        NfsStatus opened = outlast(NfsStatus.DELAY, () -> {
            tree.session.ok();
            return last(other.session, DelegationTest.openBy(other, ShareBits.READ));
        });

        assertThat(opened).isEqualTo(NfsStatus.OK);
        requireRevoked(tree.session, file, delegation);
    }

    private static CbResult refuse(CbArgs args, NfsStatus status) {
        return new CbResult.CbFailure(args.op(), status);
    }

    /// What its holder sees of a delegation that was taken, until it has said that it knows.
    private static void requireRevoked(Session holder, Opened file, Stateid delegation) {
        assertThat(holder.flags()).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        assertThat(Session.find(TestStateidResult.class, holder.ok(new TestStateidArgs(List.of(delegation))))
                        .statuses())
                .containsExactly(NfsStatus.DELEG_REVOKED);
        holder.expect(NfsStatus.DELEG_REVOKED, at(file.file(), new ReadArgs(delegation, 0, 10)));
        assertThat(holder.flags()).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        holder.ok(new FreeStateidArgs(delegation));
        assertThat(holder.flags()).isZero();
        holder.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(delegation));
    }
}
