package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LockDenied;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.LockuResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// LOCK, LOCKT and LOCKU, RFC 8881 §18.10 to §18.12, and what TEST_STATEID and FREE_STATEID say of locks.
@ExtendWith(SuiteServer.class)
class LockTest {
    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opened file;

    LockTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private static StateOwner owner(String name) {
        return new StateOwner(0, Opaque.ofUtf8(name));
    }

    private static LockArgs first(LockType type, FileRange range, Stateid open, String owner) {
        return new LockArgs(type, false, range, new Locker.NewOwner(0, open, 0, owner(owner)));
    }

    private static LockArgs more(LockType type, FileRange range, Stateid lock) {
        return new LockArgs(type, false, range, new Locker.KnownOwner(lock, 0));
    }

    private Stateid lock(LockArgs args) {
        return Session.find(LockResult.class, session.ok(at(file.file(), args))).stateid();
    }

    @Test
    void a_lock_is_used_and_given_back_by_the_current_stateid() {
        session.ok(at(
                file.file(),
                first(LockType.WRITE, FileRange.WHOLE_FILE, file.stateid(), "lock1"),
                Tree.writeArgs(Stateid.CURRENT, 5, "write test data"),
                new LockuArgs(LockType.WRITE, 0, Stateid.CURRENT, FileRange.WHOLE_FILE),
                Tree.closeArgs(file.stateid())));
    }

    @Test
    void its_stateid_counts_from_one() {
        Stateid one = lock(first(LockType.WRITE, FileRange.of(0, 10), file.stateid(), "lock1"));
        Stateid two = lock(more(LockType.WRITE, FileRange.of(20, 10), one));
        Stateid three = Session.find(
                        LockuResult.class,
                        session.ok(at(file.file(), new LockuArgs(LockType.WRITE, 0, two, FileRange.of(0, 5)))))
                .stateid();

        assertThat(one.seqid()).isEqualTo(1);
        assertThat(two).isEqualTo(one.next());
        assertThat(three).isEqualTo(two.next());
        session.expect(NfsStatus.OLD_STATEID, at(file.file(), more(LockType.WRITE, FileRange.of(0, 5), two)));
    }

    @Test
    void another_owner_is_denied_and_told_by_whom() {
        lock(first(LockType.WRITE, FileRange.of(10, 10), file.stateid(), "lock1"));
        Tree other = tree.of(suite.session());
        Opened opened = other.open("file", "other", ShareBits.BOTH);

        for (OpArgs wanted : new OpArgs[] {
            first(LockType.READ, FileRange.of(0, 11), opened.stateid(), "lock2"),
            new LocktArgs(LockType.READ, FileRange.of(0, 11), owner("lock2"))
        }) {
            List<OpResult> results = other.session.expect(NfsStatus.DENIED, at(file.file(), wanted));
            var denied = (LockDenied) results.getLast();

            assertThat(denied.range()).isEqualTo(FileRange.of(10, 10));
            assertThat(denied.type()).isEqualTo(LockType.WRITE);
            assertThat(denied.owner().owner()).isEqualTo(Opaque.ofUtf8("lock1"));
        }
        other.session.ok(at(file.file(), first(LockType.READ, FileRange.of(0, 10), opened.stateid(), "lock2")));
        other.session.ok(at(file.file(), new LocktArgs(LockType.READ, FileRange.of(20, 10), owner("lock2"))));
    }

    @Test
    void a_range_must_be_one_and_a_mode_that_the_open_has() {
        session.expect(
                NfsStatus.INVAL, at(file.file(), first(LockType.WRITE, FileRange.of(5, 0), file.stateid(), "lock1")));
        Opened reading = tree.open("file", "reader", ShareBits.READ);

        session.expect(
                NfsStatus.OPENMODE,
                at(file.file(), first(LockType.WRITE, FileRange.of(0, 1), reading.stateid(), "lock2")));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), more(LockType.READ, FileRange.of(0, 1), file.stateid())));
    }

    @Test
    void a_file_with_locks_may_not_lose_them_by_freeing_but_by_closing() {
        Stateid lock = lock(first(LockType.WRITE, FileRange.of(0, 10), file.stateid(), "lock1"));

        assertThat(Session.find(
                                TestStateidResult.class,
                                session.ok(new TestStateidArgs(List.of(lock, file.stateid(), lock.next()))))
                        .statuses())
                .containsExactly(NfsStatus.OK, NfsStatus.OK, NfsStatus.BAD_STATEID);
        session.expect(NfsStatus.LOCKS_HELD, new FreeStateidArgs(lock));
        session.ok(at(file.file(), new LockuArgs(LockType.WRITE, 0, lock, FileRange.WHOLE_FILE)));
        session.ok(new FreeStateidArgs(lock.withSeqid(0)));
        session.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(lock.withSeqid(0)));
    }
}
