package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.opened;
import static pnfs.it.conformance.Tree.put;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// The current stateid, RFC 8881 §16.2.3.1.2: what one operation of a COMPOUND leaves to the next.
@ExtendWith(SuiteServer.class)
class CurrentStateidTest {
    private static final OpArgs OPEN = openArgs("file", "owner", ShareBits.BOTH, new OpenHow.Guarded(MODE_644));
    private static final OpArgs CLOSE = closeArgs(Stateid.CURRENT);

    private final Session session;
    private final Tree tree;

    CurrentStateidTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @Test
    void a_close_closes_what_the_open_before_it_opened() {
        session.ok(tree.here(OPEN, GET_FH, CLOSE));
    }

    @Test
    void a_write_in_between_uses_it_too() {
        session.ok(tree.here(OPEN, GET_FH, Tree.writeArgs(Stateid.CURRENT, 5, "write test data"), CLOSE));
    }

    @Test
    void a_size_is_set_by_it() {
        var resize = new SetAttrArgs(
                Stateid.CURRENT,
                AttributeCodec.write(Attributes.builder().size(8).build()));

        session.ok(tree.here(OPEN, GET_FH, resize, CLOSE));
    }

    @Test
    void an_open_is_not_freed_by_it() {
        List<OpResult> results = session.expect(
                NfsStatus.LOCKS_HELD, tree.here(OPEN, GET_FH, new FreeStateidArgs(Stateid.CURRENT), CLOSE));

        tree.close(opened(results));
    }

    @Test
    void another_file_takes_it_away() {
        List<OpResult> results =
                session.expect(NfsStatus.BAD_STATEID, Tree.concat(tree.here(OPEN, GET_FH), tree.here(CLOSE)));

        tree.close(opened(results));
    }

    @Test
    void nobody_left_one() {
        Tree.Opened file = tree.create("file");

        session.expect(NfsStatus.BAD_STATEID, at(file.file(), CLOSE));
        tree.close(file);
    }

    @Test
    void it_is_saved_and_restored_with_the_filehandle() {
        List<OpResult> results =
                session.ok(tree.here(OPEN, GET_FH, new SaveFhArgs(), put(tree.handle), new RestoreFhArgs(), CLOSE));

        assertThat(results).hasSize(7);
    }
}
