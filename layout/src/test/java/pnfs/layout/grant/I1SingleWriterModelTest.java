package pnfs.layout.grant;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentChange;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.space.Space;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

/// I1, and I2 and I4 with it: the manager beside a table with one row a block of each file. Several clients get,
/// write through, commit and return layouts, and I/O of the server's own comes between; files are cut and removed
/// under all of them. The table knows who holds which block and what its storage must contain, and the storage
/// remembers who wrote it.
class I1SingleWriterModelTest {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int BLOCKS = 48;
    private static final int VOLUME_BLOCKS = 80;
    private static final int CALLS_IN_FLIGHT = 4;
    private static final List<Volume> VOLUMES = List.of(volume(1), volume(2));

    private record Place(DeviceId device, long block) {}

    /// What storage holds: written for which file, and a number of its own.
    private record Data(long inode, int stamp) {}

    private enum State {
        HOLE,
        UNWRITTEN,
        DATA
    }

    /// A client's layouts of one type on one file, as the replies told it.
    private static final class Layouts {
        private final long client;
        private final LayoutType type;
        private final boolean[] reading = new boolean[BLOCKS];
        private final @Nullable Place[] writing = new Place[BLOCKS];
        private final @Nullable Data[] dirty = new Data[BLOCKS];
        /// Granted as INVALID_DATA and not committed since.
        private final boolean[] uncommitted = new boolean[BLOCKS];
        private @Nullable LayoutStateid stateid;

        Layouts(long client, LayoutType type) {
            this.client = client;
            this.type = type;
        }

        boolean holdsNothing() {
            for (int at = 0; at < BLOCKS; at++) {
                if (reading[at] || writing[at] != null) {
                    return false;
                }
            }
            return true;
        }
    }

    private static final class File {
        private final long inode;
        private final State[] states = new State[BLOCKS];
        private final @Nullable Place[] places = new Place[BLOCKS];
        private final @Nullable Data[] data = new Data[BLOCKS];
        private final List<Layouts> layouts = new ArrayList<>();
        private final TreeMap<Long, Extent> stored = new TreeMap<>();
        private ExtentMap extents = new ExtentMap();
        private long size;
        private boolean removed;

        File(long inode) {
            this.inode = inode;
            Arrays.fill(states, State.HOLE);
        }

        LayoutFile view() {
            return new LayoutFile(inode, size, extents);
        }

        Layouts of(long client, LayoutType type) {
            for (Layouts held : layouts) {
                if (held.client == client && held.type == type) {
                    return held;
                }
            }
            var none = new Layouts(client, type);
            layouts.add(none);
            return none;
        }
    }

    private enum Io {
        READ,
        WRITE,
        SHRINK
    }

    private record UnderWay(Io kind, File file, ProxyHold hold, long newSize) {}

    private final Space space = new Space();
    private final LayoutManager manager = new LayoutManager(
            new LayoutLimits(4L * BLOCK, 16L * BLOCK, 4L * BLOCK, 4L * BLOCK, 64, 1000, 1000),
            space,
            new Placement(8L * BLOCK, VOLUMES),
            7);
    private final Map<Place, Data> storage = new HashMap<>();
    private final List<File> files = new ArrayList<>();
    private final List<UnderWay> underWay = new ArrayList<>();
    private final Deque<LayoutChanges> notDurable = new ArrayDeque<>();
    private RandomGenerator random = new SplittableRandom();
    private long inodes;
    private int stamps;

    @Seeds(400)
    void one_writes_or_many_read_and_no_byte_of_another_file_is_ever_seen(RandomGenerator seeded) {
        random = seeded;
        try (var _ = space.lock()) {
            VOLUMES.forEach(volume -> space.format(volume, List.of()));
            space.drainChanges();
        }
        files.add(new File(++inodes));
        files.add(new File(++inodes));
        for (int step = 0; step < 150; step++) {
            File file = files.get(random.nextInt(files.size()));
            long client = 1L + random.nextInt(3);
            LayoutType type = random.nextInt(4) == 0 ? LayoutType.BLOCK_VOLUME : LayoutType.SCSI;
            try (var _ = space.lock()) {
                switch (random.nextInt(16)) {
                    case 0, 1, 2, 3, 4 -> get(file, file.of(client, type));
                    case 5, 6, 7 -> writeDirectly(file, client);
                    case 8, 9 -> commit(file, file.of(client, type));
                    case 10, 11 -> giveBack(file, file.of(client, type));
                    case 12 -> begin(file, client);
                    case 13 -> finishOne();
                    case 14 -> makeDurable();
                    default -> rare(file, client);
                }
                requireSingleWriter();
                files.forEach(this::requireSameContent);
            }
        }
        end();
    }

    private void get(File file, Layouts held) {
        if (file.removed) {
            return;
        }
        int first = random.nextInt(BLOCKS - 16);
        long offset = (long) first * BLOCK + (random.nextInt(4) == 0 ? random.nextInt(BLOCK) : 0);
        long length = 1 + random.nextLong(12L * BLOCK);
        long minLength = List.of(0L, 1L, length).get(random.nextInt(3));
        Iomode iomode = random.nextBoolean() ? Iomode.READ : Iomode.RW;
        int maxExtents = random.nextInt(4) == 0 ? 2 : 40;
        var want = new Want(held.type, iomode, offset, length, minLength, 32 + 44 * maxExtents);
        ByteRange least = least(want, file.size);
        boolean conflict = isHeldByOthers(file, held.client, iomode, least);
        long freeBefore = space.totals().allocatableBytes();

        GrantOutcome outcome = manager.grant(file.view(), requester(held), Optional.ofNullable(held.stateid), want);

        switch (outcome) {
            case GrantOutcome.Granted granted -> {
                assertThat(conflict).as("others hold some of %s", least).isFalse();
                requireLayout(file, held.client, want, granted, maxExtents);
                requireNext(held, granted.stateid());
                take(file, held, want.iomode(), granted);
                append(file, granted.changes());
            }
            case GrantOutcome.Conflict _ -> {
                assertThat(conflict).as("nobody is in the way of %s", least).isTrue();
                assertThat(space.totals().allocatableBytes())
                        .as("who is refused has cost nothing")
                        .isEqualTo(freeBefore);
            }
            case GrantOutcome.Refused refused -> {
                assertThat(conflict).isFalse();
                requireReason(file, held, want, least, refused, maxExtents, freeBefore);
                assertThat(space.totals().allocatableBytes()).isEqualTo(freeBefore);
            }
        }
    }

    private void requireLayout(File file, long client, Want want, GrantOutcome.Granted granted, int maxExtents) {
        ByteRange range = granted.range();
        assertThat(range.covers(least(want, file.size))).isTrue();
        assertThat(range.isAligned() && !range.isToEnd()).isTrue();
        assertThat(isHeldByOthers(file, client, granted.iomode(), range)).isFalse();
        assertThat(granted.extents()).hasSizeBetween(1, maxExtents);
        long at = range.offset();
        for (Extent extent : granted.extents()) {
            assertThat(extent.file().offset()).as("extents tile the range").isEqualTo(at);
            assertThat(VOLUMES.stream().map(Volume::id)).contains(extent.device());
            at = extent.file().end();
        }
        assertThat(at).isEqualTo(range.end());
    }

    /// Checks each block of a new layout against the table and notes it in the client's own.
    private void take(File file, Layouts held, Iomode wanted, GrantOutcome.Granted granted) {
        Set<Place> taken = placesInUse();
        for (Extent extent : granted.extents()) {
            for (int block : blocks(extent.file())) {
                Place place = placeOf(extent, block);
                if (granted.iomode() == Iomode.READ) {
                    assertThat(extent.state())
                            .as("holes and unwritten storage read as nothing")
                            .isEqualTo(
                                    file.states[block] == State.DATA ? ExtentState.READ_DATA : ExtentState.NONE_DATA);
                    assertThat(held.uncommitted[block])
                            .as("what only the client knows to be written is no hole to it")
                            .isFalse();
                    held.reading[block] = true;
                } else {
                    assertThat(extent.state())
                            .isEqualTo(
                                    file.states[block] == State.DATA
                                            ? ExtentState.READ_WRITE_DATA
                                            : ExtentState.INVALID_DATA);
                    if (file.states[block] == State.HOLE) {
                        assertThat(taken).as("new storage is nobody's").doesNotContain(place);
                        file.states[block] = State.UNWRITTEN;
                        file.places[block] = place;
                    }
                    assertThat(wanted == Iomode.RW || held.writing[block] != null)
                            .as("who wants to read may write no more than before")
                            .isTrue();
                    held.writing[block] = place;
                    held.uncommitted[block] |= extent.state() == ExtentState.INVALID_DATA;
                }
                if (file.states[block] == State.DATA || granted.iomode() == Iomode.RW) {
                    assertThat(place).as("storage stays where it is").isEqualTo(file.places[block]);
                }
            }
        }
    }

    private void requireReason(
            File file,
            Layouts held,
            Want want,
            ByteRange least,
            GrantOutcome.Refused refused,
            int maxExtents,
            long freeBefore) {
        switch (refused.refusal()) {
            case BADLAYOUT -> {
                assertThat(want.iomode()).isEqualTo(Iomode.READ);
                assertThat(isUncommitted(held, least)).isTrue();
            }
            case LAYOUTTRYLATER -> {
                assertThat(want.iomode()).isEqualTo(Iomode.RW);
                assertThat(want.minLength()).isZero();
                assertThat(file.states[blocks(least).getFirst()]).isNotEqualTo(State.DATA);
            }
            case NOSPC -> {
                long holes = blocks(least).stream()
                        .filter(block -> file.states[block] == State.HOLE)
                        .count();
                assertThat(freeBefore).isLessThan(holes * BLOCK);
            }
            case TOOSMALL -> assertThat(maxExtents).isEqualTo(2);
            default -> throw new AssertionError(refused);
        }
    }

    private void writeDirectly(File file, long client) {
        for (Layouts held : file.layouts) {
            for (int block = 0; block < BLOCKS; block++) {
                Place place = held.writing[block];
                if (held.client == client && place != null && random.nextInt(4) == 0) {
                    var data = new Data(file.inode, ++stamps);
                    storage.put(place, data);
                    if (!file.removed && file.states[block] == State.DATA) {
                        file.data[block] = data;
                    } else {
                        held.dirty[block] = data;
                    }
                }
            }
        }
    }

    private void commit(File file, Layouts held) {
        if (file.removed || held.stateid == null) {
            return;
        }
        // A client lists what it wrote; it may forget some, list again what it committed before, and lie about what it
        // was never granted.
        var written = new ArrayList<ByteRange>();
        long expected = 0;
        int last = -1;
        boolean holdsAny = false;
        boolean holdsAll = true;
        var turning = new ArrayList<Integer>();
        for (int block = 0; block < BLOCKS; block++) {
            boolean again = file.states[block] == State.DATA && random.nextInt(4) == 0;
            boolean lie = held.writing[block] == null && random.nextInt(8) == 0;
            if ((held.dirty[block] != null && random.nextInt(4) > 0) || again || lie) {
                written.add(ByteRange.ofLength((long) block * BLOCK, BLOCK));
                turning.add(block);
                holdsAll &= held.writing[block] != null;
                last = block;
            }
            holdsAny |= held.writing[block] != null;
        }
        OptionalLong lastWrite = last < 0 || random.nextInt(4) == 0
                ? OptionalLong.empty()
                : OptionalLong.of((long) last * BLOCK + random.nextInt(BLOCK));
        var commit = new Commit(held.type, held.stateid, 0, (long) BLOCKS * BLOCK, lastWrite, written);

        CommitOutcome outcome = manager.commit(file.view(), requester(held), commit);

        if (outcome instanceof CommitOutcome.Refused refused) {
            assertThat(refused.refusal()).isEqualTo(holdsAll ? Refusal.BADIOMODE : Refusal.BAD_STATEID);
            assertThat(holdsAny && holdsAll).isFalse();
            return;
        }
        assertThat(holdsAll).as("all that is listed is held").isTrue();
        for (int block : turning) {
            if (file.states[block] == State.UNWRITTEN) {
                expected += BLOCK;
                file.states[block] = State.DATA;
                file.data[block] = storage.get(held.writing[block]);
            }
            held.dirty[block] = null;
            held.uncommitted[block] = false;
        }
        var committed = (CommitOutcome.Committed) outcome;
        assertThat(committed.writtenBytes()).as("exactly granted and listed").isEqualTo(expected);
        assertThat(committed.newSize())
                .isEqualTo(lastWrite.isPresent() ? Math.max(file.size, lastWrite.getAsLong() + 1) : file.size);
        file.size = committed.newSize();
        append(file, committed.changes());
        var again = (CommitOutcome.Committed) manager.commit(file.view(), requester(held), commit);
        assertThat(again.writtenBytes()).as("a commit that comes twice").isZero();
        assertThat(again.changes().isEmpty()).as("changes nothing").isTrue();
        assertThat(again.newSize()).isEqualTo(file.size);
    }

    private void giveBack(File file, Layouts held) {
        if (held.stateid == null) {
            return;
        }
        Iomode iomode = List.of(Iomode.READ, Iomode.RW, Iomode.ANY).get(random.nextInt(3));
        boolean all = random.nextBoolean();
        int first = all ? 0 : random.nextInt(BLOCKS);
        int count = all ? BLOCKS : 1 + random.nextInt(BLOCKS - first);
        long length = all ? -1 : (long) count * BLOCK;
        var what = new Return(held.type, held.stateid, iomode, (long) first * BLOCK, length);

        var outcome = (ReturnOutcome.Returned) manager.giveBack(file.view(), requester(held), what);

        forget(held, iomode, first, first + count);
        assertThat(outcome.stateid().isEmpty()).isEqualTo(held.holdsNothing());
        outcome.stateid().ifPresent(next -> requireNext(held, next));
        held.stateid = outcome.stateid().orElse(null);
        unwrittenBeyondEndMayGo(file, first, first + count);
        append(file, outcome.changes());
    }

    private void begin(File file, long client) {
        if (file.removed) {
            return;
        }
        int first = random.nextInt(BLOCKS - 8);
        var range = ByteRange.ofLength((long) first * BLOCK + random.nextInt(BLOCK), 1 + random.nextInt(6 * BLOCK));
        Io kind = List.of(Io.READ, Io.WRITE, Io.SHRINK).get(random.nextInt(3));
        long newSize = file.size == 0 ? 0 : random.nextLong(file.size);
        ByteRange blocks = kind == Io.SHRINK ? ByteRange.toEnd(ByteRange.alignDown(newSize)) : range.widened();
        boolean layoutsInTheWay = switch (kind) {
            case READ -> file.layouts.stream().anyMatch(held -> held.client == client && isUncommitted(held, blocks));
            case WRITE -> layoutsAgainstWrite(file, client, blocks);
            case SHRINK -> anyLayouts(file, blocks);
        };
        boolean busy = underWay.stream()
                .anyMatch(io -> io.file == file
                        && io.hold.range().overlaps(blocks)
                        && (io.kind == Io.SHRINK || kind == Io.SHRINK || (io.kind == Io.WRITE && kind == Io.WRITE)));
        Set<Place> taken = placesInUse();

        HoldOutcome outcome = switch (kind) {
            case READ -> manager.beginRead(file.view(), client, range);
            case WRITE -> manager.beginWrite(file.view(), client, range);
            case SHRINK -> manager.beginShrink(file.view(), newSize);
        };

        switch (outcome) {
            case HoldOutcome.Held(var hold) -> {
                assertThat(layoutsInTheWay || busy).isFalse();
                underWay.add(new UnderWay(kind, file, hold, newSize));
                if (kind == Io.WRITE) {
                    requireTargets(file, hold, taken);
                }
            }
            case HoldOutcome.Conflict _ -> assertThat(layoutsInTheWay).isTrue();
            case HoldOutcome.Busy _ -> assertThat(busy).isTrue();
            case HoldOutcome.Refused refused -> assertThat(refused.refusal()).isEqualTo(Refusal.NOSPC);
        }
    }

    private void requireTargets(File file, ProxyHold hold, Set<Place> taken) {
        long at = hold.range().offset();
        for (Extent target : hold.extents()) {
            assertThat(target.file().offset()).isEqualTo(at);
            at = target.file().end();
            for (int block : blocks(target.file())) {
                Place place = placeOf(target, block);
                if (file.states[block] == State.HOLE) {
                    assertThat(taken).doesNotContain(place);
                } else {
                    assertThat(place)
                            .as("what the file owns is overwritten in place")
                            .isEqualTo(file.places[block]);
                }
                assertThat(target.state() == ExtentState.READ_WRITE_DATA).isEqualTo(file.states[block] == State.DATA);
            }
        }
        assertThat(at).isEqualTo(hold.range().end());
    }

    private void finishOne() {
        if (underWay.isEmpty()) {
            return;
        }
        UnderWay io = underWay.remove(random.nextInt(underWay.size()));
        if (io.file.removed || io.kind == Io.READ || random.nextInt(4) == 0) {
            if (io.kind == Io.READ) {
                requireReadable(io);
            }
            manager.end(io.hold);
            return;
        }
        if (io.kind == Io.WRITE) {
            for (Extent target : io.hold.extents()) {
                for (int block : blocks(target.file())) {
                    Place place = placeOf(target, block);
                    var data = new Data(io.file.inode, ++stamps);
                    storage.put(place, data);
                    io.file.states[block] = State.DATA;
                    io.file.places[block] = place;
                    io.file.data[block] = data;
                }
            }
            append(io.file, manager.finishWrite(io.file.view(), io.hold));
        } else {
            shrink(io);
        }
    }

    private void shrink(UnderWay io) {
        Optional<Extent> copy = io.hold.tailCopy();
        int tail = (int) (io.newSize / BLOCK);
        int firstGone = (int) (ByteRange.alignUp(io.newSize) / BLOCK);
        assertThat(copy.isPresent()).isEqualTo(firstGone > tail && io.file.states[tail] == State.DATA);
        copy.ifPresent(to -> {
            Data kept = io.file.data[tail];
            storage.put(placeOf(to, tail), kept);
            io.file.places[tail] = placeOf(to, tail);
        });
        for (int block = firstGone; block < BLOCKS; block++) {
            io.file.states[block] = State.HOLE;
            io.file.places[block] = null;
            io.file.data[block] = null;
        }
        io.file.size = io.newSize;
        append(io.file, manager.finishShrink(io.file.view(), io.hold, io.newSize));
    }

    /// What a READ through the server planned to read is still there when it is done.
    private void requireReadable(UnderWay io) {
        for (Extent extent : io.hold.extents()) {
            if (extent.state() == ExtentState.READ_WRITE_DATA) {
                for (int block : blocks(extent.file())) {
                    assertThat(Objects.requireNonNull(storage.get(placeOf(extent, block))).inode)
                            .as("storage under a READ goes to nobody else")
                            .isEqualTo(io.file.inode);
                }
            }
        }
    }

    private void rare(File file, long client) {
        if (random.nextInt(3) > 0) {
            for (Layouts held : file.layouts) {
                if (held.client == client) {
                    forget(held, Iomode.ANY, 0, BLOCKS);
                    held.stateid = null;
                }
            }
            LayoutChanges changes = manager.giveBackAll(file.view(), client, Optional.empty());
            unwrittenBeyondEndMayGo(file, 0, BLOCKS);
            append(file, changes);
        } else if (!file.removed && files.size() < 8) {
            append(file, manager.remove(file.view()));
            file.removed = true;
            file.extents = new ExtentMap();
            file.size = 0;
            Arrays.fill(file.states, State.HOLE);
            files.add(new File(++inodes));
        }
    }

    private void makeDurable() {
        for (int batches = random.nextInt(notDurable.size() + 1); batches > 0; batches--) {
            notDurable.removeFirst().freed().forEach(freed -> freed.becameDurable());
        }
    }

    /// Everything returned and durable: all storage is either a file's or free again.
    private void end() {
        while (!underWay.isEmpty()) {
            manager.end(underWay.removeLast().hold);
        }
        try (var _ = space.lock()) {
            for (File file : files) {
                for (long client = 1; client <= 3; client++) {
                    append(file, manager.giveBackAll(file.view(), client, Optional.empty()));
                    assertThat(manager.filesOf(client)).doesNotContain(file.inode);
                }
            }
        }
        notDurable.forEach(changes -> changes.freed().forEach(freed -> freed.becameDurable()));
        long owned = files.stream()
                .filter(file -> !file.removed)
                .mapToLong(file -> file.extents.allocatedBytes())
                .sum();
        assertThat(manager.held()).isEqualTo(new LayoutManager.Held(0, 0));
        assertThat(space.totals().allocatableBytes())
                .as("nothing leaks")
                .isEqualTo(space.totals().capacityBytes() - owned);
    }

    private void unwrittenBeyondEndMayGo(File file, int first, int end) {
        if (file.removed) {
            return;
        }
        for (int block = first; block < end; block++) {
            boolean there = file.extents.lookup((long) block * BLOCK) != null;
            if (file.states[block] == State.UNWRITTEN && !there) {
                assertThat((long) block * BLOCK).as("only beyond the end").isGreaterThanOrEqualTo(file.size);
                int here = block;
                assertThat(file.layouts.stream().anyMatch(held -> held.writing[here] != null))
                        .as("only what nobody may write")
                        .isFalse();
                file.states[block] = State.HOLE;
                file.places[block] = null;
            }
        }
    }

    private void requireSingleWriter() {
        var writers = new HashMap<Place, Long>();
        for (File file : files) {
            for (Layouts held : file.layouts) {
                for (Place place : held.writing) {
                    if (place != null) {
                        Long before = writers.putIfAbsent(place, held.client);
                        assertThat(before == null || before == held.client)
                                .as("%s has one writer", place)
                                .isTrue();
                    }
                }
            }
        }
        for (File file : files) {
            for (Layouts reader : file.layouts) {
                for (Layouts writer : file.layouts) {
                    for (int block = 0; block < BLOCKS; block++) {
                        assertThat(reader.client != writer.client
                                        && reader.reading[block]
                                        && writer.writing[block] != null)
                                .as("block %d of file %d is read by one and written by another", block, file.inode)
                                .isFalse();
                    }
                }
            }
        }
    }

    /// The map, what is stored of it, and the bytes behind it are what the table says.
    private void requireSameContent(File file) {
        if (file.removed) {
            return;
        }
        for (ExtentMap map : List.of(file.extents, ExtentMap.restore(file.stored.values()))) {
            for (int block = 0; block < BLOCKS; block++) {
                Extent extent = map.lookup((long) block * BLOCK);
                State state = extent == null
                        ? State.HOLE
                        : extent.state() == ExtentState.INVALID_DATA ? State.UNWRITTEN : State.DATA;
                assertThat(state).as("block %d", block).isEqualTo(file.states[block]);
                if (extent != null) {
                    assertThat(placeOf(extent, block)).isEqualTo(file.places[block]);
                }
                if (state == State.DATA) {
                    assertThat(storage.get(file.places[block]))
                            .as("I4: block %d of file %d", block, file.inode)
                            .isEqualTo(file.data[block]);
                }
            }
        }
    }

    private boolean isHeldByOthers(File file, long client, Iomode wanted, ByteRange range) {
        for (int block : blocks(range)) {
            for (Layouts held : file.layouts) {
                boolean writes = held.writing[block] != null;
                if (held.client != client && (writes || (wanted == Iomode.RW && held.reading[block]))) {
                    return true;
                }
            }
        }
        return underWay.stream()
                .anyMatch(io ->
                        io.file == file && io.kind != Io.READ && io.hold.range().overlaps(range));
    }

    private static boolean layoutsAgainstWrite(File file, long client, ByteRange range) {
        for (int block : blocks(range)) {
            for (Layouts held : file.layouts) {
                boolean holds = held.reading[block] || held.writing[block] != null;
                boolean showsHole =
                        (held.reading[block] && file.states[block] != State.DATA) || held.uncommitted[block];
                if (held.client == client ? showsHole : holds) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean isUncommitted(Layouts held, ByteRange range) {
        return blocks(range).stream().anyMatch(block -> held.uncommitted[block]);
    }

    private static boolean anyLayouts(File file, ByteRange range) {
        for (int block : blocks(range)) {
            for (Layouts held : file.layouts) {
                if (held.reading[block] || held.writing[block] != null) {
                    return true;
                }
            }
        }
        return false;
    }

    /// All storage that belongs to a file, or that someone may still touch.
    private Set<Place> placesInUse() {
        var places = new HashSet<Place>();
        for (File file : files) {
            if (!file.removed) {
                addAll(places, file.places);
            }
            file.layouts.forEach(held -> addAll(places, held.writing));
        }
        for (UnderWay io : underWay) {
            for (Extent extent : io.hold.extents()) {
                // A READ never touches what is not written.
                if (io.kind != Io.READ || extent.state() == ExtentState.READ_WRITE_DATA) {
                    blocks(extent.file()).forEach(block -> places.add(placeOf(extent, block)));
                }
            }
            io.hold
                    .tailCopy()
                    .ifPresent(
                            copy -> places.add(placeOf(copy, blocks(copy.file()).getFirst())));
        }
        return places;
    }

    private static void addAll(Set<Place> places, @Nullable Place[] some) {
        for (Place place : some) {
            if (place != null) {
                places.add(place);
            }
        }
    }

    private static void forget(Layouts held, Iomode iomode, int first, int end) {
        for (int block = first; block < end; block++) {
            if (iomode != Iomode.RW) {
                held.reading[block] = false;
            }
            if (iomode != Iomode.READ) {
                held.writing[block] = null;
                held.dirty[block] = null;
                held.uncommitted[block] = false;
            }
        }
    }

    private void requireNext(Layouts held, LayoutStateid next) {
        LayoutStateid before = held.stateid;
        assertThat(next.seqid()).isEqualTo(before == null ? 1 : before.seqid() + 1);
        if (before != null) {
            assertThat(next.other()).isEqualTo(before.other());
        }
        held.stateid = next;
    }

    private void append(File file, LayoutChanges changes) {
        for (ExtentChange change : changes.extents()) {
            switch (change) {
                case ExtentChange.Put put -> file.stored.put(put.offset(), put.extent());
                case ExtentChange.Delete delete -> file.stored.remove(delete.offset());
            }
        }
        notDurable.addLast(changes);
    }

    private static ByteRange least(Want want, long size) {
        long end = want.iomode() == Iomode.READ
                ? Math.min(size, want.offset() + want.minLength())
                : want.offset() + want.minLength();
        return new ByteRange(want.offset(), Math.max(end, want.offset() + 1)).widened();
    }

    private static List<Integer> blocks(ByteRange range) {
        var blocks = new ArrayList<Integer>();
        for (long at = range.offset() / BLOCK; at < BLOCKS && at * BLOCK < range.end(); at++) {
            blocks.add((int) at);
        }
        return blocks;
    }

    private static Place placeOf(Extent extent, int block) {
        return new Place(
                extent.device(),
                (extent.volumeOffset() + (long) block * BLOCK - extent.file().offset()) / BLOCK);
    }

    private static Requester requester(Layouts held) {
        return new Requester(held.client, CALLS_IN_FLIGHT);
    }

    private static Volume volume(int number) {
        return new Volume(
                new DeviceId(number, 1, 1),
                new Scsi(
                        new RegionId(new UUID(0, number)),
                        (long) VOLUME_BLOCKS * BLOCK,
                        Designator.naa(Opaque.of(new byte[16]))));
    }
}
