package pnfs.mds.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.testing.TestServer;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// A server is killed, and one record of what a client held is damaged while it is down.
class SalvageTest {
    private static final long ALICE = 1;
    private static final long BOB = 2;
    private static final long CAROL = 3;
    private static final List<Keys> HELD =
            List.of(Keys.CLIENT, Keys.OPEN, Keys.LOCK, Keys.RANGE, Keys.DELEGATION, Keys.GRANT);
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final byte[] GARBAGE = {1, 2, 3};

    private LayoutRooms rooms = LayoutRooms.committing().withoutProxy();
    private final FileHandle file = rooms.open(ALICE, "file");

    SalvageTest() {
        rooms.open(BOB, "another");
        var whole = new OpArgs.LockArgs(
                LockType.WRITE,
                false,
                FileRange.WHOLE_FILE,
                new Locker.NewOwner(0, rooms.stateid(ALICE, file), 0, new StateOwner(0, Opaque.ofUtf8("process"))));
        var layout = new OpArgs.LayoutGetArgs(
                false,
                LayoutType.SCSI,
                Iomode.READ_WRITE,
                FileRange.of(0, ByteRange.BLOCK_BYTES),
                ByteRange.BLOCK_BYTES,
                rooms.stateid(ALICE, file),
                4096);
        assertThat(rooms.run(ALICE, file, whole).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.run(ALICE, file, layout).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void where_all_can_be_read_clients_go_on() {
        restart();

        assertThat(open(BOB)).isEqualTo(NfsStatus.OK);
        assertThat(keys(Keys.ASIDE)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"SESSION", "SLOT", "CALLBACK", "OPEN", "LOCK", "RANGE", "DELEGATION", "GRANT", "WATCH"})
    void nobody_gets_anything_new_before_the_clients_have_reclaimed_what_the_record_may_have_been(Keys kind) {
        byte[] damaged = damage(kind);

        restart();

        rooms.comeBack(ALICE);
        rooms.comeBack(BOB);
        complete(BOB);
        assertThat(open(BOB)).as("Alice may have held it").isEqualTo(NfsStatus.GRACE);
        complete(ALICE);
        assertThat(open(BOB)).isEqualTo(NfsStatus.OK);
        assertThat(rooms.store.get(Keys.ASIDE.of(damaged)).value()).isEqualTo(GARBAGE);
    }

    @Test
    void a_client_that_nobody_knows_any_more_is_waited_for_as_long_as_it_may_not_have_noticed() {
        damage(Keys.CLIENT);

        restart();

        rooms.comeBack(ALICE);
        rooms.comeBack(BOB);
        complete(ALICE);
        complete(BOB);
        assertThat(open(BOB)).isEqualTo(NfsStatus.GRACE);
        rooms.pass(TestServer.LEASE_SECONDS);
        assertThat(open(BOB)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_start_that_was_killed_in_grace_begins_it_again() {
        damage(Keys.OPEN);
        restart();

        restart();

        rooms.comeBack(BOB);
        complete(BOB);
        assertThat(open(BOB)).isEqualTo(NfsStatus.GRACE);
    }

    /// A layout of the client may be in use under that key.
    @Test
    void I1_a_reservation_key_of_which_only_the_key_can_be_read_is_fenced_after_the_repair() {
        byte[] fence = Keys.FENCE.of(
                rooms.idOf(ALICE), LayoutRooms.VOLUMES.getFirst().id().bytes());
        store(fence);

        rooms.store.append(StoreCheck.run(rooms.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {})
                .repair());
        restart();

        assertThat(rooms.fences.pending())
                .extracting(pending -> pending.key())
                .containsOnly(ByteBuffer.wrap(fence).getLong(1));
        assertThat(rooms.layouts.quarantined())
                .contains(LayoutRooms.VOLUMES.getFirst().id());
    }

    /// Its client may still write through a layout of it, to space that whoever removes the rest makes free.
    @ParameterizedTest
    @EnumSource(names = {"INODE", "EXTENT"})
    void I2_nobody_gets_space_where_a_damaged_file_had_layouts_before_their_client_is_fenced_or_came_back(Keys kind) {
        DeviceId device = LayoutRooms.VOLUMES.getFirst().id();
        var info = new OpArgs.GetDeviceInfoArgs(Opaque.of(device.bytes()), LayoutType.SCSI, PAGE, Bitmap.EMPTY);
        assertThat(rooms.run(ALICE, file, info).status()).isEqualTo(NfsStatus.OK);
        store(keys(kind).getLast());

        rooms.store.append(StoreCheck.run(rooms.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {})
                .repair());
        restart();

        assertThat(rooms.layouts.quarantined()).contains(device);
    }

    /// What is still a record says something wrong: a start goes on all the same.
    @Seeds(100)
    void a_start_takes_any_damage_of_what_clients_held(RandomGenerator random) {
        Keys kind = HELD.get(random.nextInt(HELD.size()));
        List<byte[]> keys = keys(kind);
        if (keys.isEmpty()) {
            return;
        }
        byte[] key = keys.get(random.nextInt(keys.size()));
        byte[] value = rooms.store.get(key).require("record");
        byte[] damaged = Arrays.copyOf(value, random.nextInt(3) == 0 ? random.nextInt(value.length) : value.length);
        for (int flips = random.nextInt(3); flips >= 0 && damaged.length > 0; flips--) {
            damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        }
        store(key, damaged);

        restart();

        rooms.comeBack(CAROL); // whose record is not damaged: she had none
        complete(CAROL);
        assertThat(open(CAROL)).isIn(NfsStatus.OK, NfsStatus.GRACE);
    }

    /// The first record of the kind; where there is none, one.
    private byte[] damage(Keys kind) {
        List<byte[]> there = keys(kind);
        byte[] key = there.isEmpty() ? kind.of(file.inode(), 77) : there.getFirst();
        store(key);
        return key;
    }

    private void store(byte[] key) {
        store(key, GARBAGE);
    }

    private void store(byte[] key, byte[] value) {
        var batch = new Batch();
        batch.put(key, value);
        rooms.store.append(batch);
    }

    private List<byte[]> keys(Keys kind) {
        var keys = new ArrayList<byte[]>();
        rooms.store.scan(kind.first(), kind.end(), (key, _) -> keys.add(key));
        return keys;
    }

    private void restart() {
        rooms = rooms.kill(2);
    }

    private void complete(long client) {
        rooms.run(client, rooms.root, new ReclaimCompleteArgs(false));
    }

    private NfsStatus open(long client) {
        var how = new OpenHow.Unchecked(Fattr.EMPTY);
        return rooms.run(
                        client,
                        rooms.root,
                        FileRooms.open("owner", ShareBits.READ, 0, how, new OpenClaim.ByName("new")))
                .status();
    }
}
