package pnfs.it.conformance;

import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.PUT_ROOT;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;

/// RECLAIM_COMPLETE, RFC 8881 §18.51.
@ExtendWith(SuiteServer.class)
class ReclaimCompleteTest {
    private final Suite suite;

    ReclaimCompleteTest(Suite suite) {
        this.suite = suite;
    }

    private Session fresh() {
        return Owner.exchange(suite.connect(), suite.name(), 1).createSession();
    }

    @Test
    void it_is_said_of_a_file_system_and_once_of_all() {
        Session session = fresh();

        session.ok(PUT_ROOT, new ReclaimCompleteArgs(true));
        session.ok(new ReclaimCompleteArgs(false));
        session.expect(NfsStatus.COMPLETE_ALREADY, new ReclaimCompleteArgs(false));
    }

    @Test
    void before_it_nothing_new_is_opened() {
        fresh().expect(
                        NfsStatus.GRACE,
                        PUT_ROOT,
                        openArgs(suite.name(), "owner", ShareBits.BOTH, new OpenHow.Guarded(MODE_644)));
    }

    @Test
    void after_it_nothing_is_reclaimed() {
        Tree tree = Tree.make(suite.session(), suite.name());
        Tree.Opened file = tree.create("file");

        tree.session.expect(
                NfsStatus.NO_GRACE,
                at(
                        file.file(),
                        openArgs(
                                "file",
                                ShareBits.BOTH,
                                new OpenHow.NoCreate(),
                                new OpenClaim.Previous(DelegationType.NONE))));
        tree.close(file);
    }
}
