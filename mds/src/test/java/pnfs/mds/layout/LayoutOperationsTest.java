package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DiskSignature;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.DeviceInfoTooSmall;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.LayoutCommitResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.OpResult.LayoutTryLater;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

class LayoutOperationsTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long ALICE = 1;
    private static final long BOB = 2;
    private static final Bitmap NOTIFICATIONS = Bitmap.of(1, 2);

    private final MemoryEngine engine = new MemoryEngine();
    private final LayoutRooms rooms = new LayoutRooms(engine, 1).withoutProxy();

    @Test
    void I3_a_granted_layout_is_shown_only_when_its_storage_is_durably_the_file_s() {
        FileHandle file = rooms.open(ALICE, "f");
        CompoundState state = rooms.state(ALICE, file);
        CompoundState reader = rooms.state(ALICE, file);
        engine.commitAll(); // so that only the grant itself is left to wait for

        var granted = (LayoutGetResult) rooms.run(state, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));

        assertThat(state.ticket()).isGreaterThan(rooms.store.durableTicket());
        assertThat(extentsOf(granted)).extracting(Extent::state).containsExactly(ExtentState.INVALID_DATA);
        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(PAGE);
        rooms.run(reader, get(ALICE, file, Iomode.READ, 0, PAGE));
        assertThat(reader.ticket()).as("a reader waits for the same").isGreaterThanOrEqualTo(state.ticket());
        engine.commitAll();
        assertThat(rooms.store.durableTicket()).isGreaterThanOrEqualTo(state.ticket());
    }

    @Test
    void I5_a_commit_that_was_answered_survives_a_crash_with_its_size_and_extents() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, 4 * PAGE));
        CompoundState state = rooms.state(ALICE, file);

        OpResult result = rooms.run(state, commit(granted.stateid(), 3 * PAGE + 5, new ByteRange(0, 4 * PAGE)));

        assertThat(((LayoutCommitResult) result).newSize()).hasValue(3 * PAGE + 6);
        assertThat(state.ticket()).isGreaterThan(rooms.store.durableTicket());
        engine.commitAll();
        LayoutRooms after = rooms.crash(2).withoutProxy();
        assertThat(after.inode(file).size()).isEqualTo(3 * PAGE + 6);
        assertThat(after.extents(file)).extracting(Extent::state).containsExactly(ExtentState.READ_WRITE_DATA);
    }

    @Test
    void I5_a_commit_that_was_not_durable_leaves_the_file_as_it_was() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        engine.commitAll();

        rooms.run(ALICE, file, commit(granted.stateid(), PAGE - 1, new ByteRange(0, PAGE)));
        LayoutRooms after = rooms.crash(2).withoutProxy();

        assertThat(after.inode(file).size()).isZero();
        assertThat(after.extents(file)).as("nobody can commit it any more").isEmpty();
    }

    /// Linux 6.1 keeps it else, and truncates in its next open without giving it back.
    @Test
    void a_layout_is_to_be_returned_when_its_file_is_closed() {
        FileHandle file = rooms.open(ALICE, "f");

        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));

        assertThat(granted.returnOnClose()).isTrue();
    }

    @Test
    void a_commit_moves_change_and_times_even_where_only_data_was_overwritten() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(ALICE, file, commit(granted.stateid(), PAGE - 1, new ByteRange(0, PAGE)));
        var before = rooms.inode(file);

        var result = (LayoutCommitResult) rooms.run(ALICE, file, commit(granted.stateid(), 10));

        assertThat(result.newSize()).isEmpty();
        assertThat(rooms.inode(file).change()).isGreaterThan(before.change());
        assertThat(rooms.inode(file).times().modified())
                .isGreaterThan(before.times().modified());
    }

    @Test
    void a_layout_in_another_s_way_is_asked_for_later() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));

        OpResult refused = rooms.run(BOB, file, get(BOB, file, Iomode.READ, 0, PAGE));

        assertThat(refused).isEqualTo(new LayoutTryLater(false));
    }

    @Test
    void whoever_is_in_the_way_is_recalled_and_gets_no_more_until_the_other_had_its_turn() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        var held = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        Stateid recalled = held.stateid().next();

        rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE));

        assertThat(rooms.recalls.count()).isEqualTo(1);
        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, PAGE, PAGE))
                        .status())
                .isEqualTo(NfsStatus.RECALLCONFLICT);
        rooms.run(ALICE, file, commit(recalled, PAGE - 1, new ByteRange(0, PAGE)));
        var returned = (LayoutReturnResult) rooms.run(ALICE, file, giveBack(recalled));
        assertThat(returned.stateid()).isEmpty();
        rooms.recalls.tick(rooms.recalls.nowNanos() + 1);
        assertThat(rooms.recalls.count()).isZero();
        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE)))
                .as("Bob is next")
                .isEqualTo(new LayoutTryLater(false));
        assertThat(rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE))
                        .status())
                .isEqualTo(NfsStatus.OK);
        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE)))
                .as("and now Bob is recalled")
                .isEqualTo(new LayoutTryLater(false));
        assertThat(rooms.recalls.count()).isEqualTo(1);
    }

    @Test
    void whoever_is_next_and_does_not_come_loses_its_place() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        var held = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE));

        rooms.recalls.tick(rooms.recalls.nowNanos() + TimeUnit.SECONDS.toNanos(2));

        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, PAGE, PAGE))
                        .status())
                .isEqualTo(NfsStatus.RECALLCONFLICT);
        rooms.run(ALICE, file, commit(held.stateid().next(), PAGE - 1, new ByteRange(0, PAGE)));
        rooms.run(ALICE, file, giveBack(held.stateid().next()));
        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    /// Linux truncates under its own layout, and asks for the next one at once.
    @Test
    void whoever_has_cut_the_file_keeps_no_place_before_layouts() {
        FileHandle file = rooms.open(ALICE, "f");
        var held = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(ALICE, file, commit(held.stateid(), PAGE - 1, new ByteRange(0, PAGE)));
        rooms.run(ALICE, file, setSize(ALICE, file, 0));
        rooms.run(ALICE, file, giveBack(held.stateid().next()));

        assertThat(rooms.run(ALICE, file, setSize(ALICE, file, 0)).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_layout_that_is_not_returned_within_a_lease_is_taken() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        var held = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE));

        rooms.recalls.tick(rooms.recalls.nowNanos() + TestServer.LIMITS.leaseNanos());

        assertThat(rooms.run(ALICE, file, giveBack(held.stateid().next())).status())
                .isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_file_under_a_layout_is_not_cut_and_not_freed_before_its_return() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, 2 * PAGE));
        rooms.run(ALICE, file, commit(granted.stateid(), 2 * PAGE - 1, new ByteRange(0, 2 * PAGE)));

        assertThat(rooms.run(ALICE, file, setSize(ALICE, file, 0)).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(rooms.recalls.count()).as("the layout is recalled").isEqualTo(1);
        assertThat(rooms.run(ALICE, rooms.root, new RemoveArgs("f")).status()).isEqualTo(NfsStatus.OK);
        rooms.run(ALICE, file, new CloseArgs(0, rooms.stateid(ALICE, file)));
        engine.commitAll();
        assertThat(freeBytes()).isEqualTo(allBytes() - 2 * PAGE);

        var returned = (LayoutReturnResult) rooms.run(ALICE, file, giveBack(granted.stateid()));

        assertThat(returned.stateid()).isEmpty();
        assertThat(rooms.run(ALICE, file, giveBack(granted.stateid())).status()).isEqualTo(NfsStatus.STALE);
        assertThat(rooms.space.totals().freeBytes()).isEqualTo(allBytes());
        assertThat(rooms.space.totals().allocatableBytes())
                .as("I2: not before it is durable")
                .isEqualTo(allBytes() - 2 * PAGE);
        engine.commitAll();
        assertThat(rooms.space.totals().allocatableBytes()).isEqualTo(allBytes());
    }

    @Test
    void a_smaller_size_frees_what_lies_beyond_in_the_same_step() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, 4 * PAGE));
        rooms.run(ALICE, file, commit(granted.stateid(), 4 * PAGE - 1, new ByteRange(0, 4 * PAGE)));
        rooms.run(ALICE, file, giveBack(granted.stateid()));
        engine.commitAll();

        assertThat(rooms.run(ALICE, file, setSize(ALICE, file, PAGE)).status()).isEqualTo(NfsStatus.OK);

        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(PAGE);
        assertThat(rooms.crash(2).inode(file).size())
                .as("nothing of it is durable yet")
                .isEqualTo(4 * PAGE);
        assertThat(freeBytes()).isEqualTo(allBytes() - PAGE);
    }

    @Test
    void the_layouts_of_a_client_end_with_it() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, PAGE));

        rooms.end(ALICE);

        assertThat(freeBytes()).as("what it never wrote").isEqualTo(allBytes());
        rooms.open(BOB, "f");
        assertThat(rooms.run(BOB, file, get(BOB, file, Iomode.READ_WRITE, 0, PAGE)))
                .isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void a_return_of_everything_takes_every_file() {
        FileHandle one = rooms.open(ALICE, "one");
        FileHandle two = rooms.open(ALICE, "two");
        rooms.run(ALICE, one, get(ALICE, one, Iomode.READ_WRITE, 0, PAGE));
        rooms.run(ALICE, two, get(ALICE, two, Iomode.READ_WRITE, 0, PAGE));

        rooms.run(
                ALICE,
                rooms.root,
                new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.All()));

        assertThat(rooms.manager.held().files()).isZero();
    }

    @Test
    void a_layout_needs_an_open_file_and_a_type_that_is_offered() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "g");

        assertThat(rooms.run(BOB, file, get(BOB, file, Iomode.READ, 0, PAGE)).status())
                .isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.run(
                                ALICE,
                                file,
                                new LayoutGetArgs(
                                        false,
                                        LayoutType.FLEX_FILES,
                                        Iomode.READ,
                                        FileRange.of(0, PAGE),
                                        0,
                                        rooms.stateid(ALICE, file),
                                        4096))
                        .status())
                .isEqualTo(NfsStatus.UNKNOWN_LAYOUTTYPE);
        assertThat(rooms.run(ALICE, rooms.root, get(ALICE, file, Iomode.READ, 0, PAGE))
                        .status())
                .isEqualTo(NfsStatus.WRONG_TYPE);
    }

    @Test
    void a_device_is_described_for_each_type_and_kept_by_linux_because_of_its_notifications() {
        Opaque device = Opaque.of(LayoutRooms.VOLUMES.getFirst().id().bytes());

        var scsi = (GetDeviceInfoResult) rooms.run(ALICE, rooms.root, info(device, LayoutType.SCSI, 4096));
        var block = (GetDeviceInfoResult) rooms.run(ALICE, rooms.root, info(device, LayoutType.BLOCK_VOLUME, 4096));

        assertThat(scsi.notifications()).isEqualTo(NOTIFICATIONS);
        var disk = (pnfs.layout.device.VolumeTopology.Scsi)
                LayoutRooms.VOLUMES.getFirst().topology();
        var read = ScsiLayoutCodec.readDevice(
                scsi.address().body(),
                designator -> new pnfs.layout.device.VolumeTopology.Scsi(disk.region(), disk.capacity(), designator));
        assertThat(read.topology()).isEqualTo(disk);
        assertThat(read.key()).isEqualTo(rooms.idOf(ALICE)).isNotZero();
        BlockLayoutCodec.readDevice(block.address().body(), signatures -> {
            assertThat(signatures.getFirst().contents()).isEqualTo(DiskSignature.of(disk.region()));
            return new pnfs.layout.device.VolumeTopology.Simple(disk.region(), disk.capacity(), signatures);
        });
    }

    @Test
    void a_device_that_does_not_fit_or_is_not_there_is_refused_as_the_rfc_says() {
        Opaque device = Opaque.of(LayoutRooms.VOLUMES.getFirst().id().bytes());
        var whole = (GetDeviceInfoResult) rooms.run(ALICE, rooms.root, info(device, LayoutType.SCSI, -1));
        int bytes = 8 + whole.address().body().length();

        assertThat(rooms.run(ALICE, rooms.root, info(device, LayoutType.SCSI, bytes - 1)))
                .isEqualTo(new DeviceInfoTooSmall(bytes));
        assertThat(rooms.run(ALICE, rooms.root, info(device, LayoutType.SCSI, bytes)))
                .isEqualTo(whole);
        assertThat(((GetDeviceInfoResult) rooms.run(ALICE, rooms.root, info(device, LayoutType.SCSI, 0)))
                        .address()
                        .body()
                        .length())
                .isZero();
        assertThat(rooms.run(ALICE, rooms.root, info(Opaque.of(new byte[16]), LayoutType.SCSI, 4096))
                        .status())
                .isEqualTo(NfsStatus.NOENT);
    }

    @Test
    void the_first_block_of_a_disk_is_never_given_out() {
        FileHandle file = rooms.open(ALICE, "f");
        var granted = (LayoutGetResult) rooms.run(ALICE, file, get(ALICE, file, Iomode.READ_WRITE, 0, allBytes()));

        assertThat(extentsOf(granted))
                .allSatisfy(extent -> assertThat(extent.volumeOffset()).isGreaterThanOrEqualTo(PAGE));
    }

    private LayoutGetArgs get(long client, FileHandle file, Iomode iomode, long offset, long length) {
        return new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                iomode,
                FileRange.of(offset, length),
                Math.min(length, PAGE),
                rooms.stateid(client, file),
                4096);
    }

    private static LayoutCommitArgs commit(Stateid stateid, long last, ByteRange... written) {
        return new LayoutCommitArgs(
                FileRange.of(0, last + 1),
                false,
                stateid,
                OptionalLong.of(last),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(written))));
    }

    private static LayoutReturnArgs giveBack(Stateid stateid) {
        return new LayoutReturnArgs(
                false,
                LayoutType.SCSI,
                Iomode.ANY,
                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, stateid, Opaque.EMPTY));
    }

    private OpArgs setSize(long client, FileHandle file, long size) {
        return new SetAttrArgs(
                rooms.stateid(client, file),
                AttributeCodec.write(Attributes.builder().size(size).build()));
    }

    private static GetDeviceInfoArgs info(Opaque device, LayoutType type, int maxBytes) {
        return new GetDeviceInfoArgs(device, type, maxBytes, NOTIFICATIONS);
    }

    private static List<Extent> extentsOf(LayoutGetResult result) {
        return ScsiLayoutCodec.readLayout(result.segments().getFirst().content().body(), 100);
    }

    private long freeBytes() {
        return rooms.space.totals().freeBytes();
    }

    private static long allBytes() {
        return 2 * (LayoutRooms.VOLUME_BYTES - PAGE);
    }
}
