package pnfs.mds.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CommitResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutTryLater;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.xdr.Opaque;

/// I/O through the server and layouts of the same file: layouts.md §6, the rows of READ and WRITE via the MDS.
class ProxyBesideLayoutsTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long ALICE = 1;
    private static final long BOB = 2;

    private final ManualDisks disks = new ManualDisks((int) LayoutRooms.VOLUME_BYTES, new SplittableRandom(1));
    private final MemoryEngine engine = new MemoryEngine();
    private final LayoutRooms rooms = new LayoutRooms(engine, 1);
    private @Nullable Relocation relocation;

    @BeforeEach
    void register() {
        relocation = ProxyOperations.register(
                rooms.table,
                rooms.inodes,
                rooms.locks,
                rooms.layouts,
                rooms.orphans,
                disks,
                rooms.opens,
                rooms.setAttr,
                rooms.layoutGet,
                rooms.identity.writeVerifier(),
                1 << 20);
    }

    @Test
    void I1_a_write_in_the_way_of_another_client_s_layout_is_delayed_and_a_read_sees_committed_data() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        write(ALICE, file, 0, bytes(PAGE, 5));
        assertThat(run(ALICE, file, layoutGet(ALICE, file, 2 * PAGE))).isInstanceOf(LayoutGetResult.class);

        assertThat(run(BOB, file, writeArgs(BOB, file, 10, bytes(10, 6))).status())
                .isEqualTo(NfsStatus.DELAY);
        assertThat(read(BOB, file, 0, PAGE)).isEqualTo(bytes(PAGE, 5));
    }

    @Test
    void I1_no_layout_is_granted_over_a_write_that_is_under_way_not_even_to_its_own_client() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        var written = new AtomicReference<@Nullable OpResult>();
        rooms.begin(ALICE, file, writeArgs(ALICE, file, 0, bytes(PAGE, 5)), written::set);

        assertThat(rooms.run(BOB, file, layoutGet(BOB, file, PAGE))).isEqualTo(new LayoutTryLater(false));
        assertThat(rooms.run(ALICE, file, layoutGet(ALICE, file, PAGE))).isEqualTo(new LayoutTryLater(false));

        disks.run();
        assertThat(Objects.requireNonNull(written.get()).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.run(ALICE, file, layoutGet(ALICE, file, PAGE))).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void where_a_client_may_have_written_and_not_committed_its_own_read_and_write_wait_for_the_commit() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 3 * PAGE, bytes(PAGE, 1));
        var granted = (LayoutGetResult) run(ALICE, file, layoutGet(ALICE, file, 2 * PAGE));
        List<Extent> laidOut = rooms.extents(file);

        assertThat(run(ALICE, file, writeArgs(ALICE, file, 10, bytes(10, 4))).status())
                .isEqualTo(NfsStatus.DELAY);
        assertThat(run(ALICE, file, new ReadArgs(rooms.stateid(ALICE, file), PAGE, 10))
                        .status())
                .as("it would see zeros where it wrote")
                .isEqualTo(NfsStatus.DELAY);

        var commit = new LayoutCommitArgs(
                FileRange.of(0, 2 * PAGE),
                false,
                granted.stateid(),
                OptionalLong.empty(),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(new ByteRange(0, 2 * PAGE)))));
        assertThat(run(ALICE, file, commit).status()).isEqualTo(NfsStatus.OK);
        write(ALICE, file, 0, bytes(PAGE, 4));

        assertThat(read(ALICE, file, 0, PAGE)).isEqualTo(bytes(PAGE, 4));
        assertThat(rooms.extents(file).getFirst().storage())
                .as("in place")
                .isEqualTo(laidOut.getFirst().storage());
    }

    /// Linux up to 6.12 forgets what does not fit into the first page of its commit.
    @Test
    void I4_who_writes_small_pieces_at_random_gets_zeros_for_data_once_it_holds_all_that_a_commit_lists() {
        FileHandle secret = rooms.open(ALICE, "secret");
        write(ALICE, secret, 0, bytes(1 << 20, 7));
        run(ALICE, rooms.root, new RemoveArgs("secret"));
        run(ALICE, secret, new CloseArgs(0, rooms.stateid(ALICE, secret)));
        engine.commitAll();
        FileHandle file = rooms.open(ALICE, "f");
        var states = new ArrayList<ExtentState>();
        for (int page = 0; page < 100; page++) {
            var granted = (LayoutGetResult) run(ALICE, file, blockLayoutGet(file, 2L * page * PAGE));
            states.add(BlockLayoutCodec.readLayout(
                            granted.segments().getFirst().content().body(), 10)
                    .getFirst()
                    .state());
        }

        assertThat(states.subList(0, 93)).containsOnly(ExtentState.INVALID_DATA);
        assertThat(states.subList(93, 100)).containsOnly(ExtentState.READ_WRITE_DATA);
        assertThat(run(ALICE, file, setSize(file, 200 * PAGE)).status()).isEqualTo(NfsStatus.OK);
        assertThat(read(BOB, rooms.open(BOB, "f"), 150 * PAGE, 50 * PAGE)).containsOnly(0);
    }

    @Test
    void I4_storage_of_a_removed_file_shows_nothing_of_it_in_the_next() {
        FileHandle secret = rooms.open(ALICE, "secret");
        write(ALICE, secret, 0, bytes(8 * PAGE, 7));
        List<Extent> before = rooms.extents(secret);
        run(ALICE, rooms.root, new RemoveArgs("secret"));
        run(ALICE, secret, new CloseArgs(0, rooms.stateid(ALICE, secret)));
        engine.commitAll();

        boolean met = false;
        for (int i = 0; i < 40 && !met; i++) {
            FileHandle file = rooms.open(ALICE, "f" + i);
            write(ALICE, file, 5, bytes(3, 1));
            assertThat(run(ALICE, file, setSize(file, PAGE)).status()).isEqualTo(NfsStatus.OK);

            byte[] expected = new byte[PAGE];
            Arrays.fill(expected, 5, 8, (byte) 1);
            assertThat(read(ALICE, file, 0, PAGE)).isEqualTo(expected);
            met = rooms.extents(file).stream()
                    .anyMatch(extent -> before.stream()
                            .anyMatch(old -> old.device().equals(extent.device())
                                    && old.storage().overlaps(extent.storage())));
        }
        assertThat(met).as("a file lay on the same blocks").isTrue();
    }

    @Test
    void a_full_cluster_says_so_and_takes_writes_again_when_something_was_freed() {
        FileHandle file = rooms.open(ALICE, "f");
        NfsStatus status = NfsStatus.OK;
        for (long offset = 0; status == NfsStatus.OK; offset += 64 << 10) {
            status = run(ALICE, file, writeArgs(ALICE, file, offset, bytes(64 << 10, 1)))
                    .status();
        }
        assertThat(status).isEqualTo(NfsStatus.NOSPC);

        assertThat(run(ALICE, file, setSize(file, 0)).status()).isEqualTo(NfsStatus.OK);
        assertThat(run(ALICE, file, writeArgs(ALICE, file, 0, bytes(1 << 20, 2)))
                        .status())
                .as("I2: not before the cut is durable")
                .isEqualTo(NfsStatus.NOSPC);
        engine.commitAll();
        write(ALICE, file, 0, bytes(1 << 20, 2));
    }

    @Test
    void a_refused_cut_is_answered_and_leaves_the_file_free_for_others() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(PAGE, 1));
        var cut = new AtomicReference<@Nullable OpResult>();
        rooms.begin(ALICE, file, setSize(file, 100), cut::set);

        run(ALICE, file, new CloseArgs(0, rooms.stateid(ALICE, file))); // while the block is being copied

        assertThat(Objects.requireNonNull(cut.get()).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.manager.isHeld(file.inode())).isFalse();
        rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(PAGE, 2));
    }

    /// A file whose block was overwritten through a layout that was given back without a commit.
    private FileHandle uncommittedBehind100Bytes() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(100, 1));
        var granted = (LayoutGetResult) run(ALICE, file, layoutGet(ALICE, file, PAGE));
        disks.writeDirectly(rooms.extents(file).getFirst(), 0, bytes(PAGE, 2));
        run(ALICE, file, layoutReturn(granted));
        return file;
    }

    @Test
    void I4_who_sets_the_size_that_a_file_has_finds_nothing_behind_it_that_was_written_and_not_committed() {
        FileHandle file = uncommittedBehind100Bytes();

        run(ALICE, file, setSize(file, 100));
        run(ALICE, file, setSize(file, PAGE));

        assertThat(read(ALICE, file, 0, PAGE)).isEqualTo(Arrays.copyOf(bytes(100, 2), PAGE));
    }

    @Test
    void I4_nor_does_who_makes_the_file_a_little_longer() {
        FileHandle file = uncommittedBehind100Bytes();

        run(ALICE, file, setSize(file, 200));
        run(ALICE, file, setSize(file, 3 * PAGE));

        assertThat(Arrays.copyOfRange(read(ALICE, file, 0, PAGE), 200, PAGE)).containsOnly(0);
        assertThat(rooms.inode(file).size()).isEqualTo(3 * PAGE);
    }

    @Test
    void I2_what_is_being_read_does_not_move_before_the_read_is_over() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(PAGE, 5));
        DeviceId from = drain(file);
        var read = new AtomicReference<@Nullable OpResult>();
        var moved = new AtomicReference<Relocation.@Nullable Step>();
        rooms.begin(ALICE, file, new ReadArgs(rooms.stateid(ALICE, file), 0, PAGE), read::set);

        move(file, from, moved);
        assertThat(disks.waiting()).as("the read alone is under way").isEqualTo(1);
        disks.run();

        assertThat(((ReadResult) Objects.requireNonNull(read.get())).data()).isEqualTo(ByteBuffer.wrap(bytes(PAGE, 5)));
        assertThat(moved.get()).isEqualTo(new Relocation.Step.Moved(new ByteRange(0, PAGE)));
        assertThat(rooms.extents(file)).extracting(Extent::device).doesNotContain(from);
        assertThat(read(ALICE, file, 0, PAGE)).isEqualTo(bytes(PAGE, 5));
    }

    @Test
    void I2_what_somebody_has_a_layout_of_moves_once_it_is_returned() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(PAGE, 5));
        DeviceId from = drain(file);
        var moved = new AtomicReference<Relocation.@Nullable Step>();
        var granted = (LayoutGetResult) run(ALICE, file, layoutGet(ALICE, file, PAGE));

        move(file, from, moved);
        assertThat(moved.get()).isEqualTo(new Relocation.Step.Blocked("clients to return their layouts: 1"));
        run(ALICE, file, layoutReturn(granted));
        move(file, from, moved);
        disks.run();

        assertThat(moved.get()).isEqualTo(new Relocation.Step.Moved(new ByteRange(0, PAGE)));
    }

    @Test
    void a_layout_that_names_a_volume_for_a_hole_is_asked_for_when_that_volume_is_drained() {
        FileHandle file = rooms.open(ALICE, "f");
        run(ALICE, file, setSize(file, PAGE));
        var granted = (LayoutGetResult) run(ALICE, file, readLayout(file));
        Volume named = volumeOf(granted);
        drain(named.id());
        var moved = new AtomicReference<Relocation.@Nullable Step>();

        move(file, named.id(), moved);
        assertThat(moved.get()).isEqualTo(new Relocation.Step.Blocked("clients to return their layouts: 1"));
        assertThat(rooms.layouts.isDrained(named.id())).isFalse();
        assertThat(rooms.layouts.obstacle(named)).get().asString().contains("named by layouts");
        run(ALICE, file, layoutReturn(granted));
        move(file, named.id(), moved);

        assertThat(moved.get()).isEqualTo(new Relocation.Step.Finished());
        assertThat(volumeOf((LayoutGetResult) run(ALICE, file, readLayout(file))))
                .isNotEqualTo(named);
        assertThat(rooms.layouts.isDrained(named.id())).isTrue();
        assertThat(rooms.layouts.obstacle(named)).isEmpty();
    }

    /// As long as it may land: its data server has to come back for that to end, and is not to be stopped before.
    @Test
    void a_volume_is_not_drained_while_a_write_to_it_is_under_way_or_may_still_land() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.begin(ALICE, file, writeArgs(ALICE, file, 0, bytes(PAGE, 5)), _ -> {});
        assertThat(drained()).as("all but one").hasSize(LayoutRooms.VOLUMES.size() - 1);

        var over = new CompletableFuture<Void>();
        disks.failure = new BlockIo.IoFailure(BlockIo.IoFailure.Lasting.PASSING, "its data server is away", over);
        disks.run();
        assertThat(drained()).as("all but one").hasSize(LayoutRooms.VOLUMES.size() - 1);
        over.complete(null);

        assertThat(drained()).isEqualTo(LayoutRooms.VOLUMES);
    }

    private List<Volume> drained() {
        List<Volume> drained = LayoutRooms.VOLUMES.stream()
                .filter(volume -> rooms.layouts.isDrained(volume.id()))
                .toList();
        assertThat(drained)
                .allSatisfy(volume -> assertThat(rooms.layouts.obstacle(volume)).isEmpty());
        return drained;
    }

    @Test
    void so_is_one_of_the_run_before_of_which_nobody_knows_what_its_holes_name() {
        FileHandle file = rooms.open(ALICE, "f");
        run(ALICE, file, setSize(file, PAGE));
        Volume named = volumeOf((LayoutGetResult) run(ALICE, file, readLayout(file)));
        engine.commitAll();

        LayoutRooms again = rooms.kill(2);

        assertThat(again.layouts.obstacle(named)).isPresent();
        assertThat(again.layouts.filesWithHolesOn(named.id())).containsExactly(file.inode());
    }

    /// The volume that the layout names.
    private static Volume volumeOf(LayoutGetResult granted) {
        DeviceId device = ScsiLayoutCodec.readLayout(
                        granted.segments().getFirst().content().body(), 1)
                .getFirst()
                .device();
        return LayoutRooms.VOLUMES.stream()
                .filter(volume -> volume.id().equals(device))
                .findFirst()
                .orElseThrow();
    }

    private LayoutGetArgs readLayout(FileHandle file) {
        return new LayoutGetArgs(
                false, LayoutType.SCSI, Iomode.READ, FileRange.of(0, PAGE), PAGE, rooms.stateid(ALICE, file), 4096);
    }

    @Test
    void I4_what_nobody_has_written_moves_without_a_copy_and_is_zeros_still() {
        FileHandle file = rooms.open(ALICE, "f");
        run(ALICE, file, new AllocateArgs(rooms.stateid(ALICE, file), FileRange.of(0, 3 * PAGE)));
        DeviceId from = drain(file);
        var moved = new AtomicReference<Relocation.@Nullable Step>();

        move(file, from, moved);

        assertThat(moved.get()).isEqualTo(new Relocation.Step.Moved(new ByteRange(0, 3 * PAGE)));
        assertThat(disks.waiting()).isZero();
        assertThat(rooms.extents(file)).extracting(Extent::state).containsOnly(ExtentState.INVALID_DATA);
        assertThat(read(ALICE, file, 0, 3 * PAGE)).isEqualTo(bytes(3 * PAGE, 0));
    }

    @Test
    void I5_what_a_client_of_the_run_before_may_still_commit_moves_with_its_bytes_and_stays_unwritten() {
        FileHandle file = rooms.open(ALICE, "f");
        run(ALICE, file, new AllocateArgs(rooms.stateid(ALICE, file), FileRange.of(0, PAGE)));
        rooms.manager.restoreFormer(file.inode(), 99, List.of(new ByteRange(0, PAGE)));
        disks.writeDirectly(rooms.extents(file).getFirst(), 0, bytes(PAGE, 7));
        var moved = new AtomicReference<Relocation.@Nullable Step>();

        move(file, drain(file), moved);
        disks.run();

        assertThat(moved.get()).isEqualTo(new Relocation.Step.Moved(new ByteRange(0, PAGE)));
        Extent now = rooms.extents(file).getFirst();
        assertThat(now.state()).isEqualTo(ExtentState.INVALID_DATA);
        ByteBuffer found = ByteBuffer.allocate(PAGE);
        disks.read(now.device(), now.volumeOffset(), found, failure -> {});
        disks.run();
        assertThat(found.array()).isEqualTo(bytes(PAGE, 7));
    }

    @Test
    void I5_a_crash_before_the_step_is_durable_leaves_the_file_where_it_was_and_no_space_is_lost() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0, bytes(PAGE, 5));
        engine.commitAll();
        List<Extent> before = rooms.extents(file);
        move(file, drain(file), new AtomicReference<>());
        disks.run();
        assertThat(rooms.extents(file)).isNotEqualTo(before);

        LayoutRooms again = rooms.crash(2);

        assertThat(again.extents(file)).isEqualTo(before);
        assertThat(StoreCheck.run(again.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {})
                        .findings())
                .isEmpty();
    }

    /// The volume on which the file lies.
    private DeviceId drain(FileHandle file) {
        DeviceId from = rooms.extents(file).getFirst().device();
        drain(from);
        return from;
    }

    private void drain(DeviceId volume) {
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of(volume));
    }

    private void move(FileHandle file, DeviceId from, AtomicReference<Relocation.@Nullable Step> moved) {
        Objects.requireNonNull(relocation).step(file.inode(), from, 0, moved::set);
    }

    private static LayoutReturnArgs layoutReturn(LayoutGetResult granted) {
        return new LayoutReturnArgs(
                false,
                LayoutType.SCSI,
                Iomode.ANY,
                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, granted.stateid(), Opaque.EMPTY));
    }

    @Test
    void a_commit_answers_with_the_verifier_of_this_run() {
        FileHandle file = rooms.open(ALICE, "f");

        assertThat(run(ALICE, file, new CommitArgs(0, 0))).isEqualTo(new CommitResult(rooms.identity.writeVerifier()));
        engine.commitAll();
        assertThat(rooms.crash(2).identity.writeVerifier()).isNotEqualTo(rooms.identity.writeVerifier());
    }

    private OpResult run(long client, FileHandle file, OpArgs operation) {
        var answer = new AtomicReference<@Nullable OpResult>();
        rooms.begin(client, file, operation, answer::set);
        disks.run();
        return Objects.requireNonNull(answer.get(), "every operation is answered");
    }

    private void write(long client, FileHandle file, long offset, byte[] data) {
        assertThat(run(client, file, writeArgs(client, file, offset, data)).status())
                .isEqualTo(NfsStatus.OK);
    }

    private byte[] read(long client, FileHandle file, long offset, int count) {
        ByteBuffer data = ((ReadResult) run(client, file, new ReadArgs(rooms.stateid(client, file), offset, count)))
                .data()
                .duplicate();
        var bytes = new byte[data.remaining()];
        data.get(bytes);
        return bytes;
    }

    private SetAttrArgs setSize(FileHandle file, long size) {
        return new SetAttrArgs(
                rooms.stateid(ALICE, file),
                AttributeCodec.write(Attributes.builder().size(size).build()));
    }

    private WriteArgs writeArgs(long client, FileHandle file, long offset, byte[] data) {
        return new WriteArgs(rooms.stateid(client, file), offset, StableHow.UNSTABLE, ByteBuffer.wrap(data));
    }

    private LayoutGetArgs layoutGet(long client, FileHandle file, long length) {
        return new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                Iomode.READ_WRITE,
                FileRange.of(0, length),
                length,
                rooms.stateid(client, file),
                4096);
    }

    private LayoutGetArgs blockLayoutGet(FileHandle file, long offset) {
        return new LayoutGetArgs(
                false,
                LayoutType.BLOCK_VOLUME,
                Iomode.READ_WRITE,
                FileRange.of(offset, PAGE),
                PAGE,
                rooms.stateid(ALICE, file),
                4096);
    }

    private static byte[] bytes(int length, int value) {
        var bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
