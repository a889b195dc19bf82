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
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.PutPubFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

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

    private static LockArgs lock(Stateid open) {
        return new LockArgs(
                LockType.WRITE,
                false,
                FileRange.of(0, 10),
                new Locker.NewOwner(0, open, 0, new StateOwner(0, Opaque.ofUtf8("locker"))));
    }

    private static LayoutGetArgs layout(Stateid stateid) {
        return new LayoutGetArgs(
                false, LayoutType.SCSI, Iomode.READ_WRITE, FileRange.of(0, 4096), 4096, stateid, 1 << 16);
    }

    @Test
    void a_lock_leaves_its_own_and_an_unlock_takes_it() {
        session.ok(tree.here(
                OPEN,
                lock(Stateid.CURRENT),
                Tree.writeArgs(Stateid.CURRENT, 0, "locked"),
                new LockuArgs(LockType.WRITE, 0, Stateid.CURRENT, FileRange.of(0, 10)),
                new FreeStateidArgs(Stateid.CURRENT)));
    }

    @Test
    void a_layout_leaves_its_own_for_commit_and_return() {
        session.ok(tree.here(
                OPEN,
                layout(Stateid.CURRENT),
                new LayoutCommitArgs(
                        FileRange.of(0, 4096),
                        false,
                        Stateid.CURRENT,
                        OptionalLong.of(99),
                        Optional.empty(),
                        new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of()))),
                new LayoutReturnArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.ANY,
                        new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, Stateid.CURRENT, Opaque.EMPTY))));
    }

    @Test
    void a_downgrade_leaves_its_own() {
        tree.close(tree.create("file"));
        tree.open("file", "owner", ShareBits.READ);

        session.ok(tree.here(
                openArgs("file", "owner", ShareBits.BOTH, new OpenHow.NoCreate()),
                new OpenDowngradeArgs(Stateid.CURRENT, 0, ShareBits.READ, 0),
                new ReadArgs(Stateid.CURRENT, 0, 10),
                CLOSE));
    }

    /// What names another file takes the stateid of the one before away.
    @Test
    void each_way_to_another_file_takes_it_away() {
        Opaque link = tree.object("link", FileType.SYMLINK);
        for (OpArgs[] away : List.of(
                new OpArgs[] {new PutRootFhArgs()},
                new OpArgs[] {new PutPubFhArgs()},
                new OpArgs[] {put(link)},
                new OpArgs[] {new PutRootFhArgs(), new LookupArgs(tree.name)},
                new OpArgs[] {put(tree.handle), new LookuppArgs()},
                new OpArgs[] {put(tree.handle), new CreateArgs(new CreateObject.Fifo(), "fifo", Tree.MODE_755)})) {
            Tree.Opened file = opened(session.run(
                    tree.here(openArgs("file", "owner", ShareBits.BOTH, new OpenHow.Unchecked(MODE_644)), GET_FH)));
            session.expect(
                    NfsStatus.BAD_STATEID,
                    Tree.concat(
                            tree.here(openArgs("file", "owner", ShareBits.BOTH, new OpenHow.NoCreate())),
                            away,
                            new OpArgs[] {new FreeStateidArgs(Stateid.CURRENT)}));
            tree.close(file);
        }
    }

    @Test
    void after_a_close_there_is_none_that_could_be_used() {
        session.expect(NfsStatus.BAD_STATEID, tree.here(OPEN, CLOSE, new ReadArgs(Stateid.CURRENT, 0, 10)));
        session.expect(
                NfsStatus.BAD_STATEID,
                tree.here(openArgs("file", "owner", ShareBits.BOTH, new OpenHow.NoCreate()), CLOSE, CLOSE));
    }

    @Test
    void a_saved_one_is_not_disturbed_by_what_comes_between() {
        Tree.Opened other = tree.create("other");

        session.ok(tree.here(
                OPEN,
                new SaveFhArgs(),
                put(other.file()),
                Tree.writeArgs(other.stateid(), 0, "other"),
                new RestoreFhArgs(),
                Tree.writeArgs(Stateid.CURRENT, 0, "file"),
                CLOSE));
        assertThat(tree.read(tree.lookup("file"), Stateid.ANONYMOUS)).isEqualTo("file");
        assertThat(tree.read(other.file(), other.stateid())).isEqualTo("other");
    }
}
