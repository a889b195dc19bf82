package pnfs.mds.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.attribute.InodeRecords;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.drain.Drains;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
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
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.xdr.Opaque;

/// Files written through the server and through layouts, cut and removed, over disks that move bytes in any
/// order and a store that commits when it likes, with crashes in between.
///
/// The model keeps each state of a file that the server ever answered with, by its change attribute. After a
/// crash the file must be in one of these, in none older than the last that was acknowledged as durable (I5),
/// and each byte must be what that state says or what a write that nobody was told of had begun to put there;
/// never what lay on the disk or what another file left there (I4, and through the reuse of storage I2).
class I2I4I5CrashModelTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final int FILE_BYTES = 40 * PAGE;
    private static final int NAMES = 4;
    /// Withheld for signatures, on two volumes.
    private static final long WITHHELD_BYTES = 2L * PAGE;

    /// Bytes on their way to a file: in place, so that a crash may show them before anybody was told.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Begun(int offset, byte[] data) {}

    private static final class Model {
        private final FileHandle file;
        private final Map<Long, byte[]> byChange = new HashMap<>();
        /// Writes since the last crash that may be on the disk, durable in the store or not.
        private final List<Begun> begun = new ArrayList<>();

        private byte[] bytes = new byte[0];
        private long acknowledged;
        /// One operation a file at a time, so that it is known in which order they took effect.
        private boolean busy;

        Model(FileHandle file) {
            this.file = file;
        }

        void becomes(byte[] changed, long change) {
            bytes = changed;
            byChange.put(change, changed);
        }
    }

    private record Promise(Model file, long change, long ticket) {}

    private RandomGenerator random = new SplittableRandom();
    private LayoutRooms rooms = LayoutRooms.committing();
    private ManualDisks disks = new ManualDisks((int) LayoutRooms.VOLUME_BYTES, random);
    private final @Nullable Model[] files = new Model[NAMES];
    private final List<Promise> promises = new ArrayList<>();
    private int underWay;
    /// Which volume; -1 for none.
    private int draining = -1;
    private long pauses;
    private @Nullable Drains drains;
    /// What drains will do.
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    @Seeds(250)
    void what_was_answered_survives_and_nothing_else_ever_shows(RandomGenerator seeded) {
        run(seeded, false);
    }

    @Seeds(120)
    void nor_while_volumes_are_drained_which_are_empty_in_the_end(RandomGenerator seeded) {
        run(seeded, true);
    }

    private void run(RandomGenerator seeded, boolean withDrains) {
        random = seeded;
        disks = new ManualDisks((int) LayoutRooms.VOLUME_BYTES, random);
        begin(new LayoutRooms(new MemoryEngine(), random.nextLong()));
        for (int step = 0; step < 120; step++) {
            int name = random.nextInt(NAMES);
            if (withDrains) {
                drainSome();
            }
            switch (random.nextInt(14)) {
                case 0, 1, 2 -> write(open(name));
                case 3 -> cut(open(name));
                case 12 -> allocate(open(name));
                case 13 -> punch(open(name));
                case 4, 5 -> writeThroughLayout(open(name));
                case 6 -> remove(name);
                case 7, 8, 9 -> disks.runOne(random);
                case 10 -> commitSome();
                default -> {
                    if (random.nextInt(3) == 0) {
                        crash();
                    }
                }
            }
        }
        settle();
        while (draining >= 0 && rooms.layouts.usedBytes(drained()).orElseThrow() > 0) {
            assertThat(pauses++).as("the volume gets empty").isLessThan(100);
            tick();
            settle();
        }
        for (int name = 0; name < NAMES; name++) {
            Model file = files[name];
            if (file != null) {
                requireSame(name, read(file), file.bytes, file.begun);
            }
        }
        requireNoLeak();
    }

    /// Begins a drain or ends it, or lets it go on.
    private void drainSome() {
        switch (random.nextInt(8)) {
            case 0 -> {
                draining = random.nextInt(-1, 2);
                rooms.layouts.volumesChanged(
                        LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, draining < 0 ? Set.of() : Set.of(drained()));
            }
            case 1, 2 -> tick();
            default -> {
                for (int some = random.nextInt(6); some > 0 && !later.isEmpty(); some--) {
                    later.remove().run();
                }
            }
        }
    }

    private DeviceId drained() {
        return LayoutRooms.VOLUMES.get(draining).id();
    }

    private void tick() {
        pauses++;
        Objects.requireNonNull(drains).tick(TimeUnit.SECONDS.toNanos(rooms.now().seconds() + 10 * pauses));
    }

    private void begin(LayoutRooms made) {
        rooms = made;
        later.clear();
        var relocation = ProxyOperations.register(
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
        drains = new Drains(made.store, made.layouts, relocation, made.clients.grace(), later::add, made.meters);
        if (draining >= 0) {
            made.layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of(drained()));
        }
    }

    private Model open(int name) {
        Model known = files[name];
        if (known == null) {
            FileHandle file = rooms.open(1, "f" + name);
            known = new Model(file);
            known.becomes(new byte[0], rooms.inode(file).change());
            files[name] = known;
        }
        return known;
    }

    private void write(Model file) {
        int offset = random.nextInt(FILE_BYTES);
        var data = new byte[1 + random.nextInt(Math.min(3 * PAGE, FILE_BYTES - offset))];
        random.nextBytes(data);
        var begun = new Begun(offset, data);
        file.begun.add(begun);
        var args = new WriteArgs(rooms.stateid(1, file.file), offset, StableHow.FILE_SYNC, ByteBuffer.wrap(data));
        start(
                file,
                args,
                () -> file.becomes(
                        with(file.bytes, begun), rooms.inode(file.file).change()));
    }

    private void cut(Model file) {
        int size = random.nextInt(FILE_BYTES);
        var args = new SetAttrArgs(
                rooms.stateid(1, file.file),
                AttributeCodec.write(Attributes.builder().size(size).build()));
        start(
                file,
                args,
                () -> file.becomes(
                        Arrays.copyOf(file.bytes, size), rooms.inode(file.file).change()));
    }

    private void allocate(Model file) {
        FileRange range = someRange();
        start(
                file,
                new AllocateArgs(rooms.stateid(1, file.file), range),
                () -> file.becomes(
                        Arrays.copyOf(file.bytes, Math.max(file.bytes.length, (int) range.end())),
                        rooms.inode(file.file).change()));
    }

    private void punch(Model file) {
        FileRange range = someRange();
        start(file, new DeallocateArgs(rooms.stateid(1, file.file), range), () -> {
            byte[] punched = file.bytes.clone();
            int first = Math.min((int) range.offset(), punched.length);
            Arrays.fill(punched, first, Math.min((int) range.end(), punched.length), (byte) 0);
            file.becomes(punched, rooms.inode(file.file).change());
        });
    }

    private FileRange someRange() {
        int offset = random.nextInt(FILE_BYTES);
        return FileRange.of(offset, 1 + random.nextInt(Math.min(5 * PAGE, FILE_BYTES - offset)));
    }

    /// What a client with a layout does, from LAYOUTGET to LAYOUTRETURN; sometimes it forgets to commit.
    private void writeThroughLayout(Model file) {
        int first = random.nextInt(FILE_BYTES / PAGE - 4);
        var range = ByteRange.ofLength((long) first * PAGE, (1L + random.nextInt(4)) * PAGE);
        CompoundState asked = rooms.state(1, file.file);
        OpResult result = rooms.run(
                asked,
                new LayoutGetArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.READ_WRITE,
                        FileRange.of(range.offset(), range.length()),
                        range.length(),
                        rooms.stateid(1, file.file),
                        4096));
        if (!(result instanceof LayoutGetResult granted)) {
            return;
        }
        // Storage is touched once the reply is there, which is once all it waits for is durable, and no more than that.
        while (rooms.store.durableTicket() < asked.ticket()) {
            rooms.engine.commit(1);
        }
        acknowledge();
        boolean commits = random.nextInt(4) > 0;
        var data = new byte[(int) range.length()];
        random.nextBytes(data);
        if (!commits) {
            // What lies beyond the end of the file is zeros: that is the client's part.
            int inFile = (int) Math.clamp(file.bytes.length - range.offset(), 0, range.length());
            Arrays.fill(data, inFile, data.length, (byte) 0);
        }
        var begun = new Begun((int) range.offset(), data);
        List<Extent> extents = ScsiLayoutCodec.readLayout(
                        granted.segments().getFirst().content().body(), 1000)
                .stream()
                .filter(extent -> extent.file().overlaps(range))
                .map(extent -> extent.cutTo(range))
                .toList();
        boolean inPlace = extents.stream().allMatch(extent -> extent.state() == ExtentState.READ_WRITE_DATA);
        if (commits || inPlace) {
            file.begun.add(begun);
            extents.forEach(extent -> disks.writeDirectly(extent, range.offset(), data));
        }
        if (commits) {
            CompoundState state = rooms.state(1, file.file);
            OpResult committed = rooms.run(
                    state,
                    new LayoutCommitArgs(
                            FileRange.of(0, range.end()),
                            false,
                            granted.stateid(),
                            OptionalLong.of(range.end() - 1),
                            Optional.empty(),
                            new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(range)))));
            assertThat(committed.status()).isEqualTo(NfsStatus.OK);
            file.becomes(with(file.bytes, begun), rooms.inode(file.file).change());
            promises.add(new Promise(file, rooms.inode(file.file).change(), state.ticket()));
        } else if (inPlace) {
            byte[] overwritten = file.bytes.clone();
            int seen = Math.max(0, Math.min(overwritten.length, (int) range.end()) - begun.offset);
            System.arraycopy(data, 0, overwritten, Math.min(begun.offset, overwritten.length), seen);
            file.becomes(overwritten, rooms.inode(file.file).change());
        }
        OpResult returned = rooms.run(
                1,
                file.file,
                new LayoutReturnArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.ANY,
                        new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, granted.stateid(), Opaque.EMPTY)));
        assertThat(returned.status()).isEqualTo(NfsStatus.OK);
    }

    private void remove(int name) {
        Model file = files[name];
        if (file == null) {
            return;
        }
        assertThat(rooms.run(1, rooms.root, new RemoveArgs("f" + name)).status())
                .isEqualTo(NfsStatus.OK);
        rooms.run(1, file.file, new CloseArgs(0, rooms.stateid(1, file.file)));
        files[name] = null;
    }

    private void start(Model file, OpArgs args, Runnable changed) {
        if (file.busy) {
            return;
        }
        file.busy = true;
        underWay++;
        LayoutRooms then = rooms;
        CompoundState state = rooms.state(1, file.file);
        rooms.begin(state, args, result -> {
            assertThat(then).as("nobody answers after a crash").isSameAs(rooms);
            file.busy = false;
            underWay--;
            boolean removed = rooms.inodes.find(file.file.inode()).value() == null;
            if (result.status() != NfsStatus.OK) {
                assertThat(result.status())
                        .isIn(NfsStatus.DELAY, NfsStatus.NOSPC, NfsStatus.STALE, NfsStatus.BAD_STATEID);
            } else if (!removed) {
                changed.run();
                promises.add(new Promise(file, rooms.inode(file.file).change(), state.ticket()));
            }
        });
    }

    private void commitSome() {
        rooms.engine.commit(random.nextInt(rooms.engine.queued() + 1));
        acknowledge();
    }

    /// Replies whose ticket is durable have left.
    private void acknowledge() {
        promises.removeIf(promise -> {
            boolean left = promise.ticket <= rooms.store.durableTicket();
            if (left) {
                promise.file.acknowledged = Math.max(promise.file.acknowledged, promise.change);
            }
            return left;
        });
    }

    private void crash() {
        for (int some = random.nextInt(4); some > 0; some--) {
            disks.runOne(random);
        }
        acknowledge();
        disks.forget();
        promises.clear();
        underWay = 0;
        begin(rooms.crash(random.nextLong()));
        requireConsistent();
        for (int name = 0; name < NAMES; name++) {
            Model before = files[name];
            files[name] = null;
            if (before != null && rooms.inodes.find(before.file.inode()).value() != null) {
                survive(name, before);
            } else if (before != null) {
                assertThat(before.acknowledged)
                        .as("a file that was acknowledged is there")
                        .isZero();
            }
            if (files[name] == null) {
                // An earlier file of that name may be back, whose removal was not durable; it is removed again.
                rooms.run(1, rooms.root, new RemoveArgs("f" + name));
            }
        }
    }

    private void survive(int name, Model before) {
        FileHandle file = rooms.open(1, "f" + name);
        if (!file.equals(before.file)) {
            rooms.run(1, file, new CloseArgs(0, rooms.stateid(1, file)));
            return;
        }
        long change = rooms.inode(file).change();
        assertThat(change).as("I5").isGreaterThanOrEqualTo(before.acknowledged);
        byte[] expected = Objects.requireNonNull(before.byChange.get(change), "a state nobody was told of");
        byte[] found = read(before);
        requireSame(name, found, expected, before.begun);
        var after = new Model(file);
        after.becomes(found, change);
        after.acknowledged = change;
        // What had begun beyond the end it has now may still lie there, and is seen when the file grows again.
        before.begun.stream()
                .filter(write -> write.offset + write.data.length > found.length)
                .forEach(after.begun::add);
        files[name] = after;
    }

    private static void requireSame(int name, byte[] found, byte[] expected, List<Begun> begun) {
        assertThat(found.length).as("size of f%d", name).isEqualTo(expected.length);
        for (int at = 0; at < found.length; at++) {
            if (found[at] != expected[at] && !mayShow(begun, at, found[at])) {
                throw new AssertionError("byte " + at + " of f" + name + " is " + found[at] + ", not " + expected[at]);
            }
        }
    }

    private static boolean mayShow(List<Begun> begun, int at, byte value) {
        return begun.stream()
                .anyMatch(write -> write.offset <= at
                        && at < write.offset + write.data.length
                        && write.data[at - write.offset] == value);
    }

    private void settle() {
        do {
            disks.run();
            for (Runnable next = later.poll(); next != null; next = later.poll()) {
                next.run();
            }
        } while (disks.waiting() > 0);
        assertThat(underWay).as("every operation is answered").isZero();
        rooms.engine.commitAll();
        acknowledge();
        assertThat(promises).isEmpty();
    }

    /// What is durable agrees with itself, and free space in memory is what no file owns.
    private void requireConsistent() {
        assertThat(StoreCheck.run(rooms.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {})
                        .findings())
                .isEmpty();
        var used = new long[1];
        rooms.store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, value) -> {
            used[0] += InodeRecords.read(Keys.number(key), value).spaceUsed();
            return true;
        });
        assertThat(rooms.space.totals().freeBytes())
                .as("what no file owns is free")
                .isEqualTo(2 * LayoutRooms.VOLUME_BYTES - WITHHELD_BYTES - used[0]);
    }

    private void requireNoLeak() {
        requireConsistent();
        assertThat(rooms.space.totals().allocatableBytes())
                .isEqualTo(rooms.space.totals().freeBytes());
        assertThat(rooms.manager.held().files()).isZero();
    }

    private byte[] read(Model file) {
        var answer = new AtomicReference<@Nullable OpResult>();
        rooms.begin(1, file.file, new ReadArgs(rooms.stateid(1, file.file), 0, FILE_BYTES), answer::set);
        disks.run();
        ByteBuffer data =
                ((ReadResult) Objects.requireNonNull(answer.get())).data().duplicate();
        var bytes = new byte[data.remaining()];
        data.get(bytes);
        return bytes;
    }

    private static byte[] with(byte[] bytes, Begun write) {
        byte[] changed = Arrays.copyOf(bytes, Math.max(bytes.length, write.offset + write.data.length));
        System.arraycopy(write.data, 0, changed, write.offset, write.data.length);
        return changed;
    }
}
