package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.opened;
import static pnfs.it.conformance.Tree.writeArgs;

import java.nio.ByteBuffer;
import java.util.HashSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult.CommitResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// READ, WRITE and COMMIT, and who may: RFC 8881 §8.2.3, §18.3, §18.22, §18.32.
@ExtendWith(SuiteServer.class)
class IoTest {
    private static final Bitmap CHANGE = Bitmap.of(Attribute.CHANGE);

    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opened file;

    IoTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private ReadResult read(long offset, int count) {
        return Session.find(ReadResult.class, session.ok(at(file.file(), new ReadArgs(file.stateid(), offset, count))));
    }

    @Test
    void a_read_ends_with_the_file_and_says_so() {
        tree.write(file.file(), file.stateid(), 0, "0123456789");

        assertThat(read(0, 10)).satisfies(all -> {
            assertThat(all.eof()).isTrue();
            assertThat(all.data().remaining()).isEqualTo(10);
        });
        assertThat(read(0, 9).eof()).isFalse();
        assertThat(read(0, 0)).satisfies(nothing -> {
            assertThat(nothing.eof()).isFalse();
            assertThat(nothing.data().remaining()).isZero();
        });
        for (long beyond : new long[] {10, 11, 1L << 40}) {
            assertThat(read(beyond, 5)).satisfies(nothing -> {
                assertThat(nothing.eof()).isTrue();
                assertThat(nothing.data().remaining()).isZero();
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_write_is_as_durable_as_asked_for_and_commit_knows_it_by_its_verifier(StableHow stable) {
        var written = Session.find(
                WriteResult.class,
                session.ok(at(file.file(), new WriteArgs(file.stateid(), 0, stable, ByteBuffer.allocate(10)))));
        var committed = Session.find(CommitResult.class, session.ok(at(file.file(), new CommitArgs(0, 0))));

        assertThat(written.count()).isEqualTo(10);
        assertThat(written.committed()).isGreaterThanOrEqualTo(stable);
        assertThat(committed.verifier()).isEqualTo(written.verifier());
        session.ok(at(file.file(), new CommitArgs(5, 3)));
        session.ok(at(file.file(), new CommitArgs(1L << 40, 3)));
    }

    @Test
    void nothing_written_changes_nothing() {
        long before = tree.attributes(file.file(), CHANGE).uint64(Attribute.CHANGE);

        session.ok(at(file.file(), writeArgs(file.stateid(), 100, "")));

        assertThat(tree.attributes(file.file(), CHANGE).uint64(Attribute.CHANGE))
                .isEqualTo(before);
    }

    @Test
    void what_passes_the_end_of_all_files_is_refused() {
        NfsStatus refused = session.run(at(file.file(), writeArgs(file.stateid(), Long.MAX_VALUE - 1, "data")))
                .getLast()
                .status();

        assertThat(refused).isIn(NfsStatus.FBIG, NfsStatus.INVAL);
        session.expect(NfsStatus.INVAL, at(file.file(), new CommitArgs(-2L, 1000)));
    }

    @Test
    void a_megabyte_goes_in_one_piece() {
        Owner owner = Owner.exchange(suite.connect(), suite.name(), 1);
        Session wide = owner.createSession(Owner.channel((1 << 20) + 4096, (1 << 20) + 4096, 512, 16, 8));
        wide.ok(new OpArgs.ReclaimCompleteArgs(false));
        Tree there = tree.of(wide);
        Opened mine = there.open("file", "wide", ShareBits.BOTH);

        var written = Session.find(
                WriteResult.class,
                wide.ok(at(
                        mine.file(),
                        new WriteArgs(mine.stateid(), 0, StableHow.UNSTABLE, ByteBuffer.allocate(1 << 20)))));
        var seen = Session.find(ReadResult.class, wide.ok(at(mine.file(), new ReadArgs(mine.stateid(), 0, 1 << 20))));

        assertThat(written.count()).isEqualTo(1 << 20);
        assertThat(seen.data().remaining()).isEqualTo(1 << 20);
        assertThat(seen.eof()).isTrue();
    }

    @Test
    void a_read_of_more_than_the_reply_takes_is_short() {
        tree.write(file.file(), file.stateid(), 0, "x".repeat(7000));
        tree.write(file.file(), file.stateid(), 7000, "x".repeat(7000));

        ReadResult some = read(0, 14000);

        assertThat(some.eof()).isFalse();
        assertThat(some.data().remaining()).isBetween(1, 8192);
    }

    /// Each operation that goes by a stateid.
    private static OpArgs[] allBy(Stateid stateid) {
        return new OpArgs[] {
            new ReadArgs(stateid, 0, 10),
            writeArgs(stateid, 0, "data"),
            new ReadPlusArgs(stateid, 0, 10),
            new SeekArgs(stateid, 0, SeekWhat.HOLE),
            new AllocateArgs(stateid, FileRange.of(0, 10)),
            new DeallocateArgs(stateid, FileRange.of(0, 10))
        };
    }

    @Test
    void a_stateid_is_of_this_file_in_its_version_and_of_this_client() {
        session.ofMinorVersion(2);
        Opened other = tree.create("other");
        Session stranger = suite.session().ofMinorVersion(2);
        Opened twice = tree.open("file", "file", ShareBits.BOTH);

        for (OpArgs operation : allBy(other.stateid())) {
            session.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
        for (OpArgs operation : allBy(Stateid.INVALID)) {
            session.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
        for (OpArgs operation : allBy(twice.stateid().next())) {
            session.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
        for (OpArgs operation : allBy(file.stateid())) {
            session.expect(NfsStatus.OLD_STATEID, at(file.file(), operation));
        }
        for (OpArgs operation : allBy(twice.stateid())) {
            stranger.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
        for (OpArgs operation : allBy(Stateid.CURRENT)) {
            session.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
        session.ok(at(file.file(), closeArgs(twice.stateid())));
        for (OpArgs operation : allBy(twice.stateid().withSeqid(0))) {
            session.expect(NfsStatus.BAD_STATEID, at(file.file(), operation));
        }
    }

    @Test
    void who_opened_for_reading_does_not_write() {
        session.ofMinorVersion(2);
        tree.write(file.file(), file.stateid(), 0, "data");
        Opened reading = tree.open("file", "reader", ShareBits.READ);
        var refused = new HashSet<NfsStatus>();

        for (OpArgs operation : allBy(reading.stateid())) {
            refused.add(session.run(at(file.file(), operation)).getLast().status());
        }
        session.expect(NfsStatus.OPENMODE, at(file.file(), writeArgs(reading.stateid(), 0, "data")));
        session.expect(NfsStatus.OPENMODE, at(file.file(), new AllocateArgs(reading.stateid(), FileRange.of(0, 10))));
        session.expect(NfsStatus.OPENMODE, at(file.file(), new DeallocateArgs(reading.stateid(), FileRange.of(0, 10))));

        assertThat(refused).containsExactlyInAnyOrder(NfsStatus.OK, NfsStatus.OPENMODE);
    }

    @Test
    void a_special_stateid_meets_what_others_deny() {
        tree.close(file);
        Opened denying = opened(session.ok(tree.here(
                new OpenArgs(
                        0,
                        ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                        ShareBits.BOTH,
                        new StateOwner(0, Opaque.ofUtf8("denying")),
                        new OpenHow.NoCreate(),
                        new OpenClaim.ByName("file")),
                GET_FH)));
        Session other = suite.session();

        other.expect(NfsStatus.LOCKED, at(file.file(), new ReadArgs(Stateid.ANONYMOUS, 0, 10)));
        other.expect(NfsStatus.LOCKED, at(file.file(), writeArgs(Stateid.ANONYMOUS, 0, "data")));
        other.expect(NfsStatus.LOCKED, at(file.file(), writeArgs(Stateid.READ_BYPASS, 0, "data")));
        session.ok(at(file.file(), closeArgs(denying.stateid())));
        other.ok(at(file.file(), writeArgs(Stateid.ANONYMOUS, 0, "data")));
    }
}
