package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.opened;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DelegPurgeArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpArgs.WantDelegationArgs;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.OpResult.WantDelegationResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// Which delegations may be wanted, how they are used for OPEN, and what becomes of their stateids: RFC 8881
/// §10.4, §18.6, §18.16.3, §18.49.
@ExtendWith(SuiteServer.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DelegationWantTest {
    private static final OpenHow NO_CREATE = new OpenHow.NoCreate();

    private final Suite suite;
    private final Session session;
    private final Tree tree;

    DelegationWantTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @ParameterizedTest
    @ValueSource(ints = {0x600, 0x700, 0xff00, 0x40000, 0x1000})
    void a_want_that_nobody_defined_is_invalid(int want) {
        session.expect(
                NfsStatus.INVAL,
                tree.here(openArgs("file", "owner", ShareBits.READ | want, new OpenHow.Guarded(MODE_644))));
        session.expect(NfsStatus.NOENT, tree.here(openArgs("file", "owner", ShareBits.READ, NO_CREATE)));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                ShareBits.WANT_NO_DELEG,
                ShareBits.WANT_CANCEL,
                ShareBits.WANT_NO_DELEG | ShareBits.SIGNAL_WHEN_AVAILABLE,
                ShareBits.WANT_NO_DELEG | ShareBits.PUSH_WHEN_UNCONTENDED
            })
    void who_wants_none_or_no_more_gets_none(int want) {
        Opened file = opened(session.ok(
                tree.here(openArgs("file", "owner", ShareBits.READ | want, new OpenHow.Guarded(MODE_644)), GET_FH)));

        assertThat(file.delegation()).isInstanceOfAny(OpenDelegation.None.class, OpenDelegation.Refused.class);
    }

    @Test
    void an_open_under_a_delegation_of_ones_own_is_an_open_like_others() {
        Opened file = DelegationTest.delegated(tree, ShareBits.BOTH | ShareBits.WANT_WRITE_DELEG);
        Stateid delegation = DelegationTest.stateidOf(file);

        Opened byName = opened(session.ok(tree.here(
                openArgs("byName", ShareBits.BOTH, NO_CREATE, new OpenClaim.DelegateCurrent(delegation, "file")),
                GET_FH)));
        Opened byHandle = opened(session.ok(at(
                file.file(),
                openArgs("byHandle", ShareBits.BOTH, NO_CREATE, new OpenClaim.DelegateCurrentByHandle(delegation)),
                GET_FH)));

        tree.write(file.file(), byName.stateid(), 0, "by name");
        tree.write(file.file(), byHandle.stateid(), 3, "handle ");
        assertThat(tree.read(file.file(), delegation)).isEqualTo("by handle ");
        session.ok(at(file.file(), new DelegReturnArgs(delegation)));
        session.expect(
                NfsStatus.BAD_STATEID,
                tree.here(openArgs(
                        "late", ShareBits.BOTH, NO_CREATE, new OpenClaim.DelegateCurrent(delegation, "file"))));
        tree.close(byName);
        tree.close(byHandle);
    }

    @Test
    void a_delegation_is_given_back_by_its_holder_for_its_file_in_its_version() {
        Opened file = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Stateid delegation = DelegationTest.stateidOf(file);
        Opened other = tree.create("other");

        session.expect(NfsStatus.BAD_STATEID, at(other.file(), new DelegReturnArgs(delegation)));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new DelegReturnArgs(delegation.next())));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new DelegReturnArgs(file.stateid())));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new DelegReturnArgs(Stateid.ANONYMOUS)));
        session.expect(NfsStatus.NOFILEHANDLE, new DelegReturnArgs(delegation));
        suite.session().expect(NfsStatus.BAD_STATEID, at(file.file(), new DelegReturnArgs(delegation)));
        assertThat(tested(delegation)).isEqualTo(NfsStatus.OK);
        session.expect(NfsStatus.LOCKS_HELD, new FreeStateidArgs(delegation));
        session.ok(at(file.file(), new DelegReturnArgs(delegation.withSeqid(0))));
        assertThat(tested(delegation)).isEqualTo(NfsStatus.BAD_STATEID);
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new ReadArgs(delegation, 0, 10)));
    }

    private NfsStatus tested(Stateid stateid) {
        return Session.find(TestStateidResult.class, session.ok(new TestStateidArgs(List.of(stateid))))
                .statuses()
                .getFirst();
    }

    @Test
    void who_only_reads_writes_nothing_by_its_delegation() {
        Opened file = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);

        session.expect(NfsStatus.OPENMODE, at(file.file(), Tree.writeArgs(DelegationTest.stateidOf(file), 0, "no")));
        session.ok(at(file.file(), new DelegReturnArgs(DelegationTest.stateidOf(file))));
    }

    @Test
    void one_can_be_wanted_without_an_open() {
        Opened made = tree.create("file");
        tree.close(made);

        OpenDelegation got = Session.find(
                        WantDelegationResult.class,
                        session.ok(at(
                                made.file(),
                                new WantDelegationArgs(ShareBits.WANT_READ_DELEG, new OpenClaim.ByHandle()))))
                .delegation();

        if (got instanceof OpenDelegation.Read read) {
            session.ok(at(made.file(), new ReadArgs(read.stateid(), 0, 10)));
            session.ok(at(made.file(), new DelegReturnArgs(read.stateid())));
        } else {
            assertThat(got).isInstanceOf(OpenDelegation.Refused.class);
        }
    }

    @Test
    void none_is_claimed_back_that_was_not_lost_nor_of_what_cannot_be_delegated() {
        Opened made = tree.create("file");

        session.expect(
                NfsStatus.NO_GRACE,
                at(
                        made.file(),
                        new WantDelegationArgs(
                                ShareBits.WANT_READ_DELEG, new OpenClaim.Previous(DelegationType.READ))));
        session.expect(
                NfsStatus.NOTSUPP,
                at(
                        made.file(),
                        new WantDelegationArgs(ShareBits.WANT_READ_DELEG, new OpenClaim.DelegatePreviousByHandle())));
        assertThat(session.run(tree.here(new WantDelegationArgs(ShareBits.WANT_READ_DELEG, new OpenClaim.ByHandle())))
                        .getLast()
                        .status())
                .isIn(NfsStatus.ISDIR, NfsStatus.WRONG_TYPE);
        session.expect(
                NfsStatus.NOFILEHANDLE, new WantDelegationArgs(ShareBits.WANT_READ_DELEG, new OpenClaim.ByHandle()));
        session.expect(NfsStatus.NOTSUPP, new DelegPurgeArgs(session.clientId));
    }
}
