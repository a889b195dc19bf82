package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.opened;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpResult.OpenDowngradeResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What opens of a file give and deny to each other, and what OPEN_DOWNGRADE gives back: RFC 8881 §9.7 to §9.9,
/// §18.18.
@ExtendWith(SuiteServer.class)
class ShareTest {
    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opaque file;

    ShareTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
        Opened made = tree.create("file");
        tree.close(made);
        file = made.file();
    }

    private static OpArgs open(String owner, int access, int deny) {
        return new OpenArgs(
                0,
                access | ShareBits.WANT_NO_DELEG,
                deny,
                new StateOwner(0, Opaque.ofUtf8(owner)),
                new OpenHow.NoCreate(),
                new OpenClaim.ByName("file"));
    }

    private Opened opens(String owner, int access, int deny) {
        return opened(session.ok(tree.here(open(owner, access, deny), GET_FH)));
    }

    private void closes(Stateid stateid) {
        session.ok(at(file, closeArgs(stateid.withSeqid(0))));
    }

    /// All 144 pairs of what one has and denies and what another wants and denies.
    @Test
    void two_owners_share_a_file_unless_one_wants_what_the_other_denies() {
        for (int firstAccess = 1; firstAccess <= 3; firstAccess++) {
            for (int firstDeny = 0; firstDeny <= 3; firstDeny++) {
                Opened first = opens("first", firstAccess, firstDeny);
                for (int access = 1; access <= 3; access++) {
                    for (int deny = 0; deny <= 3; deny++) {
                        boolean refused = (access & firstDeny) != 0 || (deny & firstAccess) != 0;

                        var results = session.expect(
                                refused ? NfsStatus.SHARE_DENIED : NfsStatus.OK,
                                refused
                                        ? tree.here(open("second", access, deny))
                                        : tree.here(open("second", access, deny), GET_FH));

                        if (!refused) {
                            closes(opened(results).stateid());
                        }
                    }
                }
                closes(first.stateid());
            }
        }
    }

    /// RFC 8881 §9.10: the union of all its opens, under one stateid.
    @Test
    void an_owner_adds_to_what_it_has_and_is_not_in_its_own_way() {
        Opened first = opens("owner", ShareBits.READ, ShareBits.WRITE);

        Opened more = opens("owner", ShareBits.WRITE, ShareBits.READ);

        assertThat(more.stateid()).isEqualTo(first.stateid().next());
        session.ok(at(file, Tree.writeArgs(more.stateid(), 0, "data")));
        session.expect(NfsStatus.SHARE_DENIED, tree.here(open("other", ShareBits.READ, 0)));
        session.expect(NfsStatus.SHARE_DENIED, tree.here(open("other", ShareBits.WRITE, 0)));
        closes(more.stateid());
    }

    /// Each line: what was opened as access and deny, one digit each; what it is lessened to; how that ends.
    @ParameterizedTest
    @CsvSource({
        "30, 30, OK",
        "30, 10, INVAL",
        "30, 20, INVAL",
        "10 30, 10, OK",
        "10 30, 20, INVAL",
        "20 30, 20, OK",
        "10 20, 10, OK",
        "10 20, 20, OK",
        "10 20, 30, OK",
        "10, 30, INVAL",
        "10, 11, INVAL",
        "12, 10, INVAL",
        "10 12, 10, OK",
        "10 12, 12, OK",
        "10 12, 11, INVAL",
        "12, 12, OK",
        "10, 00, INVAL",
        "10, 40, INVAL",
        "10, 14, INVAL"
    })
    void a_downgrade_leaves_what_some_of_the_opens_asked_for(String steps, String wanted, NfsStatus expected) {
        Opened opened = null;
        for (String step : steps.split(" ", -1)) {
            opened = opens("owner", step.charAt(0) - '0', step.charAt(1) - '0');
        }
        assertThat(opened).isNotNull();

        var args = new OpenDowngradeArgs(opened.stateid(), 0, wanted.charAt(0) - '0', wanted.charAt(1) - '0');
        var results = session.expect(expected, at(file, args));

        if (expected == NfsStatus.OK) {
            Stateid lessened = Session.find(OpenDowngradeResult.class, results).stateid();
            assertThat(lessened).isEqualTo(opened.stateid().next());
            boolean writes = ((wanted.charAt(0) - '0') & ShareBits.WRITE) != 0;
            session.expect(writes ? NfsStatus.OK : NfsStatus.OPENMODE, at(file, Tree.writeArgs(lessened, 0, "data")));
        }
        closes(opened.stateid());
    }

    @Test
    void what_is_denied_to_others_is_theirs_again_after_a_downgrade() {
        opens("first", ShareBits.READ, 0);
        Opened first = opens("first", ShareBits.READ, ShareBits.WRITE);
        session.expect(NfsStatus.SHARE_DENIED, tree.here(open("second", ShareBits.WRITE, 0)));

        session.ok(at(file, new OpenDowngradeArgs(first.stateid(), 0, ShareBits.READ, 0)));

        closes(opens("second", ShareBits.WRITE, 0).stateid());
        closes(first.stateid());
    }

    @Test
    void a_downgrade_is_of_an_open_that_is_there() {
        Opened opened = opens("owner", ShareBits.BOTH, 0);
        closes(opened.stateid());

        session.expect(NfsStatus.BAD_STATEID, at(file, new OpenDowngradeArgs(opened.stateid(), 0, ShareBits.BOTH, 0)));
        session.expect(NfsStatus.NOFILEHANDLE, new OpenDowngradeArgs(opened.stateid(), 0, ShareBits.BOTH, 0));
    }

    /// The names are gone, the bytes stay until the last CLOSE: RFC 8881 §18.25.4 leaves it to the server, and
    /// POSIX programs count on it.
    @Test
    void a_file_that_is_removed_stays_readable_by_who_has_it_open() {
        Opened opened = opens("owner", ShareBits.BOTH, 0);
        tree.write(file, opened.stateid(), 0, "still there");

        session.ok(tree.here(new RemoveArgs("file")));

        assertThat(tree.read(file, opened.stateid())).isEqualTo("still there");
        closes(opened.stateid());
        session.expect(NfsStatus.STALE, at(file, new ReadArgs(Stateid.ANONYMOUS, 0, 10)));
    }

    @Test
    void an_unchecked_create_of_what_is_there_cuts_it_only_where_it_may() {
        Opened opened = opens("owner", ShareBits.BOTH, 0);
        tree.write(file, opened.stateid(), 0, "0123456789");
        var cut = AttributeCodec.write(Attributes.builder().size(0).build());

        tree.close(opened(session.ok(
                tree.here(Tree.openArgs("file", "cutter", ShareBits.BOTH, new OpenHow.Unchecked(MODE_644)), GET_FH))));
        assertThat(tree.read(file, opened.stateid())).isEqualTo("0123456789");
        tree.close(opened(session.ok(
                tree.here(Tree.openArgs("file", "cutter", ShareBits.BOTH, new OpenHow.Unchecked(cut)), GET_FH))));
        assertThat(tree.read(file, opened.stateid())).isEmpty();
        closes(opened.stateid());
    }

    @Test
    void opens_of_two_clients_are_two_opens() {
        Tree other = tree.of(suite.session());
        Opened mine = opens("owner", ShareBits.READ, 0);
        Opened theirs = other.open("file", "owner", ShareBits.READ);

        assertThat(theirs.stateid().other()).isNotEqualTo(mine.stateid().other());
        other.session.expect(NfsStatus.BAD_STATEID, at(file, closeArgs(mine.stateid())));
        other.close(theirs);
        session.ok(at(file, new ReadArgs(mine.stateid(), 0, 1)));
        closes(mine.stateid());
    }
}
