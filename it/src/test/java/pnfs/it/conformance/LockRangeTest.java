package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.LockuResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Which bytes of a file are locked after locks of one owner: split, merged, upgraded and downgraded as POSIX
/// has it. RFC 8881 §9.1, §18.10, §18.12.
@ExtendWith(SuiteServer.class)
class LockRangeTest {
    private static final int BYTES = 10;
    private static final int LOCK = 12;
    private static final int LOCKT = 13;
    private static final int LOCKU = 14;

    private final Session session;
    private final Tree tree;
    private final Opened file;
    private @Nullable Stateid held;

    LockRangeTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private static StateOwner owner(String name) {
        return new StateOwner(0, Opaque.ofUtf8(name));
    }

    private OpArgs lockArgs(LockType type, FileRange range) {
        Locker locker = held == null
                ? new Locker.NewOwner(0, file.stateid(), 0, owner("holder"))
                : new Locker.KnownOwner(held, 0);
        return new LockArgs(type, false, range, locker);
    }

    private void lock(LockType type, FileRange range) {
        held = Session.find(LockResult.class, session.ok(at(file.file(), lockArgs(type, range))))
                .stateid();
    }

    private void unlock(Stateid lock, FileRange range) {
        held = Session.find(
                        LockuResult.class, session.ok(at(file.file(), new LockuArgs(LockType.WRITE, 0, lock, range))))
                .stateid();
    }

    /// `R2-4`: the bytes 2, 3 and 4 are locked for reading; `W` for writing, `U` unlocked.
    private void run(String step) {
        FileRange range = FileRange.of(step.charAt(1) - '0', step.charAt(3) - step.charAt(1) + 1);
        switch (step.charAt(0)) {
            case 'R' -> lock(LockType.READ, range);
            case 'W' -> lock(LockType.WRITE, range);
            default -> unlock(held == null ? Stateid.INVALID : held, range);
        }
    }

    /// What another owner may not have, a letter a byte.
    private String picture() {
        var picture = new StringBuilder();
        for (int at = 0; at < BYTES; at++) {
            picture.append(isDenied(LockType.READ, at) ? 'W' : isDenied(LockType.WRITE, at) ? 'R' : '.');
        }
        return picture.toString();
    }

    private boolean isDenied(LockType type, int at) {
        OpArgs test = new LocktArgs(type, FileRange.of(at, 1), owner("other"));
        return session.run(at(file.file(), test)).getLast().status() == NfsStatus.DENIED;
    }

    @ParameterizedTest
    @CsvSource({
        "R2-5, ..RRRR....",
        "W2-5, ..WWWW....",
        "R2-5 W3-4, ..RWWR....",
        "W2-5 R3-4, ..WRRW....",
        "R2-5 W2-5, ..WWWW....",
        "W2-5 R2-5, ..RRRR....",
        "W2-5 U3-3, ..W.WW....",
        "W2-5 U2-2, ...WWW....",
        "W2-5 U5-5, ..WWW.....",
        "W2-5 U0-9, ..........",
        "R0-1 R2-3, RRRR......",
        "R0-1 R4-5 R2-3, RRRRRR....",
        "R0-1 R4-5 W1-4, RWWWWR....",
        "W0-1 W4-5 U1-4, W....W....",
        "R0-9 W0-0 W9-9, WRRRRRRRRW",
        "W0-9 U1-1 U3-3 U5-5, W.W.W.WWWW",
        "W0-9 U1-1 U3-3 R0-9, RRRRRRRRRR",
        "R5-9 R0-6, RRRRRRRRRR",
        "R2-3 U6-7, ..RR......"
    })
    void the_last_lock_of_an_owner_decides_about_each_byte(String steps, String expected) {
        for (String step : steps.split(" ", -1)) {
            run(step);
        }

        assertThat(picture()).isEqualTo(expected);
    }

    @Test
    void an_upgrade_that_another_reader_forbids_leaves_the_read_lock() {
        lock(LockType.READ, FileRange.of(0, 5));
        Stateid other = Session.find(
                        LockResult.class,
                        session.ok(at(
                                file.file(),
                                new LockArgs(
                                        LockType.READ,
                                        false,
                                        FileRange.of(4, 5),
                                        new Locker.NewOwner(0, file.stateid(), 0, owner("reader"))))))
                .stateid();

        session.expect(NfsStatus.DENIED, at(file.file(), lockArgs(LockType.WRITE, FileRange.of(0, 5))));
        assertThat(picture()).isEqualTo("RRRRRRRRR.");
        session.ok(at(file.file(), new LockuArgs(LockType.READ, 0, other, FileRange.WHOLE_FILE)));
        lock(LockType.WRITE, FileRange.of(0, 5));
        assertThat(picture()).isEqualTo("WWWWW.....");
    }

    @Test
    void an_owner_is_not_in_its_own_way_and_its_locks_end_with_its_open() {
        lock(LockType.WRITE, FileRange.WHOLE_FILE);

        for (LockType type : LockType.values()) {
            session.ok(at(file.file(), new LocktArgs(type, FileRange.of(3, 3), owner("holder"))));
        }
        assertThat(picture()).isEqualTo("W".repeat(BYTES));
        tree.close(file);
        assertThat(picture()).isEqualTo(".".repeat(BYTES));
    }

    @Test
    void a_lock_for_reading_wants_an_open_for_reading_and_one_for_writing_an_open_for_writing() {
        tree.close(file);
        for (int access : new int[] {ShareBits.READ, ShareBits.WRITE}) {
            Opened opened = tree.open("file", "opener " + access, access);
            for (LockType type : LockType.values()) {
                boolean writes = type == LockType.WRITE || type == LockType.WRITEW;
                var args = new LockArgs(
                        type,
                        false,
                        FileRange.of(type.wire(), 1),
                        new Locker.NewOwner(0, opened.stateid(), 0, owner(type + " " + access)));

                NfsStatus status = session.run(at(file.file(), args)).getLast().status();

                assertThat(status)
                        .as("%s of an open for %s", type, access)
                        .isEqualTo(writes == (access == ShareBits.WRITE) ? NfsStatus.OK : NfsStatus.OPENMODE);
            }
        }
    }

    /// RFC 8881 §18.10.3: no bytes, and bytes past the last that there can be.
    @ParameterizedTest
    @CsvSource({
        "0, 0, INVAL",
        "100, 0, INVAL",
        "-1, 0, INVAL",
        "-2, 2, INVAL",
        "-2, 3, INVAL",
        "100, -2, INVAL",
        "0, -1, OK",
        "100, -1, OK",
        "100, -102, INVAL",
        "0, 9223372036854775807, OK"
    })
    void a_range_is_some_bytes_that_a_file_can_have(long offset, long length, NfsStatus expected) {
        NfsStatus tested = session.raw(file.file(), LOCKT, out -> {
            out.writeUint32(LockType.WRITE.wire());
            out.writeUint64(offset);
            out.writeUint64(length);
            out.writeUint64(0);
            out.writeString("other");
        });
        NfsStatus locked = session.raw(file.file(), LOCK, out -> {
            out.writeUint32(LockType.WRITE.wire());
            out.writeUint32(0);
            out.writeUint64(offset);
            out.writeUint64(length);
            out.writeUint32(1);
            out.writeUint32(0);
            out.writeUint32(file.stateid().seqid());
            out.writeFixed(file.stateid().other());
            out.writeUint32(0);
            out.writeUint64(0);
            out.writeString("holder");
        });

        assertThat(tested).isEqualTo(expected);
        assertThat(locked).isEqualTo(expected);
    }

    @Test
    void what_is_unlocked_is_some_bytes_too() {
        lock(LockType.WRITE, FileRange.WHOLE_FILE);
        Stateid lock = held == null ? Stateid.INVALID : held;

        for (long length : new long[] {0, -2, Long.MIN_VALUE}) {
            assertThat(session.raw(file.file(), LOCKU, out -> {
                        out.writeUint32(LockType.WRITE.wire());
                        out.writeUint32(0);
                        out.writeUint32(lock.seqid());
                        out.writeFixed(lock.other());
                        out.writeUint64(5);
                        out.writeUint64(length);
                    }))
                    .isEqualTo(NfsStatus.INVAL);
        }
        assertThat(picture()).isEqualTo("W".repeat(BYTES));
        unlock(lock, FileRange.toEnd(1));
        assertThat(picture()).isEqualTo("W.........");
    }
}
