package pnfs.mds.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.proxy.BlockIo.IoFailure;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.StableHow;

class ProxyTest {
    private static final int FILE_BYTES = 96 << 10;

    private final ManualDisks disks = new ManualDisks((int) LayoutRooms.VOLUME_BYTES, new SplittableRandom(1));

    private LayoutRooms rooms(LayoutRooms made) {
        ProxyOperations.register(
                made.table,
                made.inodes,
                made.locks,
                made.layouts,
                made.orphans,
                disks,
                made.opens,
                made.setAttr,
                made.layoutGet,
                made.identity.writeVerifier(),
                1 << 20);
        return made;
    }

    private OpResult run(LayoutRooms rooms, FileHandle file, OpArgs operation) {
        var answer = new AtomicReference<@Nullable OpResult>();
        rooms.begin(1, file, operation, answer::set);
        disks.run();
        OpResult result = answer.get();
        assertThat(result).as("every operation is answered").isNotNull();
        return java.util.Objects.requireNonNull(result);
    }

    private WriteArgs write(LayoutRooms rooms, FileHandle file, long offset, byte[] bytes) {
        return new WriteArgs(rooms.stateid(1, file), offset, StableHow.UNSTABLE, ByteBuffer.wrap(bytes));
    }

    private byte[] read(LayoutRooms rooms, FileHandle file, long offset, int count) {
        var result = (ReadResult) run(rooms, file, new ReadArgs(rooms.stateid(1, file), offset, count));
        var bytes = new byte[result.data().remaining()];
        result.data().duplicate().get(bytes);
        return bytes;
    }

    private OpResult cut(LayoutRooms rooms, FileHandle file, long size) {
        var attributes = AttributeCodec.write(Attributes.builder().size(size).build());
        return run(rooms, file, new SetAttrArgs(rooms.stateid(1, file), attributes));
    }

    private static byte[] pattern(int length, int seed) {
        var bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    /// The model is an array of bytes. Blocks are used again by other files all the time, so what is not zeroed
    /// shows.
    @Seeds(60)
    void I4_files_agree_with_arrays_of_bytes_whatever_lay_in_their_blocks(RandomGenerator random) {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        var model = new byte[3][FILE_BYTES];
        var size = new int[3];
        for (int step = 0; step < 40; step++) {
            int which = random.nextInt(3);
            FileHandle file = rooms.open(1, "file" + which);
            int offset = random.nextInt(FILE_BYTES - 1);
            int length = 1 + random.nextInt(Math.min(20_000, FILE_BYTES - offset));
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    byte[] bytes = pattern(length, step);
                    assertThat(run(rooms, file, write(rooms, file, offset, bytes))
                                    .status())
                            .isEqualTo(NfsStatus.OK);
                    System.arraycopy(bytes, 0, model[which], offset, length);
                    size[which] = Math.max(size[which], offset + length);
                }
                case 2 -> {
                    assertThat(cut(rooms, file, offset).status()).isEqualTo(NfsStatus.OK);
                    Arrays.fill(model[which], offset, FILE_BYTES, (byte) 0);
                    size[which] = offset;
                }
                default -> {
                    int end = Math.max(offset, Math.min(size[which], offset + length));
                    assertThat(read(rooms, file, offset, length))
                            .isEqualTo(Arrays.copyOfRange(model[which], offset, end));
                }
            }
        }
        for (int which = 0; which < 3; which++) {
            assertThat(read(rooms, rooms.open(1, "file" + which), 0, FILE_BYTES))
                    .isEqualTo(Arrays.copyOf(model[which], size[which]));
        }
    }

    @Test
    void I4_a_small_write_shows_zeros_around_it_and_not_what_another_file_left() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "new");

        run(rooms, file, write(rooms, file, 5000, new byte[] {1, 2, 3}));

        var expected = new byte[5003];
        expected[5000] = 1;
        expected[5001] = 2;
        expected[5002] = 3;
        assertThat(read(rooms, file, 0, 10_000)).isEqualTo(expected);
        assertThat(cut(rooms, file, 8192).status()).isEqualTo(NfsStatus.OK);
        assertThat(read(rooms, file, 5003, 8192)).isEqualTo(new byte[8192 - 5003]);
    }

    @Test
    void I4_what_was_cut_off_inside_a_block_reads_zeros_when_the_file_grows_again() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "tail");
        run(rooms, file, write(rooms, file, 0, pattern(8192, 7)));

        cut(rooms, file, 1000);
        cut(rooms, file, 8192);

        byte[] expected = Arrays.copyOf(Arrays.copyOf(pattern(8192, 7), 1000), 8192);
        assertThat(read(rooms, file, 0, 8192)).isEqualTo(expected);
    }

    @Test
    void I3_a_write_is_answered_with_the_ticket_of_its_commit_and_a_read_of_it_waits_too() {
        var engine = new MemoryEngine();
        LayoutRooms rooms = rooms(new LayoutRooms(engine, 1));
        FileHandle file = rooms.open(1, "file");
        engine.commitAll();
        var answers = new ArrayList<OpResult>();

        CompoundState writing = rooms.begin(1, file, write(rooms, file, 0, pattern(4096, 1)), answers::add);
        disks.run();
        CompoundState reading = rooms.begin(1, file, new ReadArgs(rooms.stateid(1, file), 0, 4096), answers::add);
        disks.run();

        assertThat(answers).hasSize(2);
        assertThat(writing.ticket()).isGreaterThan(rooms.store.durableTicket());
        assertThat(reading.ticket()).isEqualTo(writing.ticket());
    }

    @Test
    void I5_a_write_that_was_durable_survives_and_one_that_was_not_leaves_the_file_as_it_was() {
        var engine = new MemoryEngine();
        LayoutRooms rooms = rooms(new LayoutRooms(engine, 1));
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(6000, 1)));
        engine.commitAll();
        run(rooms, file, write(rooms, file, 6000, pattern(6000, 2)));

        LayoutRooms after = rooms(rooms.crash(2));

        FileHandle again = after.open(1, "file");
        assertThat(after.inode(again).size()).isEqualTo(6000);
        assertThat(read(after, again, 0, 20_000)).isEqualTo(pattern(6000, 1));
    }

    @Test
    void I5_a_cut_that_was_not_durable_leaves_all_of_the_old_tail() {
        var engine = new MemoryEngine();
        LayoutRooms rooms = rooms(new LayoutRooms(engine, 1));
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(8192, 1)));
        engine.commitAll();
        cut(rooms, file, 1000);

        LayoutRooms after = rooms(rooms.crash(2));

        assertThat(read(after, after.open(1, "file"), 0, 20_000)).isEqualTo(pattern(8192, 1));
    }

    @Test
    void two_writes_into_one_block_follow_each_other_and_both_stay() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(4096, 1)));
        var answers = new ArrayList<OpResult>();

        rooms.begin(1, file, write(rooms, file, 100, new byte[] {7}), answers::add);
        rooms.begin(1, file, write(rooms, file, 200, new byte[] {8}), answers::add);
        assertThat(disks.waiting()).as("the second waits for the first").isEqualTo(1);
        disks.run();

        assertThat(answers).extracting(OpResult::status).containsExactly(NfsStatus.OK, NfsStatus.OK);
        byte[] bytes = read(rooms, file, 0, 4096);
        assertThat(bytes[100]).isEqualTo((byte) 7);
        assertThat(bytes[200]).isEqualTo((byte) 8);
    }

    @Test
    void a_data_server_that_is_away_makes_clients_try_again_and_a_failed_medium_is_an_error() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "file");
        disks.failure = new IoFailure(IoFailure.Lasting.PASSING, "away");

        assertThat(run(rooms, file, write(rooms, file, 0, pattern(10, 1))).status())
                .isEqualTo(NfsStatus.DELAY);
        disks.failure = new IoFailure(IoFailure.Lasting.LASTING, "broken");
        assertThat(run(rooms, file, write(rooms, file, 0, pattern(10, 1))).status())
                .isEqualTo(NfsStatus.IO);
        disks.failure = null;

        assertThat(rooms.inode(file).size()).isZero();
        assertThat(((WriteResult) run(rooms, file, write(rooms, file, 0, pattern(10, 1)))).count())
                .isEqualTo(10);
    }

    @Test
    void a_write_that_needs_storage_while_no_data_server_is_there_is_to_be_tried_again() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "file");
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, List.of(), Set.of());

        assertThat(run(rooms, file, write(rooms, file, 0, pattern(10, 1))).status())
                .isEqualTo(NfsStatus.DELAY);
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of());

        assertThat(((WriteResult) run(rooms, file, write(rooms, file, 0, pattern(10, 1)))).count())
                .isEqualTo(10);
    }

    @Test
    void a_file_that_is_removed_while_it_is_written_is_stale_and_its_space_comes_back() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        long free = rooms.layouts.capacity().freeBytes();
        FileHandle file = rooms.open(1, "file");
        var answers = new ArrayList<OpResult>();
        rooms.begin(1, file, write(rooms, file, 0, pattern(4096, 1)), answers::add);

        rooms.run(1, file, new OpArgs.CloseArgs(0, rooms.stateid(1, file)));
        rooms.run(1, rooms.root, new OpArgs.RemoveArgs("file"));
        disks.run();

        assertThat(answers).hasSize(1);
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free);
    }

    @Test
    void a_write_that_may_still_reach_storage_keeps_everybody_else_out_though_it_was_answered() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(4096, 1)));
        var over = new CompletableFuture<Void>();
        disks.failure = new IoFailure(IoFailure.Lasting.PASSING, "lost", over);
        var answers = new ArrayList<OpResult>();
        rooms.begin(1, file, write(rooms, file, 0, pattern(4096, 2)), answers::add);
        rooms.begin(1, file, write(rooms, file, 0, pattern(4096, 3)), answers::add);
        disks.run();
        disks.failure = null;

        assertThat(answers)
                .as("nor does who waits for it wait for ever")
                .extracting(OpResult::status)
                .containsExactly(NfsStatus.DELAY, NfsStatus.DELAY);
        assertThat(run(rooms, file, layoutGet(rooms, file)).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);
        assertThat(cut(rooms, file, 10).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(run(rooms, file, write(rooms, file, 8192, pattern(10, 4))).status())
                .as("other parts of the file are free")
                .isEqualTo(NfsStatus.OK);

        over.complete(null);
        assertThat(run(rooms, file, layoutGet(rooms, file)).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void storage_to_which_a_write_may_still_come_is_not_free() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        long free = rooms.layouts.capacity().freeBytes();
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(10, 1)));
        var over = new CompletableFuture<Void>();
        disks.failure = new IoFailure(IoFailure.Lasting.PASSING, "lost", over);
        assertThat(run(rooms, file, write(rooms, file, 0, pattern(10, 1))).status())
                .isEqualTo(NfsStatus.DELAY);
        rooms.run(1, file, new OpArgs.CloseArgs(0, rooms.stateid(1, file)));
        rooms.run(1, rooms.root, new OpArgs.RemoveArgs("file"));

        assertThat(rooms.layouts.capacity().freeBytes()).isLessThan(free);
        over.complete(null);
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free);
    }

    private static OpArgs.LayoutGetArgs layoutGet(LayoutRooms rooms, FileHandle file) {
        return new OpArgs.LayoutGetArgs(
                false, LayoutType.SCSI, Iomode.READ_WRITE, FileRange.of(0, 4096), 4096, rooms.stateid(1, file), 4096);
    }

    @Test
    void reads_stop_at_the_end_of_the_file_and_say_so() {
        LayoutRooms rooms = rooms(LayoutRooms.committing());
        FileHandle file = rooms.open(1, "file");
        run(rooms, file, write(rooms, file, 0, pattern(100, 1)));

        for (long offset : List.of(0L, 60L, 100L, 5000L, Long.MAX_VALUE - 3)) {
            var result = (ReadResult) run(rooms, file, new ReadArgs(rooms.stateid(1, file), offset, 100));
            assertThat(result.eof()).isTrue();
            assertThat(result.data().remaining()).isEqualTo((int) Math.max(0, 100 - offset));
        }
        var half = (ReadResult) run(rooms, file, new ReadArgs(rooms.stateid(1, file), 0, 50));
        assertThat(half.eof()).isFalse();
    }
}
