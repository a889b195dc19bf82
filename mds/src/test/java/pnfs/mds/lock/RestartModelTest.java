package pnfs.mds.lock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.LockuResult;
import pnfs.wire.nfs4.OpResult.OpenDowngradeResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Two clients open and lock files at two servers alike. One of these is killed every now and then, and starts
/// again with what it had answered: no client can tell which one it is.
class RestartModelTest {
    private static final int STEPS = 60; // each takes a second, and a lease is 90
    private static final int BYTES = 40;

    private final FileRooms steady = new FileRooms(MemoryEngine.committing(), 1);
    private FileRooms killed = new FileRooms(new MemoryEngine(), 1);
    private final List<FileHandle> files = List.of(make("a"), make("b"));

    /// Every stateid that was given, in each of its versions, by whom, and of which file: at the steady server.
    private final List<Given> given = new ArrayList<>();
    /// What they are called at the other.
    private final Map<Opaque, Opaque> there = new HashMap<>();

    private record Given(Stateid stateid, int client, FileHandle file) {}

    private FileHandle make(String name) {
        FileHandle file = steady.createFile(FileRooms.root(), name, 0666);
        assertThat(killed.createFile(FileRooms.root(), name, 0666)).isEqualTo(file);
        return file;
    }

    @Seeds(150)
    void a_server_that_was_killed_answers_as_if_it_had_not_been(RandomGenerator random) {
        for (int client = 1; client <= 2; client++) {
            assertThat(killed.state(FileRooms.root(), client).clientId())
                    .isEqualTo(steady.state(FileRooms.root(), client).clientId());
        }
        killed.engine.commitAll();
        for (int step = 0; step < STEPS; step++) {
            step(random);
            if (random.nextInt(6) == 0) {
                kill(random);
            }
        }
        assertThat(killed.opens.count()).isEqualTo(steady.opens.count());
        assertThat(killed.byteLocks.count()).isEqualTo(steady.byteLocks.count());
        for (Keys kind : List.of(Keys.OPEN, Keys.LOCK, Keys.RANGE, Keys.INODE)) {
            assertThat(records(killed.store, kind)).isEqualTo(records(steady.store, kind));
        }
    }

    private static int records(MetadataStore store, Keys kind) {
        var count = new int[1];
        store.scan(kind.first(), kind.end(), (_, _) -> count[0]++ >= 0);
        return count[0];
    }

    private void kill(RandomGenerator random) {
        killed = killed.kill(random.nextLong());
        killed.orphans.reapAll();
    }

    private void step(RandomGenerator random) {
        int client = random.nextInt(2) + 1;
        FileHandle file = files.get(random.nextInt(files.size()));
        int access = random.nextInt(1, 4);
        int deny = random.nextInt(4) == 0 ? random.nextInt(4) : 0;
        int offset = random.nextInt(BYTES);
        var range = new FileRange(offset, random.nextInt(5) == 0 ? Long.MAX_VALUE : random.nextInt(offset, BYTES) + 1);
        LockType type = random.nextBoolean() ? LockType.READ : LockType.WRITE;
        var owner = new StateOwner(0, Opaque.ofUtf8("process " + random.nextInt(2)));
        var opener = "user " + random.nextInt(2);
        switch (random.nextInt(16)) {
            case 0, 1, 2, 3 ->
                run(
                        client,
                        file,
                        FileRooms.open(opener, access, deny, new OpenHow.NoCreate(), new OpenClaim.ByHandle()));
            case 4 -> run(client, steady.root, new RemoveArgs(file.equals(files.getFirst()) ? "a" : "b"));
            case 5 -> run(client, file, new GetAttrArgs(Bitmap.of(Attribute.CHANGE, Attribute.NUMLINKS)));
            case 6 -> run(client, file, new LocktArgs(type, range, owner));
            case 7 -> runWith(random, stateid -> new OpenDowngradeArgs(stateid, 0, access, deny));
            case 8 -> runWith(random, stateid -> new CloseArgs(0, stateid));
            case 9 -> runWith(random, FreeStateidArgs::new);
            case 10 -> runWith(random, stateid -> new TestStateidArgs(List.of(stateid)));
            case 11, 12 ->
                runWith(random, stateid -> new LockArgs(type, false, range, new Locker.NewOwner(0, stateid, 0, owner)));
            case 13, 14 ->
                runWith(random, stateid -> new LockArgs(type, false, range, new Locker.KnownOwner(stateid, 0)));
            default -> runWith(random, stateid -> new LockuArgs(type, 0, stateid, range));
        }
    }

    /// An operation under a stateid that was given once, mostly a late one in its current version.
    private void runWith(RandomGenerator random, Function<Stateid, OpArgs> operation) {
        if (given.isEmpty()) {
            return;
        }
        int late = Math.max(0, given.size() - 8);
        Given some =
                given.get(random.nextInt(4) == 0 ? random.nextInt(given.size()) : random.nextInt(late, given.size()));
        Stateid here = random.nextInt(3) == 0 ? some.stateid() : some.stateid().withSeqid(0);
        Stateid other = new Stateid(here.seqid(), Objects.requireNonNull(there.get(here.other())));
        run(some.client(), some.file(), operation.apply(here), operation.apply(other));
    }

    private void run(int client, FileHandle file, OpArgs operation) {
        run(client, file, operation, operation);
    }

    private void run(int client, FileHandle file, OpArgs atSteady, OpArgs atKilled) {
        OpResult expected = run(steady, client, file, atSteady).result();
        Answer answer = run(killed, client, file, atKilled);

        stateid(expected).ifPresent(stateid -> {
            Stateid other = stateid(answer.result()).orElse(Stateid.INVALID);
            assertThat(there.putIfAbsent(stateid.other(), other.other())).isIn(null, other.other());
            given.add(new Given(stateid, client, file));
        });
        assertThat(answer.result()).as("%s at step", atSteady).isEqualTo(translated(expected));
        while (killed.store.durableTicket() < answer.ticket()) {
            killed.engine.commit(1);
        }
        killed.engine.write(killed.engine.queued());
    }

    private record Answer(OpResult result, long ticket) {}

    private static Answer run(FileRooms rooms, int client, FileHandle file, OpArgs operation) {
        CompoundState state = rooms.state(FileRooms.root(), client);
        state.setCurrentFile(file);
        return new Answer(rooms.run(state, operation).getFirst(), state.ticket());
    }

    private static Optional<Stateid> stateid(OpResult result) {
        return switch (result) {
            case OpenResult opened -> Optional.of(opened.stateid());
            case OpenDowngradeResult downgraded -> Optional.of(downgraded.stateid());
            case LockResult locked -> Optional.of(locked.stateid());
            case LockuResult unlocked -> Optional.of(unlocked.stateid());
            default -> Optional.empty();
        };
    }

    /// As the other server would say it.
    private OpResult translated(OpResult result) {
        Optional<Stateid> given = stateid(result);
        if (given.isEmpty()) {
            return result;
        }
        var stateid = new Stateid(
                given.get().seqid(),
                Objects.requireNonNull(there.get(given.get().other())));
        return switch (result) {
            case OpenResult opened ->
                new OpenResult(
                        stateid, opened.directory(), opened.flags(), opened.attributesSet(), opened.delegation());
            case OpenDowngradeResult _ -> new OpenDowngradeResult(stateid);
            case LockResult _ -> new LockResult(stateid);
            case LockuResult _ -> new LockuResult(stateid);
            default -> result;
        };
    }
}
