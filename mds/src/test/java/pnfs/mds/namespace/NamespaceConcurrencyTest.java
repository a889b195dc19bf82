package pnfs.mds.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;

/// Several threads in one small tree, so that they meet all the time: nobody waits for ever, nothing is answered
/// SERVERFAULT, and the store fits together in the end.
class NamespaceConcurrencyTest {
    private static final int THREADS = 4;
    private static final int STEPS = 400;
    private static final String[] NAMES = {"a", "b", "c"};

    @Seeds(5)
    @Timeout(60)
    void threads_that_meet_leave_a_tree_that_fits_together(RandomGenerator random)
            throws InterruptedException, ExecutionException {
        var rooms = FileRooms.committing();
        var workers = new ArrayList<Callable<Void>>();
        for (int i = 0; i < THREADS; i++) {
            var luck = new SplittableRandom(random.nextLong());
            long client = i % 2 == 0 ? 1 : 2;
            workers.add(() -> {
                for (int step = 0; step < STEPS; step++) {
                    step(rooms, client, luck);
                }
                return null;
            });
        }

        try (var threads = Executors.newFixedThreadPool(THREADS)) {
            for (Future<Void> done : threads.invokeAll(workers, 60, TimeUnit.SECONDS)) {
                done.get();
            }
        }

        assertThat(RealTree.complaints(rooms)).isEmpty();
        rooms.end(1);
        rooms.end(2);
        assertThat(RealTree.complaints(rooms)).isEmpty();
    }

    /// Each of two directories moves below the other, by ways that have no lock in common: were both to
    /// succeed, they would hang together and from nothing.
    @Test
    @Timeout(60)
    void two_directories_do_not_move_below_each_other() throws InterruptedException, ExecutionException {
        var rooms = FileRooms.committing();
        FileHandle left = rooms.create("left", new CreateObject.Directory());
        FileHandle right = rooms.create("right", new CreateObject.Directory());
        try (var threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 1000; round++) {
                String name = "d" + round;
                FileHandle a = directory(rooms, directory(rooms, left, name), "below");
                FileHandle b = directory(rooms, directory(rooms, right, name), "below");
                var together = new CyclicBarrier(2);
                Future<NfsStatus> first = threads.submit(() -> {
                    together.await();
                    return rename(rooms, left, name, b, name);
                });
                Future<NfsStatus> second = threads.submit(() -> {
                    together.await();
                    return rename(rooms, right, name, a, name);
                });

                assertThat(List.of(first.get(), second.get()))
                        .as("round %d", round)
                        .containsExactlyInAnyOrder(NfsStatus.OK, NfsStatus.INVAL);
            }
        }
        assertThat(RealTree.complaints(rooms)).isEmpty();
    }

    private static FileHandle directory(FileRooms rooms, FileHandle parent, String name) {
        CompoundState state = rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(parent);
        rooms.run(state, new OpArgs.CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY));
        return state.currentFile();
    }

    private static NfsStatus rename(FileRooms rooms, FileHandle from, String oldName, FileHandle to, String newName) {
        return withSaved(rooms, from, to, new OpArgs.RenameArgs(oldName, newName));
    }

    private static NfsStatus withSaved(FileRooms rooms, FileHandle saved, FileHandle current, OpArgs operation) {
        CompoundState state = rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(saved);
        CompoundRunner.save(state);
        state.setCurrentFile(current);
        return rooms.run(state, operation).getFirst().status();
    }

    private static void step(FileRooms rooms, long client, RandomGenerator luck) {
        CompoundState state = rooms.state(FileRooms.root(), client);
        FileHandle from = place(rooms, luck);
        FileHandle to = place(rooms, luck);
        state.setCurrentFile(from);
        CompoundRunner.save(state);
        state.setCurrentFile(to);
        List<OpResult> results = rooms.run(state, operation(luck));
        if (results.getFirst() instanceof OpResult.OpenResult open && luck.nextBoolean()) {
            rooms.run(state, new OpArgs.CloseArgs(0, open.stateid()));
        }
        assertThat(results.getFirst().status()).isNotEqualTo(NfsStatus.SERVERFAULT);
    }

    private static OpArgs operation(RandomGenerator luck) {
        String name = name(luck);
        return switch (luck.nextInt(8)) {
            case 0 -> new OpArgs.CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY);
            case 1 ->
                FileRooms.open(
                        "o" + luck.nextInt(2),
                        ShareBits.BOTH,
                        0,
                        new OpenHow.Unchecked(Fattr.EMPTY),
                        new OpenClaim.ByName(name));
            case 2 -> new OpArgs.RemoveArgs(name);
            case 3 -> new OpArgs.LinkArgs(name);
            case 4 -> new OpArgs.ReadDirArgs(0, 0, 0, 4096, Bitmap.of(Attribute.FILEID));
            default -> new OpArgs.RenameArgs(name, name(luck));
        };
    }

    /// A directory somewhere: the root, or what a name or two lead to.
    private static FileHandle place(FileRooms rooms, RandomGenerator luck) {
        try {
            return switch (luck.nextInt(3)) {
                case 0 -> rooms.root;
                case 1 -> rooms.at(name(luck));
                default -> rooms.at(name(luck), name(luck));
            };
        } catch (NfsException gone) {
            return rooms.root;
        }
    }

    private static String name(RandomGenerator luck) {
        return NAMES[luck.nextInt(NAMES.length)];
    }
}
