package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.put;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NetLocation;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.CopyNotifyArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.IoAdviseArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpResult.IoAdviseResult;
import pnfs.wire.nfs4.OpResult.ReadPlusResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.SeekResult;
import pnfs.wire.nfs4.ReadPlusContent;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// Where a file has data, where holes, and what ALLOCATE, DEALLOCATE, SEEK, READ_PLUS, IO_ADVISE and COPY make of
/// it: RFC 7862 §15.
@ExtendWith(SuiteServer.class)
class SpaceTest {
    private static final int BLOCK = 4096;

    private final Session session;
    private final Tree tree;
    private final Opened file;

    SpaceTest(Suite suite) {
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private void expect(NfsStatus expected, OpArgs operation) {
        session.expect(expected, at(file.file(), operation));
    }

    private long size() {
        return tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size();
    }

    /// Writes a block where there is an `x` and makes a hole of what is a dot.
    private void draw(String picture) {
        tree.session.ok(at(
                file.file(), new AllocateArgs(file.stateid(), FileRange.of(0, (long) picture.length() * BLOCK))));
        for (int at = 0; at < picture.length(); at++) {
            if (picture.charAt(at) == 'x') {
                tree.write(file.file(), file.stateid(), (long) at * BLOCK, "x".repeat(BLOCK));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "xx, 0, DATA, 0, false",
        "xx, 0, HOLE, 2, true",
        "x.x, 0, HOLE, 1, false",
        "x.x, 1, HOLE, 1, false",
        "x.x, 1, DATA, 2, false",
        "x.x, 2, HOLE, 3, true",
        "..x, 0, DATA, 2, false",
        "..x, 0, HOLE, 0, false",
        ".x.x, 2, DATA, 3, false",
        "x..., 1, DATA, 4, true"
    })
    void seek_finds_the_next_data_or_hole(String picture, int from, SeekWhat what, int expected, boolean eof) {
        draw(picture);

        var results = session.run(at(file.file(), new SeekArgs(file.stateid(), (long) from * BLOCK, what)));

        if (results.getLast() instanceof SeekResult found) {
            assertThat(found).isEqualTo(new SeekResult(eof, (long) expected * BLOCK));
        } else {
            // Data after the last: RFC 7862 §15.11.3 has sr_eof, Linux before it ENXIO.
            assertThat(results.getLast().status()).isEqualTo(NfsStatus.NXIO);
            assertThat(picture.indexOf('x', from)).isNegative();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4096, 1L << 40})
    void beyond_the_end_there_is_neither_data_nor_hole(long beyond) {
        long end = size();

        for (SeekWhat what : SeekWhat.values()) {
            expect(NfsStatus.NXIO, new SeekArgs(file.stateid(), end + beyond, what));
        }
    }

    @Test
    void read_plus_tells_data_and_holes_in_order_and_without_gaps() {
        draw("x.xx..x");
        for (int from : new int[] {0, 100, BLOCK, 4 * BLOCK + 1}) {
            long at = from;
            boolean eof = false;
            while (!eof) {
                ReadPlusResult told = Session.find(
                        ReadPlusResult.class,
                        session.ok(at(file.file(), new ReadPlusArgs(file.stateid(), at, 7 * BLOCK))));
                assertThat(told.contents()).isNotEmpty();
                for (ReadPlusContent content : told.contents()) {
                    switch (content) {
                        case ReadPlusContent.Data data -> {
                            assertThat(data.offset()).isEqualTo(at);
                            at += data.data().remaining();
                        }
                        case ReadPlusContent.Hole hole -> {
                            assertThat(hole.offset()).isLessThanOrEqualTo(at);
                            at = hole.offset() + hole.length();
                        }
                    }
                }
                eof = told.eof();
            }
            assertThat(at).isGreaterThanOrEqualTo(7 * BLOCK);
        }
        ReadPlusResult nothing = Session.find(
                ReadPlusResult.class, session.ok(at(file.file(), new ReadPlusArgs(file.stateid(), 1L << 40, 100))));
        assertThat(nothing.eof()).isTrue();
        assertThat(nothing.contents()).isEmpty();
    }

    @Test
    void allocate_makes_a_file_longer_and_deallocate_does_not_change_its_length() {
        session.ok(at(file.file(), new AllocateArgs(file.stateid(), FileRange.of(BLOCK, 100))));
        assertThat(size()).isEqualTo(BLOCK + 100);
        session.ok(at(file.file(), new AllocateArgs(file.stateid(), FileRange.of(0, 10))));
        assertThat(size()).isEqualTo(BLOCK + 100);
        for (FileRange range : List.of(FileRange.of(0, 10), FileRange.of(50, 1L << 40), FileRange.toEnd(7))) {
            session.ok(at(file.file(), new DeallocateArgs(file.stateid(), range)));
            assertThat(size()).isEqualTo(BLOCK + 100);
        }
        expect(NfsStatus.INVAL, new AllocateArgs(file.stateid(), FileRange.of(5, 0)));
        expect(NfsStatus.INVAL, new DeallocateArgs(file.stateid(), FileRange.of(5, 0)));
    }

    @Test
    void more_than_there_is_is_not_allocated_and_nothing_is_lost_by_trying() {
        tree.write(file.file(), file.stateid(), 0, "data");

        for (long most : new long[] {1L << 40, 1L << 60}) {
            assertThat(session.run(at(file.file(), new AllocateArgs(file.stateid(), FileRange.of(0, most))))
                            .getLast()
                            .status())
                    .isIn(NfsStatus.NOSPC, NfsStatus.FBIG);
        }
        assertThat(tree.read(file.file(), file.stateid())).isEqualTo("data");
        session.ok(at(file.file(), new AllocateArgs(file.stateid(), FileRange.of(0, BLOCK))));
    }

    @ParameterizedTest
    @CsvSource({"0, 4", "3, 5", "4090, 12", "4096, 4096", "0, 12288", "4095, 2"})
    void a_hole_reads_as_zeros_and_what_is_around_it_stays(int from, int length) {
        draw("xxx");

        session.ok(at(file.file(), new DeallocateArgs(file.stateid(), FileRange.of(from, length))));

        var read = Session.find(
                        ReadResult.class, session.ok(at(file.file(), new OpArgs.ReadArgs(file.stateid(), 0, 8000))))
                .data();
        for (int at = 0; at < read.remaining(); at++) {
            assertThat(read.get(read.position() + at)).as("byte %s", at).isEqualTo((byte)
                    (at >= from && at < from + length ? 0 : 'x'));
        }
    }

    @Test
    void advice_is_taken_by_who_has_the_file_open_and_promises_nothing_unknown() {
        Bitmap all = Bitmap.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 40);

        var taken = Session.find(
                IoAdviseResult.class, session.ok(at(file.file(), new IoAdviseArgs(file.stateid(), 0, 0, all))));

        assertThat(all.containsAll(taken.hints())).isTrue();
        assertThat(taken.hints().has(40)).isFalse();
        expect(NfsStatus.BAD_STATEID, new IoAdviseArgs(file.stateid().next(), 0, 0, all));
        expect(NfsStatus.BAD_STATEID, new IoAdviseArgs(Stateid.INVALID, 0, 0, all));
        session.expect(NfsStatus.NOFILEHANDLE, new IoAdviseArgs(file.stateid(), 0, 0, all));
    }

    @Test
    void a_copy_is_of_files_of_this_server_with_something_to_copy() {
        Opened target = tree.create("target");
        tree.write(file.file(), file.stateid(), 0, "0123456789");
        var elsewhere = new NetLocation.Address("tcp", "127.0.0.1.8.1");

        session.expect(
                NfsStatus.NOTSUPP,
                at(
                        file.file(),
                        new SaveFhArgs(),
                        put(target.file()),
                        new CopyArgs(file.stateid(), target.stateid(), 0, 0, 10, false, true, List.of(elsewhere))));
        expect(NfsStatus.NOTSUPP, new CopyNotifyArgs(file.stateid(), elsewhere));
        for (long[] beyond : new long[][] {{11, 1}, {0, 11}, {5, 6}}) {
            session.expect(NfsStatus.INVAL, copy(target, beyond[0], beyond[1]));
        }
        session.ok(copy(target, 10, 0));
        Opened writing = tree.open("file", "writer", ShareBits.WRITE);
        session.expect(
                NfsStatus.NOFILEHANDLE,
                put(target.file()),
                new CopyArgs(writing.stateid(), target.stateid(), 0, 0, 1, false, true, List.of()));
        session.expect(
                NfsStatus.ISDIR,
                at(
                        tree.handle,
                        new SaveFhArgs(),
                        put(target.file()),
                        new CopyArgs(file.stateid(), target.stateid(), 0, 0, 1, false, true, List.of())));
        assertThat(tree.read(target.file(), target.stateid())).isEmpty();
    }

    private OpArgs[] copy(Opened target, long from, long count) {
        return at(
                file.file(),
                new SaveFhArgs(),
                put(target.file()),
                new CopyArgs(file.stateid(), target.stateid(), from, 0, count, false, true, List.of()));
    }

    @Test
    void the_same_pattern_over_and_over_is_not_written_for_a_client() {
        assertThat(session.raw(file.file(), 70, out -> {
                    out.writeUint32(file.stateid().seqid());
                    out.writeFixed(file.stateid().other());
                    out.writeUint32(2);
                    out.writeUint64(0);
                    out.writeUint64(BLOCK);
                    out.writeUint64(1);
                    out.writeUint64(0);
                    out.writeUint32(0);
                    out.writeUint64(0);
                    out.writeOpaque(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
                }))
                .isEqualTo(NfsStatus.NOTSUPP);
    }
}
