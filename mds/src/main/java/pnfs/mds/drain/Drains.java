package pnfs.mds.drain;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.mds.layout.ExtentRecords;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.proxy.Relocation;
import pnfs.mds.proxy.Relocation.Step;
import pnfs.mds.session.Grace;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;

/// Empties the volumes that are marked as draining. Which those are is durable elsewhere; everything here is
/// found again after a restart by looking which files still have extents there.
///
/// For each volume it has layouts returned that name it for a hole, walks through the extents of all files, has
/// a few files at once moved piece after piece ([Relocation]), and comes back to those where something was in
/// the way: soon at first, because a client that is asked for a layout gives it back soon and its turn is ours
/// for a moment only, then ever later. When a walk has come to its end and storage is still in use, it begins
/// anew: what was set aside before the drain may have become a file's behind its back.
///
/// Before grace is over nothing moves: a client of the run before may still commit what it wrote to where it
/// was.
///
/// **Concurrency.** Confined to the executor, on which [#tick] is called; steps end on any thread and are sent
/// back to it. What is asked from elsewhere is in concurrent maps.
public final class Drains {
    private static final Logger log = LoggerFactory.getLogger(Drains.class);
    /// Files of one volume that are on their way at once; each takes a buffer of [Relocation]'s.
    private static final int FILES_AT_ONCE = 4;
    /// Extents looked at in one go, so that nobody waits long for the executor.
    private static final int ROWS_AT_ONCE = 512;
    /// Files of one volume that wait for something; the walk goes on when there are fewer.
    private static final int MOST_BLOCKED = 1024;

    private static final long LEAST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long MOST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final MetadataStore store;
    private final FileLayouts layouts;
    private final Relocation relocation;
    private final Grace grace;
    private final Executor executor;
    private final Counter movedBytes;
    private final Map<DeviceId, Drain> drains = new ConcurrentHashMap<>();
    private long nowNanos;

    /// @param executor runs what was given to it soon, one after the other and without locks
    public Drains(
            MetadataStore store,
            FileLayouts layouts,
            Relocation relocation,
            Grace grace,
            Executor executor,
            MeterRegistry meters) {
        this.store = store;
        this.layouts = layouts;
        this.relocation = relocation;
        this.grace = grace;
        this.executor = executor;
        this.movedBytes = Counter.builder("pnfs.mds.drain.moved")
                .baseUnit("bytes")
                .description("Storage of files that was moved off draining volumes")
                .register(meters);
        Gauge.builder("pnfs.mds.drain.left", this, Drains::bytesLeft)
                .baseUnit("bytes")
                .description("Storage of files on draining volumes")
                .register(meters);
    }

    private double bytesLeft() {
        return layouts.draining().stream()
                .mapToLong(device -> layouts.usedBytes(device).orElse(0L))
                .sum();
    }

    /// What keeps a volume from getting emptier, for people; empty while it gets on, and where it is not draining.
    public String waitsFor(DeviceId device) {
        Drain drain = drains.get(device);
        if (drain == null) {
            return "";
        }
        return drain.obstacle.isEmpty() ? drain.stuck : drain.obstacle;
    }

    /// Begins, goes on, and ends as the marks say. To be called often: what returned layouts gave free is somebody
    /// else's soon.
    public void tick(long now) {
        nowNanos = now;
        Set<DeviceId> marked = layouts.draining();
        drains.keySet().retainAll(marked); // a step under way ends, and finds that it was the last
        for (DeviceId device : marked) {
            executor.execute(drains.computeIfAbsent(device, Drain::new)::goOn);
        }
    }

    /// A file that waits for something.
    private record Blocked(long untilNanos, long pauseNanos) {}

    /// One volume on its way.
    private final class Drain {
        private final DeviceId device;
        /// By inode, those that waited longest first.
        private final Map<Long, Blocked> blocked = new LinkedHashMap<>();
        /// Files on their way.
        private final Set<Long> moving = new HashSet<>();
        /// Where the walk is to go on; [Keys#end] when it is over.
        private byte[] next = Keys.EXTENT.first();
        private boolean walking;
        /// Before which no walk begins.
        private long walkNanos = nowNanos;
        private boolean empty;
        /// What everything on the volume waits for.
        private volatile String obstacle = "";
        /// What the last file waits for, where none is on its way.
        private volatile String stuck = "";

        Drain(DeviceId device) {
            this.device = device;
        }

        private boolean isWanted() {
            return drains.get(device) == this;
        }

        void goOn() {
            obstacle = findObstacle();
            if (!obstacle.isEmpty()) {
                return;
            }
            retry();
            if (!walking) {
                walk();
            }
            boolean nowEmpty = layouts.isDrained(device);
            if (nowEmpty != empty) {
                empty = nowEmpty;
                log.info("volume {} device={}", empty ? "drained" : "is not empty any more", device);
            }
        }

        private String findObstacle() {
            if (!grace.isOver(nowNanos)) {
                return "clients of before the restart to come back";
            }
            boolean isReadable =
                    layouts.volume(device).filter(layouts::isServed).isPresent();
            return isReadable || layouts.unsettledBytes(device).orElse(0L) == 0 ? "" : "its data server: start it";
        }

        private void retry() {
            for (Iterator<Map.Entry<Long, Blocked>> all = blocked.entrySet().iterator(); all.hasNext(); ) {
                Map.Entry<Long, Blocked> each = all.next();
                if (moving.size() >= FILES_AT_ONCE) {
                    return;
                }
                if (nowNanos - each.getValue().untilNanos() >= 0) {
                    all.remove();
                    move(each.getKey(), 0, each.getValue().pauseNanos());
                }
            }
        }

        /// Looks for files until enough are on their way, some rows at a time.
        private void walk() {
            walking = false;
            if (!isWanted() || moving.size() >= FILES_AT_ONCE || blocked.size() >= MOST_BLOCKED) {
                return;
            }
            if (Arrays.equals(next, Keys.EXTENT.end())) {
                if (layouts.isDrained(device) || !moving.isEmpty() || !blocked.isEmpty() || nowNanos - walkNanos < 0) {
                    return;
                }
                next = Keys.EXTENT.first();
            }
            walkNanos = nowNanos + MOST_PAUSE_NANOS;
            look();
            walking = true;
            executor.execute(this::walk);
        }

        private void look() {
            Optional<Long> named = layouts.filesWithHolesOn(device)
                    .filter(inode -> !moving.contains(inode) && !blocked.containsKey(inode))
                    .findFirst();
            if (named.isPresent()) {
                move(named.get(), 0, LEAST_PAUSE_NANOS);
                return;
            }
            var rows = new int[1];
            byte[] from = next;
            next = Keys.EXTENT.end();
            boolean isReadable = store.damaged()
                    .leaveOut(() -> store.scan(from, Keys.EXTENT.end(), (key, value) -> {
                        long inode = Keys.number(key);
                        if (++rows[0] > ROWS_AT_ONCE) {
                            next = key;
                            return false;
                        }
                        if (mayLieHere(inode, key, value) && !moving.contains(inode) && !blocked.containsKey(inode)) {
                            next = Keys.after(Keys.EXTENT.of(inode));
                            move(inode, 0, LEAST_PAUSE_NANOS);
                            return false;
                        }
                        return true;
                    }));
            if (!isReadable) {
                stuck = "records that cannot be read: 'pnfs fsck' says what can be done";
            }
        }

        /// Where the record is damaged, whoever tries to move the file says so.
        private boolean mayLieHere(long inode, byte[] key, byte[] value) {
            try {
                return ExtentRecords.read(inode, key, value).device().equals(device);
            } catch (CorruptStoreException _) {
                return true;
            }
        }

        /// Off the stack: a step may end before it returns, and a file can have many.
        private void move(long inode, long offset, long pauseNanos) {
            moving.add(inode);
            executor.execute(() -> relocation.step(
                    inode, device, offset, step -> executor.execute(() -> ended(inode, step, pauseNanos))));
        }

        private void ended(long inode, Step step, long pauseNanos) {
            moving.remove(inode);
            switch (step) {
                case Step.Moved(var range) -> {
                    movedBytes.increment((double) range.length());
                    stuck = "";
                    if (isWanted()) {
                        move(inode, range.end(), LEAST_PAUSE_NANOS);
                    }
                }
                case Step.Finished() -> stuck = "";
                case Step.Blocked(var why) -> {
                    blocked.put(inode, new Blocked(nowNanos + pauseNanos, Math.min(2 * pauseNanos, MOST_PAUSE_NANOS)));
                    stuck = moving.isEmpty() ? why : "";
                }
            }
            if (!walking) {
                walk();
            }
        }
    }
}
