package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.put;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.OffloadCancelArgs;
import pnfs.wire.nfs4.OpArgs.OffloadStatusArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CopyResult;
import pnfs.wire.nfs4.OpResult.SeekResult;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What 4.2 can do with the space of a file, and copies: RFC 7862 §15.
@ExtendWith(SuiteServer.class)
class SparseTest {
    private static final Stateid MADE_UP = new Stateid(1, Opaque.ofHex("deadbeef".repeat(3)));

    private final Session session;
    private final Tree tree;
    private final Opened file;

    SparseTest(Suite suite) {
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    @Test
    void space_is_allocated_by_an_open_and_by_both_special_stateids() {
        for (Stateid stateid : List.of(file.stateid(), Stateid.ANONYMOUS, Stateid.READ_BYPASS)) {
            session.ok(at(file.file(), new AllocateArgs(stateid, FileRange.of(0, 1))));
        }

        assertThat(tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size())
                .isEqualTo(1);
    }

    @Test
    void a_hole_is_made_and_found() {
        for (int block = 0; block < 3; block++) {
            tree.write(file.file(), file.stateid(), block * 4096L, "x".repeat(4096));
        }

        session.ok(at(file.file(), new DeallocateArgs(file.stateid(), FileRange.of(4096, 4096))));

        assertThat(seek(0, SeekWhat.HOLE)).isEqualTo(new SeekResult(false, 4096));
        assertThat(seek(4096, SeekWhat.DATA)).isEqualTo(new SeekResult(false, 8192));
        session.expect(NfsStatus.NXIO, at(file.file(), new SeekArgs(file.stateid(), 3 * 4096, SeekWhat.DATA)));
        session.ok(at(file.file(), new ReadPlusArgs(file.stateid(), 0, 3 * 4096)));
    }

    private SeekResult seek(long from, SeekWhat what) {
        return Session.find(SeekResult.class, session.ok(at(file.file(), new SeekArgs(file.stateid(), from, what))));
    }

    @Test
    void a_copy_of_no_length_goes_to_the_end_and_one_with_offsets_where_they_say() {
        tree.write(file.file(), file.stateid(), 0, "write test data");
        Opened target = tree.create("target");

        for (boolean synchronous : new boolean[] {true, false}) {
            CopyResult copied = copy(NfsStatus.OK, file.stateid(), target, target.stateid(), 0, 0, 0, synchronous);
            assertThat(copied.response().count()).isEqualTo("write test data".length());
            assertThat(copied.synchronous()).isTrue();
            assertThat(tree.read(target.file(), target.stateid())).isEqualTo("write test data");
        }
        copy(NfsStatus.OK, file.stateid(), target, target.stateid(), 6, 3, 4, true);
        assertThat(tree.read(target.file(), target.stateid())).isEqualTo("wri" + "test" + "est data");
    }

    @Test
    void a_copy_wants_two_stateids_that_are_there() {
        tree.write(file.file(), file.stateid(), 0, "data");
        Opened target = tree.create("target");

        session.expect(NfsStatus.BAD_STATEID, copyArgs(MADE_UP, target, target.stateid(), 0, 0, 4, true));
        session.expect(NfsStatus.BAD_STATEID, copyArgs(file.stateid(), target, MADE_UP, 0, 0, 4, true));
    }

    @Test
    void nothing_is_copied_behind_a_clients_back() {
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new OffloadStatusArgs(MADE_UP)));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new OffloadCancelArgs(MADE_UP)));
    }

    private CopyResult copy(
            NfsStatus expected,
            Stateid source,
            Opened target,
            Stateid destination,
            long from,
            long to,
            long count,
            boolean synchronous) {
        List<OpResult> results =
                session.expect(expected, copyArgs(source, target, destination, from, to, count, synchronous));
        return Session.find(CopyResult.class, results);
    }

    private OpArgs[] copyArgs(
            Stateid source, Opened target, Stateid destination, long from, long to, long count, boolean synchronous) {
        return at(
                file.file(),
                new SaveFhArgs(),
                put(target.file()),
                new CopyArgs(source, destination, from, to, count, false, synchronous, List.of()));
    }
}
