package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutTryLater;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Who does not give back a layout is fenced before anybody else gets its blocks, RFC 8154 §2.4.10; whatever
/// the data servers do meanwhile, and whenever this server dies.
class FenceTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long ALICE = 1;
    private static final long BOB = 2;
    private static final long LEASE = TestServer.LEASE_SECONDS;

    private final MemoryEngine engine = new MemoryEngine();
    private LayoutRooms rooms = new LayoutRooms(engine, 1).withoutProxy();
    private final FakeDataServers servers = rooms.dataServers;

    FenceTest() {
        servers.slow = true;
    }

    @Test
    void I1_the_blocks_of_a_silent_client_are_granted_only_when_every_data_server_has_confirmed() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        long key = keyOf(ALICE, held);
        rooms.open(BOB, "f");

        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        rooms.end(ALICE);
        rooms.fences.sendDue();
        assertThat(servers.waiting)
                .as("before it is durable that the key is fenced")
                .isEmpty();
        rooms.settle();
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        assertThat(servers.waiting).extracting(FakeDataServers.Order::key).containsExactly(key);
        servers.confirm(servers.waiting.getFirst());

        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
        assertThat(rooms.fences.pending()).isEmpty();
    }

    @Test
    void I2_a_removed_file_s_blocks_are_free_only_when_its_silent_writer_is_fenced() {
        FileHandle file = rooms.open(ALICE, "f");
        keyOf(ALICE, write(ALICE, file, 0));
        rooms.run(BOB, rooms.root, new RemoveArgs("f"));
        rooms.end(ALICE);
        rooms.settle();
        long free = rooms.layouts.capacity().freeBytes();

        servers.confirm(servers.waiting.getFirst());
        rooms.settle();

        assertThat(rooms.layouts.capacity().freeBytes()).isGreaterThan(free);
        assertThat(rooms.inodes.find(file.inode()).value()).isNull();
    }

    /// Nobody can tell what of it lies where; somebody may be able to once its records are put back.
    @Test
    void I1_the_layout_of_a_damaged_file_goes_only_when_every_data_server_has_confirmed_and_frees_nothing() {
        FileHandle file = rooms.open(ALICE, "f");
        keyOf(ALICE, write(ALICE, file, 0));
        keyOf(ALICE, write(ALICE, file, LayoutRooms.PLACEMENT_BYTES));
        var damage = new Batch();
        damage.put(Keys.EXTENT.of(file.inode(), 0), new byte[] {7, 7, 7});
        rooms.store.append(damage);
        rooms.settle();
        rooms = rooms.kill(2).withoutProxy();
        long free = rooms.layouts.capacity().freeBytes();

        rooms.end(ALICE);
        rooms.settle();
        assertThat(servers.waiting).hasSize(2);
        servers.confirm(servers.waiting.getFirst());
        assertThat(rooms.manager.isHeld(file.inode())).isTrue();
        servers.confirm(servers.waiting.getFirst());

        assertThat(rooms.manager.isHeld(file.inode())).isFalse();
        assertThat(rooms.fences.pending()).isEmpty();
        assertThat(rooms.layouts.capacity().freeBytes()).isEqualTo(free);
    }

    @Test
    void a_client_that_was_told_no_device_can_have_written_nothing_and_is_not_fenced() {
        FileHandle file = rooms.open(ALICE, "f");
        write(ALICE, file, 0);
        rooms.open(BOB, "f");

        rooms.end(ALICE);
        rooms.settle();

        assertThat(servers.waiting).isEmpty();
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void a_data_server_that_refuses_is_asked_again_and_the_blocks_wait() {
        FileHandle file = rooms.open(ALICE, "f");
        keyOf(ALICE, write(ALICE, file, 0));
        rooms.open(BOB, "f");
        rooms.end(ALICE);
        rooms.settle();

        servers.refuse(servers.waiting.getFirst());
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        assertThat(servers.waiting).isEmpty();
        rooms.pass(1);

        servers.confirm(servers.waiting.getFirst());
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void a_data_server_that_is_away_keeps_only_its_own_blocks_waiting_and_is_told_when_it_comes_back() {
        FileHandle near = rooms.open(ALICE, "near");
        FileHandle far = onOther(near, "far");
        keyOf(ALICE, write(ALICE, near, 0));
        keyOf(ALICE, write(ALICE, far, 0));
        Volume here = volumeOf(near);
        Volume away = volumeOf(far);
        rooms.open(BOB, "near");
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, List.of(here), Set.of());

        rooms.end(ALICE);
        rooms.settle();
        servers.confirm(servers.on(here));

        assertThat(servers.waiting).isEmpty();
        assertThat(get(BOB, near, 0)).isInstanceOf(LayoutGetResult.class);
        assertThat(get(BOB, far, 0)).isInstanceOf(LayoutTryLater.class);
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of());
        rooms.settle();
        servers.confirm(servers.on(away));
        assertThat(get(BOB, far, 0)).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void one_file_on_two_volumes_is_free_again_piece_by_piece() {
        FileHandle file = rooms.open(ALICE, "f");
        long second = LayoutRooms.PLACEMENT_BYTES;
        keyOf(ALICE, write(ALICE, file, 0));
        keyOf(ALICE, write(ALICE, file, second));
        rooms.open(BOB, "f");
        rooms.end(ALICE);
        rooms.settle();
        assertThat(servers.waiting).hasSize(2);

        servers.confirm(servers.on(volumeAt(file, second)));

        assertThat(get(BOB, file, second)).isInstanceOf(LayoutGetResult.class);
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        servers.confirm(servers.on(volumeAt(file, 0)));
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void I1_a_fence_that_was_not_confirmed_is_sent_again_after_a_restart_and_nothing_there_is_granted_before() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        long key = keyOf(ALICE, held);
        rooms.run(ALICE, file, commit(held.stateid()));
        rooms.end(ALICE);
        rooms.settle();
        servers.waiting.clear();

        rooms = rooms.restart(2).withoutProxy();
        rooms.pass(0);

        assertThat(servers.waiting).extracting(FakeDataServers.Order::key).containsExactly(key);
        rooms.open(BOB, "f");
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        servers.confirm(servers.waiting.getFirst());
        rooms.settle();
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
        assertThat(restarted().fences.pending()).as("after one more restart").isEmpty();
    }

    @Test
    void I1_what_a_client_of_the_run_before_could_reach_is_quarantined_until_its_time_is_up_and_it_is_fenced() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        long key = keyOf(ALICE, held);
        rooms.run(ALICE, file, commit(held.stateid()));
        engine.commitAll();

        rooms = rooms.restart(2).withoutProxy();
        rooms.pass(0);
        assertThat(servers.waiting).as("it may come back and commit").isEmpty();
        assertThat(rooms.layouts.quarantined()).contains(volumeOf(file).id());
        rooms.pass(LEASE + 1);

        assertThat(servers.waiting).extracting(FakeDataServers.Order::key).containsExactly(key);
        rooms.open(BOB, "f");
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutTryLater.class);
        servers.confirm(servers.waiting.getFirst());
        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
        assertThat(rooms.layouts.quarantined()).isEmpty();
    }

    @Test
    void I2_where_the_server_wrote_itself_nobody_gets_storage_after_a_restart_until_nothing_of_that_can_come_late() {
        long own = -7;
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        rooms.run(ALICE, file, commit(held.stateid()));
        long ticket = rooms.fences.writing(volumeOf(file).id(), own);
        assertThat(rooms.fences.writing(volumeOf(file).id(), own))
                .as("one record is enough")
                .isEqualTo(ticket);
        engine.commitAll();

        rooms = rooms.kill(2).withoutProxy();
        rooms.pass(0);
        assertThat(get(ALICE, file, 0)).isInstanceOf(LayoutTryLater.class);
        assertThat(servers.waiting).extracting(FakeDataServers.Order::key).containsExactly(own);
        servers.confirm(servers.waiting.getFirst());
        assertThat(get(ALICE, file, 0)).isInstanceOf(LayoutGetResult.class);

        rooms.settle();
        rooms = rooms.kill(3).withoutProxy();
        assertThat(rooms.layouts.quarantined())
                .as("in that run it wrote nothing")
                .isEmpty();
    }

    @Test
    void I1_who_comes_back_after_a_restart_is_fenced_under_its_old_key_when_it_has_reclaimed() {
        FileHandle file = rooms.open(ALICE, "f");
        long before = keyOf(ALICE, write(ALICE, file, 0));
        engine.commitAll();

        rooms = rooms.restart(2).withoutProxy();
        rooms.open(ALICE, "f"); // says RECLAIM_COMPLETE first, and is the only one waited for
        rooms.settle();

        assertThat(servers.waiting).extracting(FakeDataServers.Order::key).containsExactly(before);
        servers.confirm(servers.waiting.getFirst());
        assertThat(keyOf(ALICE, write(ALICE, file, 0))).isNotEqualTo(before);
    }

    @Test
    void a_client_that_is_there_but_returns_nothing_gets_another_key_under_another_device_id() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        long key = keyOf(ALICE, held);
        rooms.fences.revoke(rooms.idOf(ALICE));
        rooms.settle();

        assertThat(get(ALICE, file, 0)).as("while the fence is under way").isInstanceOf(LayoutTryLater.class);
        FileHandle other = rooms.open(ALICE, "other");
        LayoutGetResult next = write(ALICE, other, 0);
        assertThat(deviceOf(next)).isNotEqualTo(deviceOf(held));
        assertThat(status(ALICE, deviceInfo(deviceOf(held)))).isEqualTo(NfsStatus.NOENT);
        if (volumeOf(other).equals(volumeOf(file))) {
            assertThat(status(ALICE, deviceInfo(deviceOf(next)))).isEqualTo(NfsStatus.DELAY);
        }
        servers.confirm(servers.waiting.getFirst());

        assertThat(keyOf(ALICE, write(ALICE, file, 0))).isNotEqualTo(key);
        assertThat(servers.fenced).extracting(FakeDataServers.Fenced::key).containsExactly(key);
    }

    @Test
    void a_client_that_is_there_may_commit_what_it_wrote_until_somebody_else_can_have_it() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        keyOf(ALICE, held);
        rooms.fences.revoke(rooms.idOf(ALICE));
        rooms.settle();

        assertThat(status(ALICE, file, commit(held.stateid()))).isEqualTo(NfsStatus.OK);
        servers.confirm(servers.waiting.getFirst());

        assertThat(status(ALICE, file, commit(held.stateid()))).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void a_client_that_lost_a_layout_is_told_and_says_that_it_knows() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid lost = write(ALICE, file, 0).stateid();

        rooms.fences.revoke(rooms.idOf(ALICE));

        assertThat(tested(lost)).isEqualTo(NfsStatus.DELEG_REVOKED);
        assertThat(status(ALICE, file, new FreeStateidArgs(lost))).isEqualTo(NfsStatus.OK);
        assertThat(tested(lost)).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void a_layout_that_is_returned_while_its_client_is_fenced_is_free_at_once() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = write(ALICE, file, 0);
        keyOf(ALICE, held);
        rooms.open(BOB, "f");
        rooms.fences.revoke(rooms.idOf(ALICE));
        rooms.settle();

        var all = new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, held.stateid(), Opaque.EMPTY);
        assertThat(status(ALICE, file, new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, all)))
                .isEqualTo(NfsStatus.OK);

        assertThat(get(BOB, file, 0)).isInstanceOf(LayoutGetResult.class);
    }

    private LayoutRooms restarted() {
        rooms.settle();
        LayoutRooms next = rooms.restart(3).withoutProxy();
        next.pass(LEASE + 1);
        return next;
    }

    /// Another file whose first block is on the other volume.
    private FileHandle onOther(FileHandle file, String prefix) {
        write(ALICE, file, 0);
        for (int i = 0; ; i++) {
            FileHandle other = rooms.open(ALICE, prefix + i);
            write(ALICE, other, 0);
            if (!volumeOf(other).equals(volumeOf(file))) {
                rooms.open(BOB, prefix + i);
                return other;
            }
        }
    }

    private Volume volumeOf(FileHandle file) {
        return volumeAt(file, 0);
    }

    private Volume volumeAt(FileHandle file, long offset) {
        Extent there = rooms.extents(file).stream()
                .filter(extent -> extent.file().contains(offset))
                .findFirst()
                .orElseThrow();
        return rooms.layouts.volume(there.device()).orElseThrow();
    }

    private LayoutGetResult write(long client, FileHandle file, long offset) {
        return (LayoutGetResult) get(client, file, offset);
    }

    private OpResult get(long client, FileHandle file, long offset) {
        return rooms.run(
                client,
                file,
                new LayoutGetArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.READ_WRITE,
                        FileRange.of(offset, PAGE),
                        PAGE,
                        rooms.stateid(client, file),
                        4096));
    }

    private static DeviceId deviceOf(LayoutGetResult granted) {
        return ScsiLayoutCodec.readLayout(
                        granted.segments().getFirst().content().body(), 100)
                .getFirst()
                .device();
    }

    private static GetDeviceInfoArgs deviceInfo(DeviceId device) {
        return new GetDeviceInfoArgs(Opaque.of(device.bytes()), LayoutType.SCSI, 4096, Bitmap.EMPTY);
    }

    private long keyOf(long client, LayoutGetResult granted) {
        var told = (GetDeviceInfoResult) rooms.run(client, rooms.root, deviceInfo(deviceOf(granted)));
        return ScsiLayoutCodec.readDevice(told.address().body(), FenceTest::disk)
                .key();
    }

    private static Scsi disk(Designator designator) {
        return LayoutRooms.VOLUMES.stream()
                .map(volume -> (Scsi) volume.topology())
                .filter(disk -> disk.designator().equals(designator))
                .findFirst()
                .orElseThrow();
    }

    private static LayoutCommitArgs commit(Stateid stateid) {
        return new LayoutCommitArgs(
                FileRange.of(0, PAGE),
                false,
                stateid,
                OptionalLong.of(PAGE - 1),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(new ByteRange(0, PAGE)))));
    }

    private NfsStatus tested(Stateid stateid) {
        return ((TestStateidResult) rooms.run(ALICE, rooms.root, new TestStateidArgs(List.of(stateid))))
                .statuses()
                .getFirst();
    }

    private NfsStatus status(long client, OpArgs operation) {
        return status(client, rooms.root, operation);
    }

    private NfsStatus status(long client, FileHandle file, OpArgs operation) {
        return rooms.run(client, file, operation).status();
    }
}
