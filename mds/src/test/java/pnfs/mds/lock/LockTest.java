package pnfs.mds.lock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.testing.TestServer;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LockDenied;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.LockuResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// RFC 8881 §9, §18.10 to §18.12.
class LockTest {
    private static final FileRange HEAD = new FileRange(0, 100);
    private static final FileRange TAIL = FileRange.toEnd(100);

    private final FileRooms rooms = FileRooms.committing();
    private final FileHandle file = rooms.createFile(FileRooms.root(), "f", 0666);

    @Test
    void a_first_lock_has_a_stateid_of_its_own_that_counts_locks_and_unlocks() {
        Stateid open = open(1, "o", ShareBits.BOTH);

        var first = (LockResult) lock(1, open, "l", LockType.WRITE, HEAD);
        var second = (LockResult) lock(1, first.stateid(), LockType.READ, TAIL);
        var unlocked = (LockuResult) unlock(1, second.stateid(), HEAD);

        assertThat(first.stateid().seqid()).isEqualTo(1);
        assertThat(first.stateid().other()).isNotEqualTo(open.other());
        assertThat(second.stateid()).isEqualTo(first.stateid().next());
        assertThat(unlocked.stateid()).isEqualTo(second.stateid().next());
    }

    @Test
    void whoever_is_in_the_way_is_named_and_nothing_is_locked() {
        Stateid first = open(1, "o", ShareBits.BOTH);
        Stateid second = open(2, "o", ShareBits.BOTH);
        lock(1, first, "holder", LockType.WRITE, HEAD);

        var denied = (LockDenied) lock(2, second, "l", LockType.READ, new FileRange(50, 200));
        var tested = (LockDenied) test(2, "l", LockType.WRITEW, FileRange.WHOLE_FILE);

        long holder = rooms.state(FileRooms.root(), 1).clientId();
        assertThat(denied.range()).isEqualTo(HEAD);
        assertThat(denied.type()).isEqualTo(LockType.WRITE);
        assertThat(denied.owner()).isEqualTo(new StateOwner(holder, Opaque.ofUtf8("holder")));
        assertThat(tested.owner()).isEqualTo(denied.owner());
        assertThat(rooms.byteLocks.count()).isEqualTo(1);
        assertThat(lock(2, second, "l", LockType.READ, TAIL).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void readers_stand_beside_each_other_and_an_owner_is_never_in_its_own_way() {
        Stateid first = open(1, "o", ShareBits.BOTH);
        Stateid second = open(2, "o", ShareBits.BOTH);

        var held = (LockResult) lock(1, first, "l", LockType.READ, HEAD);
        assertThat(lock(2, second, "l", LockType.READ, HEAD).status()).isEqualTo(NfsStatus.OK);
        assertThat(lock(1, held.stateid(), LockType.WRITE, HEAD).status()).isEqualTo(NfsStatus.DENIED);
        assertThat(test(1, "l", LockType.READ, HEAD).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_write_lock_becomes_a_read_lock_where_that_is_asked_for() {
        Stateid first = open(1, "o", ShareBits.BOTH);
        var held = (LockResult) lock(1, first, "l", LockType.WRITE, HEAD);

        lock(1, held.stateid(), LockType.READ, new FileRange(10, 20));

        assertThat(test(2, "x", LockType.READ, new FileRange(10, 20)).status()).isEqualTo(NfsStatus.OK);
        assertThat(test(2, "x", LockType.READ, new FileRange(10, 21)).status()).isEqualTo(NfsStatus.DENIED);
        assertThat(test(2, "x", LockType.WRITE, new FileRange(10, 20)).status()).isEqualTo(NfsStatus.DENIED);
    }

    @Test
    void a_lock_needs_an_open_for_what_it_guards() {
        Stateid reading = open(1, "r", ShareBits.READ);
        Stateid writing = open(1, "w", ShareBits.WRITE);

        assertThat(lock(1, reading, "l", LockType.WRITE, HEAD).status()).isEqualTo(NfsStatus.OPENMODE);
        assertThat(lock(1, writing, "l", LockType.READ, HEAD).status()).isEqualTo(NfsStatus.OPENMODE);
        assertThat(lock(1, reading, "l", LockType.READ, HEAD).status()).isEqualTo(NfsStatus.OK);
        assertThat(lock(1, writing, "l", LockType.WRITE, HEAD).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void stateids_of_the_wrong_kind_client_or_version_are_refused() {
        Stateid open = open(1, "o", ShareBits.BOTH);
        var held = (LockResult) lock(1, open, "l", LockType.WRITE, HEAD);
        Stateid lock = held.stateid();

        assertThat(lock(1, open, LockType.READ, HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(lock(1, lock, "m", LockType.READ, HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(unlock(1, open, HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(unlock(2, lock, HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(unlock(1, lock.next(), HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(unlock(1, lock.withSeqid(0), HEAD).status()).isEqualTo(NfsStatus.OK);
        assertThat(unlock(1, lock, HEAD).status()).isEqualTo(NfsStatus.OLD_STATEID);
        assertThat(rooms.on(file, new CloseArgs(0, lock.withSeqid(0))).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void no_byte_cannot_be_locked_and_only_files_can() {
        Stateid open = open(1, "o", ShareBits.BOTH);
        FileHandle directory = rooms.create("d", new CreateObject.Directory());
        var nothing = new FileRange(7, 7);

        assertThat(lock(1, open, "l", LockType.READ, nothing).status()).isEqualTo(NfsStatus.INVAL);
        assertThat(test(1, "l", LockType.READ, nothing).status()).isEqualTo(NfsStatus.INVAL);
        assertThat(rooms.on(directory, locktArgs("l", LockType.READ, HEAD)).status())
                .isEqualTo(NfsStatus.ISDIR);
    }

    @Test
    void a_stateid_without_locks_can_be_freed_and_one_with_locks_not() {
        Stateid open = open(1, "o", ShareBits.BOTH);
        var held = (LockResult) lock(1, open, "l", LockType.WRITE, HEAD);
        var free = new FreeStateidArgs(held.stateid().withSeqid(0));

        assertThat(rooms.on(file, free).status()).isEqualTo(NfsStatus.LOCKS_HELD);
        unlock(1, held.stateid(), FileRange.WHOLE_FILE);
        assertThat(rooms.on(file, free).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.on(file, free).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void close_unlocks_what_was_locked_through_that_open_alone() {
        Stateid first = open(1, "a", ShareBits.BOTH);
        Stateid second = open(1, "b", ShareBits.BOTH);
        var lone = (LockResult) lock(1, first, "lone", LockType.WRITE, HEAD);
        lock(1, first, "both", LockType.WRITE, new FileRange(200, 300));
        var kept = (LockResult) lock(1, second, "both", LockType.WRITE, new FileRange(300, 400));

        rooms.on(file, new CloseArgs(0, first));

        assertThat(unlock(1, lone.stateid(), HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(test(2, "x", LockType.WRITE, HEAD).status()).isEqualTo(NfsStatus.OK);
        assertThat(test(2, "x", LockType.WRITE, new FileRange(200, 250)).status())
                .isEqualTo(NfsStatus.DENIED);
        unlock(1, kept.stateid(), FileRange.WHOLE_FILE);
        assertThat(rooms.byteLocks.count()).isZero();
    }

    @Test
    void the_locks_of_a_client_that_ends_are_gone() {
        lock(1, open(1, "o", ShareBits.BOTH), "l", LockType.WRITE, HEAD);

        rooms.end(1);

        assertThat(rooms.byteLocks.count()).isZero();
        assertThat(test(2, "x", LockType.WRITE, FileRange.WHOLE_FILE).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_lock_follows_the_open_before_it_in_the_compound() {
        CompoundState state = rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(file);
        rooms.run(state, openArgs("o", ShareBits.BOTH, new OpenClaim.ByHandle()));

        List<OpResult> results = rooms.run(
                state,
                new LockArgs(LockType.WRITE, false, HEAD, first(Stateid.CURRENT, "l")),
                new LockuArgs(LockType.WRITE, 0, Stateid.CURRENT, HEAD));

        assertThat(results).extracting(OpResult::status).containsExactly(NfsStatus.OK, NfsStatus.OK);
    }

    @Test
    void reads_and_writes_pass_with_a_lock_as_with_its_open() {
        Stateid open = open(1, "o", ShareBits.READ);
        var held = (LockResult) lock(1, open, "l", LockType.READ, HEAD);
        CompoundState state = rooms.state(FileRooms.root(), 1);

        rooms.opens.requireAccess(held.stateid(), rooms.inode(file), ShareBits.READ, state);

        OpResult cut = rooms.on(file, new OpArgs.SetAttrArgs(held.stateid(), FileRooms.size(3)));
        assertThat(cut.status()).isEqualTo(NfsStatus.OPENMODE);
    }

    @Test
    void whoever_waits_for_a_lock_is_told_once_when_it_is_free() {
        var held = (LockResult) lock(1, open(1, "o", ShareBits.BOTH), "l", LockType.WRITE, HEAD);
        Stateid other = open(2, "o", ShareBits.BOTH);
        lock(2, other, "impatient", LockType.WRITE, HEAD);
        lock(2, other, "patient", LockType.WRITEW, HEAD);
        lock(2, other, "patient", LockType.WRITEW, HEAD);

        assertThat(rooms.later).isEmpty();
        var part = (LockuResult) unlock(1, held.stateid(), new FileRange(0, 99));
        assertThat(rooms.later).as("not all of it is free").isEmpty();
        unlock(1, part.stateid(), HEAD);

        assertThat(rooms.later).hasSize(1);
        assertThat(lock(2, other, "patient", LockType.WRITEW, HEAD).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_whose_lease_is_over_keeps_its_lock_until_somebody_wants_it() {
        var held = (LockResult) lock(1, open(1, "o", ShareBits.BOTH), "l", LockType.WRITE, HEAD);
        rooms.pass(TestServer.LEASE_SECONDS + 1);
        Stateid other = open(2, "o", ShareBits.BOTH);

        assertThat(test(2, "x", LockType.WRITE, TAIL).status()).isEqualTo(NfsStatus.OK);
        assertThat(unlock(1, held.stateid(), new FileRange(0, 10)).status()).isEqualTo(NfsStatus.OK);
        assertThat(lock(2, other, "x", LockType.WRITE, HEAD).status()).isEqualTo(NfsStatus.OK);
        assertThat(unlock(1, held.stateid().withSeqid(0), HEAD).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void a_client_has_only_so_many_locks() {
        Stateid open = open(1, "o", ShareBits.BOTH);
        var held = (LockResult) lock(1, open, "l", LockType.WRITE, new FileRange(0, 1));
        Stateid lock = held.stateid().withSeqid(0);
        for (long i = 1; i < FileRooms.LOCKS_PER_CLIENT; i++) {
            assertThat(lock(1, lock, LockType.WRITE, new FileRange(2 * i, 2 * i + 1))
                            .status())
                    .isEqualTo(NfsStatus.OK);
        }

        assertThat(lock(1, lock, LockType.WRITE, new FileRange(1000, 1001)).status())
                .isEqualTo(NfsStatus.DELAY);
        unlock(1, lock, new FileRange(0, 1));
        assertThat(lock(1, lock, LockType.WRITE, new FileRange(1000, 1001)).status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void after_a_restart_locks_are_reclaimed_before_any_other_is_granted() {
        lock(1, open(1, "o", ShareBits.BOTH), "l", LockType.WRITE, HEAD);
        open(2, "o", ShareBits.BOTH);
        FileRooms after = rooms.crash(5);

        Stateid open = ((OpenResult)
                        run(after, 1, openArgs("o", ShareBits.BOTH, new OpenClaim.Previous(DelegationType.NONE))))
                .stateid();
        var early = new LockArgs(LockType.WRITE, false, TAIL, first(open, "l"));
        var reclaim = new LockArgs(LockType.WRITE, true, HEAD, first(open, "l"));

        assertThat(run(after, 1, early).status()).isEqualTo(NfsStatus.GRACE);
        assertThat(run(after, 2, locktArgs("x", LockType.WRITE, HEAD)).status()).isEqualTo(NfsStatus.GRACE);
        assertThat(run(after, 1, reclaim).status()).isEqualTo(NfsStatus.OK);
        after.reclaimComplete(1);
        after.endGrace();
        assertThat(run(after, 1, reclaim).status()).isEqualTo(NfsStatus.NO_GRACE);
    }

    @Test
    void a_lock_that_was_taken_through_two_opens_outlives_the_first_of_them_and_the_server() {
        Stateid first = open(1, "o", ShareBits.BOTH);
        Stateid second = open(1, "p", ShareBits.BOTH);
        Stateid other = open(2, "o", ShareBits.BOTH);
        lock(1, first, "l", LockType.WRITE, HEAD);
        lock(1, second, "l", LockType.WRITE, TAIL);
        run(rooms, 1, new CloseArgs(0, first));

        FileRooms after = rooms.kill(7);

        var wanted = new LockArgs(LockType.READ, false, HEAD, first(other, "x"));
        assertThat(((LockDenied) run(after, 2, wanted)).range()).isEqualTo(FileRange.WHOLE_FILE);
        assertThat(run(after, 1, new CloseArgs(0, second)).status()).isEqualTo(NfsStatus.OK);
        assertThat(run(after, 2, wanted).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void what_was_reclaimed_before_a_second_restart_is_reclaimed_once_more_as_the_same() {
        lock(1, open(1, "o", ShareBits.BOTH), "l", LockType.WRITE, HEAD);
        OpArgs reopen = openArgs("o", ShareBits.BOTH, new OpenClaim.Previous(DelegationType.NONE));
        FileRooms graceful = rooms.crash(5);
        Stateid open = ((OpenResult) run(graceful, 1, reopen)).stateid();
        var relock = new LockArgs(LockType.WRITE, true, HEAD, first(open, "l"));
        Stateid lock = ((LockResult) run(graceful, 1, relock)).stateid();

        FileRooms after = graceful.kill(6);

        assertThat(((OpenResult) run(after, 1, reopen)).stateid()).isEqualTo(open.next());
        assertThat(((LockResult) run(after, 1, new LockArgs(LockType.WRITE, true, HEAD, first(open.withSeqid(0), "l"))))
                        .stateid())
                .isEqualTo(lock.next());
        after.reclaimComplete(1);
        assertThat(after.opens.count()).isEqualTo(1);
        assertThat(after.byteLocks.count()).isEqualTo(1);
    }

    private Stateid open(int client, String owner, int access) {
        return ((OpenResult) run(rooms, client, openArgs(owner, access, new OpenClaim.ByHandle()))).stateid();
    }

    private static OpArgs openArgs(String owner, int access, OpenClaim claim) {
        return FileRooms.open(owner, access, 0, new OpenHow.NoCreate(), claim);
    }

    private OpResult lock(int client, Stateid open, String owner, LockType type, FileRange range) {
        return run(rooms, client, new LockArgs(type, false, range, first(open, owner)));
    }

    private OpResult lock(int client, Stateid lock, LockType type, FileRange range) {
        return run(rooms, client, new LockArgs(type, false, range, new Locker.KnownOwner(lock, 0)));
    }

    private OpResult unlock(int client, Stateid lock, FileRange range) {
        return run(rooms, client, new LockuArgs(LockType.WRITE, 0, lock, range));
    }

    private OpResult test(int client, String owner, LockType type, FileRange range) {
        return run(rooms, client, locktArgs(owner, type, range));
    }

    private static Locker first(Stateid open, String owner) {
        return new Locker.NewOwner(0, open, 0, new StateOwner(0, Opaque.ofUtf8(owner)));
    }

    private static OpArgs locktArgs(String owner, LockType type, FileRange range) {
        return new LocktArgs(type, range, new StateOwner(0, Opaque.ofUtf8(owner)));
    }

    private OpResult run(FileRooms on, int client, OpArgs operation) {
        CompoundState state = on.state(FileRooms.root(), client);
        state.setCurrentFile(file);
        return on.run(state, operation).getFirst();
    }
}
