package pnfs.mds.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NetLocation;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.IoAdviseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.OffloadCancelArgs;
import pnfs.wire.nfs4.OpArgs.OffloadStatusArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CopyResult;
import pnfs.wire.nfs4.OpResult.IoAdviseResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.ReadPlusResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.SeekResult;
import pnfs.wire.nfs4.ReadPlusContent;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What NFSv4.2 adds to READ and WRITE: ALLOCATE, DEALLOCATE, SEEK, READ_PLUS, COPY, IO_ADVISE.
class DataOperationsTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final int FILE_BYTES = 64 << 10;
    private static final long ALICE = 1;
    private static final long BOB = 2;

    private final ManualDisks disks = new ManualDisks((int) LayoutRooms.VOLUME_BYTES, new SplittableRandom(1));

    private LayoutRooms rooms = register(LayoutRooms.committing());

    private LayoutRooms register(LayoutRooms made) {
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

    /// The model is an array of bytes for each file. Blocks are used again all the time and full of noise.
    @Seeds(80)
    void I4_files_with_holes_and_copies_agree_with_arrays_of_bytes(RandomGenerator random) {
        var model = new byte[2][FILE_BYTES];
        var size = new int[2];
        for (int step = 0; step < 40; step++) {
            int which = random.nextInt(2);
            FileHandle file = rooms.open(ALICE, "file" + which);
            int offset = random.nextInt(4) == 0 ? PAGE * random.nextInt(15) : random.nextInt(FILE_BYTES - 1);
            int length = 1 + random.nextInt(Math.min(20_000, FILE_BYTES - offset));
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    var bytes = new byte[length];
                    random.nextBytes(bytes);
                    ok(run(ALICE, file, write(ALICE, file, offset, bytes)));
                    System.arraycopy(bytes, 0, model[which], offset, length);
                    size[which] = Math.max(size[which], offset + length);
                }
                case 2 -> {
                    ok(run(ALICE, file, new DeallocateArgs(rooms.stateid(ALICE, file), FileRange.of(offset, length))));
                    Arrays.fill(model[which], offset, offset + length, (byte) 0);
                }
                case 3 -> {
                    ok(run(ALICE, file, new AllocateArgs(rooms.stateid(ALICE, file), FileRange.of(offset, length))));
                    size[which] = Math.max(size[which], offset + length);
                }
                case 4 -> {
                    int from = 1 - which;
                    int start = size[from] == 0 ? 0 : random.nextInt(size[from]);
                    int count = Math.min(Math.min(size[from] - start, length), FILE_BYTES - offset);
                    if (count > 0) {
                        FileHandle source = rooms.open(ALICE, "file" + from);
                        assertThat(copied(source, file, start, offset, count)).isEqualTo(count);
                        System.arraycopy(model[from], start, model[which], offset, count);
                        size[which] = Math.max(size[which], offset + count);
                    }
                }
                default -> {
                    byte[] expected = Arrays.copyOfRange(
                            model[which], offset, Math.max(offset, Math.min(size[which], offset + length)));
                    assertThat(readPlus(file, offset, length)).isEqualTo(expected);
                }
            }
            requireHolesAreZeros(file, model[which], size[which]);
        }
        for (int which = 0; which < 2; which++) {
            FileHandle file = rooms.open(ALICE, "file" + which);
            assertThat(rooms.inode(file).size()).isEqualTo(size[which]);
            assertThat(read(file, 0, FILE_BYTES)).isEqualTo(Arrays.copyOf(model[which], size[which]));
            assertThat(rooms.inode(file).spaceUsed())
                    .isEqualTo(rooms.extents(file).stream()
                            .mapToLong(extent -> extent.file().length())
                            .sum());
        }
    }

    /// From one end of the file to the other by SEEK.
    private void requireHolesAreZeros(FileHandle file, byte[] model, int size) {
        Stateid stateid = rooms.stateid(ALICE, file);
        long at = 0;
        while (at < size) {
            var data = (SeekResult) run(ALICE, file, new SeekArgs(stateid, at, SeekWhat.DATA));
            assertThat(data.eof()).isEqualTo(data.offset() == size);
            assertThat(Arrays.copyOfRange(model, (int) at, (int) data.offset()))
                    .containsOnly(new byte[(int) Math.min(1, data.offset() - at)]);
            at = data.offset();
            if (at < size) {
                var hole = (SeekResult) run(ALICE, file, new SeekArgs(stateid, at, SeekWhat.HOLE));
                assertThat(hole.offset()).isGreaterThan(at).isLessThanOrEqualTo(size);
                at = hole.offset();
            }
        }
    }

    @Test
    void allocated_space_is_there_reads_as_zeros_and_makes_the_file_longer() {
        FileHandle file = rooms.open(ALICE, "f");
        long free = rooms.layouts.capacity().freeBytes();

        ok(run(ALICE, file, new AllocateArgs(rooms.stateid(ALICE, file), FileRange.of(100, 2 * PAGE))));

        assertThat(rooms.inode(file).size()).isEqualTo(100 + 2 * PAGE);
        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(3 * PAGE);
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free - 3 * PAGE);
        assertThat(rooms.extents(file)).extracting(Extent::state).containsOnly(ExtentState.INVALID_DATA);
        assertThat(read(file, 0, 4 * PAGE)).isEqualTo(new byte[100 + 2 * PAGE]);
        var seek = new SeekArgs(rooms.stateid(ALICE, file), 5, SeekWhat.DATA);
        assertThat(run(ALICE, file, seek)).isEqualTo(new SeekResult(true, 100 + 2 * PAGE));
    }

    @Test
    void more_than_there_is_cannot_be_allocated_and_nothing_of_it_is() {
        FileHandle file = rooms.open(ALICE, "f");
        long free = rooms.layouts.capacity().freeBytes();
        Stateid stateid = rooms.stateid(ALICE, file);

        assertThat(run(ALICE, file, new AllocateArgs(stateid, FileRange.of(0, 1L << 40)))
                        .status())
                .isEqualTo(NfsStatus.NOSPC);
        assertThat(run(ALICE, file, new AllocateArgs(stateid, FileRange.of(Long.MAX_VALUE - 4096, 4095)))
                        .status())
                .isEqualTo(NfsStatus.FBIG);
        assertThat(run(ALICE, file, new AllocateArgs(stateid, FileRange.of(7, 0)))
                        .status())
                .isEqualTo(NfsStatus.INVAL);
        assertThat(run(ALICE, file, new AllocateArgs(Stateid.ANONYMOUS, FileRange.of(0, 1)))
                        .status())
                .isEqualTo(NfsStatus.OK);
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free - PAGE);
        assertThat(rooms.manager.isHeld(file.inode())).isFalse();
    }

    @Test
    void I2_what_a_hole_frees_is_free_once_the_hole_is_durable() {
        var engine = new MemoryEngine();
        rooms = register(new LayoutRooms(engine, 1));
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 0, bytes(4 * PAGE, 7))));
        engine.commitAll();
        long free = rooms.layouts.capacity().freeBytes();
        List<Extent> before = rooms.extents(file);

        ok(run(ALICE, file, new DeallocateArgs(rooms.stateid(ALICE, file), FileRange.of(100, 3 * PAGE))));

        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(2 * PAGE);
        assertThat(rooms.inode(file).size()).isEqualTo(4 * PAGE);
        var expected = bytes(4 * PAGE, 7);
        Arrays.fill(expected, 100, 100 + 3 * PAGE, (byte) 0);
        assertThat(read(file, 0, 4 * PAGE)).isEqualTo(expected);
        assertThat(rooms.extents(file))
                .as("edges are copies: a crash leaves all of the old block or none of it")
                .noneMatch(
                        extent -> before.stream().anyMatch(old -> old.storage().overlaps(extent.storage())));
        engine.commitAll();
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free + 2 * PAGE);
    }

    @Test
    void I5_a_hole_that_was_not_durable_leaves_all_of_the_old_data() {
        var engine = new MemoryEngine();
        rooms = register(new LayoutRooms(engine, 1));
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 0, bytes(4 * PAGE, 7))));
        engine.commitAll();
        ok(run(ALICE, file, new DeallocateArgs(rooms.stateid(ALICE, file), FileRange.of(100, 3 * PAGE))));

        rooms = register(rooms.crash(2));

        assertThat(read(rooms.open(ALICE, "f"), 0, 5 * PAGE)).isEqualTo(bytes(4 * PAGE, 7));
    }

    @Test
    void I1_a_hole_under_anybody_s_layout_is_delayed_until_that_is_returned() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        ok(run(ALICE, file, write(ALICE, file, 0, bytes(4 * PAGE, 7))));
        var held = (LayoutGetResult) run(ALICE, file, layoutGet(ALICE, file));
        FileRange range = FileRange.of(100, 3 * PAGE);

        for (long client : new long[] {ALICE, BOB}) {
            assertThat(run(client, file, new DeallocateArgs(rooms.stateid(client, file), range))
                            .status())
                    .isEqualTo(NfsStatus.DELAY);
        }
        var whole = new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, held.stateid(), Opaque.EMPTY);
        ok(run(ALICE, file, new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, whole)));
        ok(run(ALICE, file, new DeallocateArgs(rooms.stateid(ALICE, file), range)));

        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(2 * PAGE);
        var expected = bytes(4 * PAGE, 7);
        Arrays.fill(expected, 100, 100 + 3 * PAGE, (byte) 0);
        assertThat(read(file, 0, 4 * PAGE)).isEqualTo(expected);
    }

    @Test
    void no_layout_is_granted_over_a_hole_that_is_being_made() {
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 0, bytes(2 * PAGE, 7))));
        var answer = new AtomicReference<@Nullable OpResult>();
        rooms.begin(ALICE, file, new DeallocateArgs(rooms.stateid(ALICE, file), FileRange.of(10, 20)), answer::set);

        assertThat(rooms.run(ALICE, file, layoutGet(ALICE, file)).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);

        disks.run();
        ok(Objects.requireNonNull(answer.get()));
        assertThat(run(ALICE, file, layoutGet(ALICE, file))).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void a_hole_beyond_the_end_or_of_a_failing_disk_changes_nothing() {
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 0, bytes(PAGE + 10, 7))));
        long change = rooms.inode(file).change();
        Stateid stateid = rooms.stateid(ALICE, file);

        ok(run(ALICE, file, new DeallocateArgs(stateid, FileRange.of(3 * PAGE, 10))));
        assertThat(rooms.inode(file).change()).isEqualTo(change);
        disks.failure = new BlockIo.IoFailure(BlockIo.IoFailure.Lasting.LASTING, "broken");
        assertThat(run(ALICE, file, new DeallocateArgs(stateid, FileRange.of(10, 20)))
                        .status())
                .isEqualTo(NfsStatus.IO);
        disks.failure = null;
        assertThat(read(file, 0, 2 * PAGE)).isEqualTo(bytes(PAGE + 10, 7));
        ok(run(ALICE, file, new DeallocateArgs(stateid, FileRange.toEnd(PAGE))));
        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(PAGE);
        assertThat(rooms.inode(file).size()).isEqualTo(PAGE + 10);
        assertThat(run(ALICE, file, new DeallocateArgs(stateid, FileRange.of(0, 0)))
                        .status())
                .isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void seeking_starts_inside_the_file_and_ends_with_the_hole_behind_it() {
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 2 * PAGE, bytes(100, 7))));
        Stateid stateid = rooms.stateid(ALICE, file);
        long size = 2 * PAGE + 100;

        assertThat(run(ALICE, file, new SeekArgs(stateid, 5, SeekWhat.DATA)))
                .isEqualTo(new SeekResult(false, 2 * PAGE));
        assertThat(run(ALICE, file, new SeekArgs(stateid, 5, SeekWhat.HOLE))).isEqualTo(new SeekResult(false, 5));
        assertThat(run(ALICE, file, new SeekArgs(stateid, 2 * PAGE + 5, SeekWhat.DATA)))
                .isEqualTo(new SeekResult(false, 2 * PAGE + 5));
        assertThat(run(ALICE, file, new SeekArgs(stateid, 2 * PAGE, SeekWhat.HOLE)))
                .isEqualTo(new SeekResult(true, size));
        assertThat(run(ALICE, file, new SeekArgs(stateid, size, SeekWhat.HOLE)).status())
                .isEqualTo(NfsStatus.NXIO);
    }

    @Test
    void read_plus_says_where_holes_are() {
        FileHandle file = rooms.open(ALICE, "f");
        ok(run(ALICE, file, write(ALICE, file, 2 * PAGE, bytes(100, 7))));

        var result = (ReadPlusResult) run(ALICE, file, new ReadPlusArgs(rooms.stateid(ALICE, file), 10, 5 * PAGE));

        assertThat(result.eof()).isTrue();
        assertThat(result.contents())
                .containsExactly(
                        new ReadPlusContent.Hole(10, 2 * PAGE - 10),
                        new ReadPlusContent.Data(2 * PAGE, ByteBuffer.wrap(bytes(100, 7))));
        assertThat(run(ALICE, file, new ReadPlusArgs(rooms.stateid(ALICE, file), 3 * PAGE, 5)))
                .isEqualTo(new ReadPlusResult(true, List.of()));
    }

    @Test
    void a_file_in_many_pieces_is_read_in_several_answers() {
        FileHandle file = rooms.open(ALICE, "f");
        int pages = 100;
        for (int page = 0; page < pages; page += 2) {
            ok(run(ALICE, file, write(ALICE, file, (long) page * PAGE, bytes(PAGE, page + 1))));
        }

        var first = (ReadPlusResult) run(ALICE, file, new ReadPlusArgs(rooms.stateid(ALICE, file), 0, pages * PAGE));

        assertThat(first.eof()).isFalse();
        assertThat(first.contents()).hasSize(64);
        byte[] rest = readPlus(file, 64 * PAGE, pages * PAGE);
        assertThat(rest).hasSize((99 - 64) * PAGE);
        assertThat(rest[0]).isEqualTo((byte) 65);
    }

    @Test
    void a_copy_without_a_count_goes_to_the_end_and_is_synchronous_whatever_was_asked() {
        FileHandle source = rooms.open(ALICE, "source");
        FileHandle target = rooms.open(ALICE, "target");
        ok(run(ALICE, source, write(ALICE, source, 0, bytes(3 * PAGE, 7))));

        var result = (CopyResult) copy(
                source,
                target,
                new CopyArgs(
                        rooms.stateid(ALICE, source),
                        rooms.stateid(ALICE, target),
                        1024,
                        512,
                        0,
                        false,
                        false,
                        List.of()));

        assertThat(result.response().count()).isEqualTo(3 * PAGE - 1024);
        assertThat(result.response().committed()).isEqualTo(StableHow.FILE_SYNC);
        assertThat(result.response().callbackId()).isEmpty();
        assertThat(result.synchronous()).isTrue();
        assertThat(result.consecutive()).isTrue();
        assertThat(read(target, 512, 3 * PAGE)).isEqualTo(bytes(3 * PAGE - 1024, 7));
    }

    @Test
    void a_copy_that_makes_no_sense_is_refused() {
        FileHandle source = rooms.open(ALICE, "source");
        FileHandle target = rooms.open(ALICE, "target");
        ok(run(ALICE, source, write(ALICE, source, 0, bytes(100, 7))));
        Stateid from = rooms.stateid(ALICE, source);
        Stateid to = rooms.stateid(ALICE, target);
        Stateid invented = new Stateid(1, Opaque.of(new byte[] {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}));

        assertThat(copyStatus(source, source, from, from, 0, 10)).isEqualTo(NfsStatus.INVAL);
        assertThat(copyStatus(source, target, from, to, 50, 51)).isEqualTo(NfsStatus.INVAL);
        assertThat(copyStatus(source, target, from, to, 101, 0)).isEqualTo(NfsStatus.INVAL);
        assertThat(copyStatus(source, target, invented, to, 0, 10)).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(copyStatus(source, target, from, invented, 0, 10)).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(copyStatus(source, target, from, invented, 100, 0)).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(copyStatus(rooms.root, target, from, to, 0, 0)).isEqualTo(NfsStatus.ISDIR);
        var elsewhere = new CopyArgs(from, to, 0, 0, 0, true, true, List.of(new NetLocation.Name("other")));
        assertThat(copy(source, target, elsewhere).status()).isEqualTo(NfsStatus.NOTSUPP);
        assertThat(run(ALICE, target, new OffloadStatusArgs(invented)).status()).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(run(ALICE, target, new OffloadCancelArgs(invented)).status()).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void advice_is_heard_and_not_followed() {
        FileHandle file = rooms.open(ALICE, "f");

        assertThat(run(ALICE, file, new IoAdviseArgs(rooms.stateid(ALICE, file), 0, 0, Bitmap.of(1))))
                .isEqualTo(new IoAdviseResult(Bitmap.EMPTY));
        Stateid invented = new Stateid(1, Opaque.of(new byte[] {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}));
        assertThat(run(ALICE, file, new IoAdviseArgs(invented, 0, 0, Bitmap.of(1)))
                        .status())
                .isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void what_is_no_regular_file_has_no_data() {
        Stateid anonymous = Stateid.ANONYMOUS;
        FileRange range = FileRange.of(0, 1);
        FileHandle link = make("link", new CreateObject.Symlink(Opaque.ofUtf8("f")));
        FileHandle pipe = make("pipe", new CreateObject.Fifo());

        for (OpArgs operation : List.of(
                new ReadArgs(anonymous, 0, 1),
                new WriteArgs(anonymous, 0, StableHow.UNSTABLE, ByteBuffer.allocate(1)),
                new CommitArgs(0, 0),
                new AllocateArgs(anonymous, range),
                new DeallocateArgs(anonymous, range),
                new SeekArgs(anonymous, 0, SeekWhat.DATA),
                new ReadPlusArgs(anonymous, 0, 1),
                new IoAdviseArgs(anonymous, 0, 0, Bitmap.EMPTY))) {
            assertThat(run(ALICE, rooms.root, operation).status())
                    .as("%s", operation.op())
                    .isEqualTo(NfsStatus.ISDIR);
            assertThat(run(ALICE, link, operation).status())
                    .as("%s", operation.op())
                    .isEqualTo(NfsStatus.SYMLINK);
            assertThat(run(ALICE, pipe, operation).status())
                    .as("%s", operation.op())
                    .isEqualTo(NfsStatus.WRONG_TYPE);
        }
    }

    @Test
    void writing_nothing_changes_nothing_and_nothing_is_written_beyond_the_longest_file() {
        FileHandle file = rooms.open(ALICE, "f");
        long change = rooms.inode(file).change();

        ok(run(ALICE, file, write(ALICE, file, 1 << 20, new byte[0])));

        assertThat(rooms.inode(file).change()).isEqualTo(change);
        assertThat(rooms.inode(file).size()).isZero();
        assertThat(run(ALICE, file, write(ALICE, file, Long.MAX_VALUE - 10, new byte[5]))
                        .status())
                .isEqualTo(NfsStatus.FBIG);
        assertThat(read(file, 0, 0)).isEmpty();
    }

    private FileHandle make(String name, CreateObject object) {
        CompoundState state = rooms.state(ALICE, rooms.root);
        ok(run(state, new OpArgs.CreateArgs(object, name, Fattr.EMPTY)));
        return state.currentFile();
    }

    private static void ok(OpResult result) {
        assertThat(result.status()).isEqualTo(NfsStatus.OK);
    }

    private OpResult run(long client, FileHandle file, OpArgs operation) {
        return run(rooms.state(client, file), operation);
    }

    private OpResult run(CompoundState state, OpArgs operation) {
        var answer = new AtomicReference<@Nullable OpResult>();
        rooms.begin(state, operation, answer::set);
        disks.run();
        return Objects.requireNonNull(answer.get(), "every operation is answered");
    }

    private WriteArgs write(long client, FileHandle file, long offset, byte[] bytes) {
        return new WriteArgs(rooms.stateid(client, file), offset, StableHow.UNSTABLE, ByteBuffer.wrap(bytes));
    }

    private byte[] read(FileHandle file, long offset, int count) {
        var result = (ReadResult) run(ALICE, file, new ReadArgs(rooms.stateid(ALICE, file), offset, count));
        var bytes = new byte[result.data().remaining()];
        result.data().duplicate().get(bytes);
        return bytes;
    }

    /// The bytes that a READ_PLUS means.
    private byte[] readPlus(FileHandle file, int offset, int count) {
        var result = (ReadPlusResult) run(ALICE, file, new ReadPlusArgs(rooms.stateid(ALICE, file), offset, count));
        var bytes = ByteBuffer.allocate(count);
        for (ReadPlusContent content : result.contents()) {
            switch (content) {
                case ReadPlusContent.Data(long at, ByteBuffer data) -> {
                    assertThat(at).isEqualTo(offset + bytes.position());
                    bytes.put(data.duplicate());
                }
                case ReadPlusContent.Hole(long at, long length) -> {
                    assertThat(at).isEqualTo(offset + bytes.position());
                    bytes.put(new byte[(int) length]);
                }
            }
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private long copied(FileHandle source, FileHandle target, long from, long to, long count) {
        var args = new CopyArgs(
                rooms.stateid(ALICE, source), rooms.stateid(ALICE, target), from, to, count, true, true, List.of());
        OpResult result = copy(source, target, args);
        ok(result);
        return ((CopyResult) result).response().count();
    }

    private NfsStatus copyStatus(
            FileHandle source, FileHandle target, Stateid from, Stateid to, long offset, long count) {
        return copy(source, target, new CopyArgs(from, to, offset, 0, count, true, true, List.of()))
                .status();
    }

    private OpResult copy(FileHandle source, FileHandle target, CopyArgs args) {
        CompoundState state = rooms.state(ALICE, source);
        CompoundRunner.save(state);
        state.setCurrentFile(target);
        return run(state, args);
    }

    private LayoutGetArgs layoutGet(long client, FileHandle file) {
        return new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                Iomode.READ_WRITE,
                FileRange.of(0, 4 * PAGE),
                PAGE,
                rooms.stateid(client, file),
                4096);
    }

    private static byte[] bytes(int length, int value) {
        var bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
