package pnfs.mds.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.InodeRecords;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.namespace.DirectoryRecords;
import pnfs.mds.namespace.Entry;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// A store that real operations made is damaged in one way, and the check has to say which; what it repairs is
/// checked again.
class StoreCheckTest {
    private static final long ALICE = 1;
    private static final long NOWHERE = 4711;
    private static final int PAGE = ByteRange.BLOCK_BYTES;

    private final LayoutRooms rooms = LayoutRooms.committing().withoutProxy();
    private final FileHandle directory = make("directory", new CreateObject.Directory());
    private final FileHandle below = makeIn(directory, "below");
    private final FileHandle first = fileWithSpace("first");
    private final FileHandle second = fileWithSpace("second");
    private final FileHandle link = make("link", new CreateObject.Symlink(Opaque.ofUtf8("first")));

    /// How each kind of damage is made.
    private final Map<Damage, Runnable> plants = new EnumMap<>(Map.ofEntries(
            Map.entry(Damage.UNREADABLE, () -> change(Keys.FENCE.of(NOWHERE), new byte[] {1, 2, 3})),
            Map.entry(Damage.UNREADABLE_KEY, () -> change(Keys.XATTR.of(new byte[3]), new byte[] {1})),
            Map.entry(Damage.UNREADABLE_INODE, () -> change(InodeRecords.key(link.inode()), new byte[] {1, 2, 3})),
            Map.entry(Damage.UNREADABLE_EXTENT, () -> change(extentKey(first.inode()), new byte[] {1})),
            Map.entry(Damage.UNCLAIMED_SPACE, () -> change(extentKey(first.inode()), new byte[] {1})),
            Map.entry(
                    Damage.UNREADABLE_ORPHAN, () -> change(DirectoryRecords.orphanKey(first.inode()), new byte[] {9})),
            Map.entry(
                    Damage.UNREADABLE_STATE,
                    () -> change(keys(Keys.OPEN.of(first.inode())).getFirst(), new byte[] {1})),
            Map.entry(
                    Damage.UNREADABLE_FENCE,
                    () -> change(
                            Keys.FENCE.of(
                                    NOWHERE, LayoutRooms.VOLUMES.getFirst().id().bytes()),
                            new byte[] {9})),
            Map.entry(Damage.UNREADABLE_SPACE, () -> change(firstFree(), new byte[] {1})),
            Map.entry(Damage.UNREADABLE_NAME, () -> change(recordOf(Keys.ENTRY, rooms.root, first), new byte[] {1})),
            Map.entry(
                    Damage.UNREADABLE_ATTRIBUTE,
                    () -> change(keys(Keys.XATTR.of(first.inode())).getLast(), new byte[] {2})),
            Map.entry(
                    Damage.ATTRIBUTE_LIST,
                    () -> store(batch ->
                            batch.delete(keys(Keys.XATTR.of(first.inode())).getFirst()))),
            Map.entry(Damage.HALF_NAME, () -> store(batch -> batch.delete(recordOf(Keys.COOKIE, rooms.root, first)))),
            Map.entry(Damage.STRAY_NAME, () -> store(batch -> put(batch, first.inode(), new Entry("x", second, 3)))),
            Map.entry(
                    Damage.DANGLING_NAME,
                    () -> count(
                            1,
                            0,
                            batch -> put(batch, rooms.root.inode(), new Entry("x", new FileHandle(NOWHERE, 1), 100)))),
            Map.entry(
                    Damage.LOST_FILE,
                    () -> count(-1, 0, batch -> {
                        batch.delete(recordOf(Keys.ENTRY, rooms.root, first));
                        batch.delete(recordOf(Keys.COOKIE, rooms.root, first));
                    })),
            Map.entry(
                    Damage.TWO_NAMES,
                    () -> count(1, 1, batch -> put(batch, rooms.root.inode(), new Entry("again", directory, 100)))),
            Map.entry(Damage.DETACHED, this::makeCircle),
            Map.entry(Damage.COUNTS, () -> count(0, 5, _ -> {})),
            Map.entry(Damage.DEAD_ORPHAN, () -> change(DirectoryRecords.orphanKey(first.inode()), new byte[] {1})),
            Map.entry(Damage.STRAY_ATTRIBUTES, () -> change(Keys.XATTR.of(NOWHERE), new byte[] {1})),
            Map.entry(Damage.STRAY_EXTENT, () -> moveExtent(first.inode(), link.inode(), 0)),
            Map.entry(Damage.STRAY_GRANT, () -> change(Keys.GRANT.of(NOWHERE, ALICE), nothingHeld())),
            Map.entry(Damage.STRAY_FENCE, () -> {
                byte[] unknown = new byte[DeviceId.BYTES];
                change(Keys.FENCE.of(NOWHERE, unknown), new byte[] {2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
            }),
            Map.entry(
                    Damage.STRAY_SESSION,
                    () -> change(Keys.CALLBACK.of(new byte[20]), new byte[] {0, 0, 0, 1, 0, 0, 0, 5})),
            Map.entry(Damage.STRAY_OPEN, () -> {
                byte[] open = keys(Keys.OPEN.of(first.inode())).getFirst();
                change(withFirstNumber(open, NOWHERE), valueOf(open));
            }),
            Map.entry(Damage.STRAY_LOCK, () -> {
                lock(second);
                store(batch -> batch.delete(keys(Keys.LOCK.of(second.inode())).getFirst()));
            }),
            Map.entry(Damage.STRAY_DELEGATION, () -> change(Keys.DELEGATION.of(first.inode(), 1), delegation(NOWHERE))),
            Map.entry(Damage.OVERLAP, () -> moveExtent(first.inode(), first.inode(), PAGE)),
            Map.entry(Damage.SHARED_SPACE, () -> {
                moveExtent(first.inode(), second.inode(), 64L * PAGE);
            }),
            Map.entry(Damage.OUTSIDE, () -> {
                byte[] extent = valueOf(extentKey(first.inode()));
                Arrays.fill(extent, extent.length - 8, extent.length - 4, (byte) 0x10);
                change(extentKey(first.inode()), extent);
            }),
            Map.entry(Damage.SPACE_USED, () -> {
                Inode inode = rooms.inode(first);
                put(new Inode(inode.file(), inode.rights(), 1, 9, inode.times(), new Content.Regular(0, PAGE, null)));
            }),
            Map.entry(
                    Damage.FREE_IN_USE,
                    () -> store(batch -> {
                        byte[] free = firstFree();
                        batch.put(withLastNumber(free, 0), valueOf(free));
                    })),
            Map.entry(Damage.FREE_TWICE, () -> {
                byte[] free = firstFree();
                byte[] number = valueOf(free);
                long length = ByteBuffer.wrap(number).getLong(1);
                store(batch -> {
                    batch.put(free, withLastNumber(number, length - PAGE));
                    long end = ByteBuffer.wrap(free).getLong(free.length - Long.BYTES) + length;
                    batch.put(withLastNumber(free, end - PAGE), withLastNumber(number, PAGE));
                });
            }),
            Map.entry(Damage.LEAKED_SPACE, () -> store(batch -> batch.delete(firstFree())))));

    @Test
    void what_operations_leave_is_sound() {
        Report report = check();
        assertThat(report.findings()).isEmpty();
        assertThat(report.files()).isEqualTo(6);
        assertThat(report.repair().isEmpty()).isTrue();
    }

    @Test
    void a_file_that_waits_for_its_last_close_is_no_damage() {
        rooms.run(ALICE, rooms.root, new OpArgs.RemoveArgs("first"));
        assertThat(check().findings()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Damage.class)
    void damage_is_found_and_repaired_where_it_can_be(Damage damage) {
        plant(damage);
        Report report = check();
        assertThat(report.findings()).extracting(Report.Finding::damage).contains(damage);
        assertThat(report.hasIrreparable())
                .isEqualTo(report.findings().stream()
                        .anyMatch(found -> !found.damage().isRepairable()));
        rooms.store.append(report.repair());
        List<Damage> left =
                check().findings().stream().map(Report.Finding::damage).toList();
        assertThat(left).allMatch(found -> !found.isRepairable());
        assertThat(left.contains(damage)).isEqualTo(!damage.isRepairable());
    }

    @Test
    void what_clients_hold_is_sound() {
        lock(first);
        lock(second);
        change(Keys.DELEGATION.of(first.inode(), 1), delegation(rooms.idOf(ALICE)));
        assertThat(check().findings()).isEmpty();
        rooms.end(ALICE);
        change(Keys.DELEGATION.of(first.inode(), 1), delegation(rooms.idOf(ALICE)));
        assertThat(check().findings()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"CLIENT", "OPEN", "LOCK"})
    void what_hangs_on_something_that_is_gone_goes_in_one_repair(Keys gone) {
        lock(first);
        lock(second);
        store(batch -> keys(gone.first()).forEach(batch::delete));
        Report report = check();
        assertThat(report.hasIrreparable()).isFalse();
        assertThat(report.findings()).hasSize(gone == Keys.CLIENT ? 6 : gone == Keys.OPEN ? 4 : 2);
        rooms.store.append(report.repair());
        assertThat(check().findings()).isEmpty();
    }

    @Test
    void the_size_of_a_volume_is_told_by_the_volume_where_its_free_space_does_not() {
        byte[] formatted = Keys.SPACE.of(LayoutRooms.VOLUMES.getFirst().id().bytes());
        byte[] before = valueOf(formatted);
        change(formatted.clone(), new byte[] {1});

        rooms.store.append(check().repair());

        assertThat(check().findings()).isEmpty();
        assertThat(valueOf(formatted)).isEqualTo(before);
    }

    @Test
    void a_name_whose_records_are_both_unreadable_is_a_lost_file() {
        byte[] entry = recordOf(Keys.ENTRY, rooms.root, first);
        byte[] cookie = recordOf(Keys.COOKIE, rooms.root, first);
        change(entry, new byte[] {1});
        change(cookie, new byte[] {1});

        rooms.store.append(check().repair());

        assertThat(check().findings()).isEmpty();
        assertThat(keys(Keys.ASIDE.of(entry))).as("kept for people").hasSize(1);
        CompoundState state = rooms.state(ALICE, rooms.root);
        assertThat(rooms.run(state, new OpArgs.LookupArgs("lost+found." + first.inode()))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_lost_directory_is_its_owners_alone() {
        Inode made = rooms.inode(below);
        put(new Inode(below, new Rights(0755, 7, 8), 2, 9, made.times(), made.content()));
        Inode above = rooms.inode(directory);
        store(batch -> {
            batch.delete(recordOf(Keys.ENTRY, directory, below));
            batch.delete(recordOf(Keys.COOKIE, directory, below));
        });
        put(new Inode(directory, above.rights(), 2, 9, above.times(), new Content.Directory(rooms.root, 0, 4)));

        rooms.store.append(check().repair());

        assertThat(check().findings()).isEmpty();
        assertThat(stored(below).rights()).isEqualTo(new Rights(0700, 7, 8));
    }

    @Test
    void a_lost_file_is_found_again_under_a_name_of_its_own() {
        plant(Damage.LOST_FILE);
        rooms.store.append(check().repair());
        CompoundState state = rooms.state(ALICE, rooms.root);
        assertThat(rooms.run(state, new OpArgs.LookupArgs("lost+found." + first.inode()))
                        .status())
                .isEqualTo(NfsStatus.OK);
        assertThat(state.currentFile()).isEqualTo(first);
        assertThat(stored(first).rights().mode() & 0077).isZero();
    }

    @Test
    void directories_with_damaged_inodes_keep_their_names_for_root() {
        change(InodeRecords.key(rooms.root.inode()), new byte[] {9});
        change(InodeRecords.key(directory.inode()), new byte[] {9});

        rooms.store.append(check().repair());

        assertThat(check().findings()).isEmpty();
        LayoutRooms again = rooms.kill(2);
        assertThat(names(again, again.root)).containsExactly("directory", "first", "second", "link");
        CompoundState state = again.state(ALICE, again.root);
        assertThat(again.run(state, new OpArgs.LookupArgs("directory")).status())
                .isEqualTo(NfsStatus.OK);
        assertThat(state.currentFile()).as("under a new handle").isNotEqualTo(directory);
        assertThat(again.inode(state.currentFile()).rights()).isEqualTo(new Rights(0700, 0, 0));
        assertThat(names(again, state.currentFile())).containsExactly("below");
    }

    /// Bytes that were lost read as zeros, which is why it is called so.
    @Test
    void a_file_that_lost_an_extent_keeps_what_else_it_had_and_where_it_is_now_nobody_but_its_owner_reads_it() {
        Inode made = rooms.inode(second);
        Inode before = new Inode(second, new Rights(04755, 7, 8), 1, 9, made.times(), made.content());
        put(before);
        change(extentKey(second.inode()), new byte[] {9});

        rooms.store.append(check().repair());

        LayoutRooms again = rooms.kill(2);
        CompoundState state = again.state(ALICE, again.root);
        assertThat(again.run(state, new OpArgs.LookupArgs("lost+found." + second.inode() + ".incomplete"))
                        .status())
                .isEqualTo(NfsStatus.OK);
        Inode after = again.inode(state.currentFile());
        assertThat(after.rights()).isEqualTo(new Rights(0600, 7, 8));
        assertThat(after.times()).isEqualTo(before.times());
        assertThat(after.size()).isEqualTo(before.size());
        assertThat(after.links()).isEqualTo(1);
    }

    private static List<String> names(LayoutRooms rooms, FileHandle directory) {
        var names = new ArrayList<String>();
        byte[] first = Keys.COOKIE.of(directory.inode());
        rooms.store.scan(
                first,
                Keys.after(first),
                (key, value) ->
                        names.add(DirectoryRecords.readCookie(key, value).name()));
        return names;
    }

    private void plant(Damage damage) {
        Objects.requireNonNull(plants.get(damage)).run();
    }

    private Report check() {
        return StoreCheck.run(rooms.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {});
    }

    private FileHandle make(String name, CreateObject object) {
        CompoundState state = rooms.state(ALICE, rooms.root);
        assertThat(rooms.run(state, new OpArgs.CreateArgs(object, name, Fattr.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.OK);
        return state.currentFile();
    }

    private FileHandle makeIn(FileHandle parent, String name) {
        CompoundState state = rooms.state(ALICE, parent);
        assertThat(rooms.run(state, new OpArgs.CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.OK);
        return state.currentFile();
    }

    private FileHandle fileWithSpace(String name) {
        FileHandle file = rooms.open(ALICE, name);
        var get = new OpArgs.LayoutGetArgs(
                false,
                LayoutType.SCSI,
                Iomode.READ_WRITE,
                FileRange.of(0, 4L * PAGE),
                4L * PAGE,
                rooms.stateid(ALICE, file),
                4096);
        assertThat(rooms.run(ALICE, file, get).status()).isEqualTo(NfsStatus.OK);
        var attribute = new OpArgs.SetXattrArgs(SetXattrMode.EITHER, "user.a", Opaque.ofUtf8("b"));
        assertThat(rooms.run(ALICE, file, attribute).status()).isEqualTo(NfsStatus.OK);
        return file;
    }

    private void lock(FileHandle file) {
        var whole = new OpArgs.LockArgs(
                LockType.WRITE,
                false,
                FileRange.WHOLE_FILE,
                new Locker.NewOwner(0, rooms.stateid(ALICE, file), 0, new StateOwner(0, Opaque.ofUtf8("process"))));
        assertThat(rooms.run(ALICE, file, whole).status()).isEqualTo(NfsStatus.OK);
    }

    /// The record of one for reading `first`.
    private byte[] delegation(long client) {
        return ByteBuffer.allocate(72)
                .putInt(1) // version
                .putLong(1)
                .putLong(first.generation())
                .putLong(client)
                .array();
    }

    private void store(Consumer<Batch> change) {
        var batch = new Batch();
        change.accept(batch);
        rooms.store.append(batch);
    }

    private void change(byte[] key, byte[] value) {
        store(batch -> batch.put(key, value));
    }

    private static void put(Batch batch, long directory, Entry entry) {
        batch.put(DirectoryRecords.entryKey(directory, entry.name()), DirectoryRecords.writeEntry(entry));
        batch.put(DirectoryRecords.cookieKey(directory, entry.cookie()), DirectoryRecords.writeCookie(entry));
    }

    private void put(Inode inode) {
        change(InodeRecords.key(inode.id()), InodeRecords.write(inode));
    }

    private Inode stored(FileHandle file) {
        return InodeRecords.read(file.inode(), valueOf(InodeRecords.key(file.inode())));
    }

    /// Changes names of the root directory, and its counts along with them.
    private void count(int entries, int links, Consumer<Batch> change) {
        store(change);
        Inode root = stored(rooms.root);
        Content.Directory names = root.directory();
        put(new Inode(
                root.file(),
                root.rights(),
                root.links() + links,
                root.change(),
                root.times(),
                new Content.Directory(names.parent(), names.entries() + entries, 200)));
    }

    /// `directory` hangs under `below`, which hangs under it.
    private static byte[] nothingHeld() {
        return ByteBuffer.allocate(3 * Integer.BYTES + Long.BYTES + Nfs4Limits.SESSION_ID_BYTES + Integer.BYTES)
                .putInt(2)
                .array();
    }

    private void makeCircle() {
        count(-1, -1, batch -> {
            batch.delete(recordOf(Keys.ENTRY, rooms.root, directory));
            batch.delete(recordOf(Keys.COOKIE, rooms.root, directory));
            put(batch, below.inode(), new Entry("up", directory, 3));
        });
        Inode lower = stored(below);
        put(new Inode(lower.file(), lower.rights(), 3, 9, lower.times(), new Content.Directory(directory, 1, 4)));
        Inode upper = stored(directory);
        put(new Inode(upper.file(), upper.rights(), 3, 9, upper.times(), new Content.Directory(below, 1, 4)));
    }

    /// Gives the first extent of one file to another, at `offset` of it.
    private void moveExtent(long from, long to, long offset) {
        byte[] key = extentKey(from);
        change(withLastNumber(withFirstNumber(key, to), offset), valueOf(key));
    }

    private byte[] extentKey(long inode) {
        return keys(Keys.EXTENT.of(inode)).getFirst();
    }

    private byte[] firstFree() {
        return keys(Keys.SPACE.of(LayoutRooms.VOLUMES.getFirst().id().bytes())).get(1);
    }

    /// The record of a name that leads to `file`.
    private byte[] recordOf(Keys kind, FileHandle directory, FileHandle file) {
        return keys(kind.of(directory.inode())).stream()
                .filter(key -> ByteBuffer.wrap(valueOf(key)).getLong(1) == file.inode())
                .findFirst()
                .orElseThrow();
    }

    private List<byte[]> keys(byte[] start) {
        var keys = new ArrayList<byte[]>();
        rooms.store.scan(start, Keys.after(start), (key, _) -> keys.add(key.clone()));
        return keys;
    }

    private byte[] valueOf(byte[] key) {
        return rooms.store.get(key).require("record").clone();
    }

    private static byte[] withLastNumber(byte[] key, long number) {
        byte[] changed = key.clone();
        ByteBuffer.wrap(changed).putLong(changed.length - Long.BYTES, number);
        return changed;
    }

    private static byte[] withFirstNumber(byte[] key, long number) {
        byte[] changed = key.clone();
        ByteBuffer.wrap(changed).putLong(1, number);
        return changed;
    }
}
