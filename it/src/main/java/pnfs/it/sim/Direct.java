package pnfs.it.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.FileModel.Change;
import pnfs.it.sim.OpenFile.Place;
import pnfs.it.sim.OpenFile.Unheard;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.iscsi.IscsiSessionException;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.Stateid;

/// What a client does with bytes through layouts. One thread.
final class Direct {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int BLOCKS = FileModel.MAX_BYTES / BLOCK;
    private static final int MOST_BLOCKS = 4;
    private static final long SCRIBBLE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Caller me;
    private final OpenFiles open;
    private final Layouts layouts;
    private boolean resting;

    Direct(Caller me, OpenFiles open, Layouts layouts) {
        this.me = me;
        this.open = open;
        this.layouts = layouts;
    }

    /// Nothing of its own accord any more.
    void rest() {
        resting = true;
    }

    void write(OpenFile file, Runnable then) {
        int blocks = 1 + me.random.nextInt(MOST_BLOCKS);
        int first = me.random.nextInt(BLOCKS - blocks);
        boolean commits = me.random.nextInt(6) > 0;
        End last = me.random.nextInt(3) == 0 ? ENDS.get(me.random.nextInt(ENDS.size())) : End.KEEPS;
        file.use(() -> layouts.get(file, Iomode.READ_WRITE, first, blocks, granted -> {
            if (!granted) {
                release(file, then);
                return;
            }
            List<Integer> fresh = file.fresh(first, blocks);
            Stateid layout = Objects.requireNonNull(file.layout);
            int asked = me.era();
            int offset = first * BLOCK;
            int end = offset + blocks * BLOCK;
            Change change = me.checker.writeDirectly(file.model, me.number, offset, end, commits ? end : -1);
            me.note("writes %s %d..%d value %x", file.model, offset, end, change.value);
            move(file, first, blocks, change.filled(), Direction.WRITE, failure -> {
                if (failure != null) {
                    me.note("could not write: %s", failure);
                    layouts.forgetDevices();
                    onceOver(failure, () -> layouts.giveBack(file, () -> release(file, then)));
                    return;
                }
                if (commits && me.era() == asked && file.layout != null) {
                    commit(file, change, fresh, last, () -> release(file, then));
                    return;
                }
                if (commits && me.era() != asked) {
                    file.unheard.add(new Unheard(change, fresh, layout));
                } else if (!commits) {
                    me.checker.ended(change);
                }
                if (last == End.KEEPS) {
                    release(file, then);
                } else {
                    layouts.giveBack(file, () -> release(file, then));
                }
            });
        }));
    }

    private static void release(OpenFile file, Runnable then) {
        file.done();
        then.run();
    }

    /// Writes where a layout lets it without a word to the server, as long as it believes that it holds one:
    /// who has lost it meanwhile must be kept away by others.
    void scribble() {
        me.host.schedule(1 + me.random.nextLong(SCRIBBLE_NANOS), () -> {
            if (!resting) {
                List<OpenFile> held = open.all().stream()
                        .filter(file -> file.layout != null && !file.isBusy() && !file.recalled)
                        .toList();
                if (!held.isEmpty()) {
                    scribble(held.get(me.random.nextInt(held.size())));
                }
                scribble();
            }
        });
    }

    private void scribble(OpenFile file) {
        List<Integer> writable = file.writable();
        if (writable.isEmpty()) {
            return;
        }
        int block = writable.get(me.random.nextInt(writable.size()));
        file.use(() -> {
            Change change = me.checker.writeDirectly(file.model, me.number, block * BLOCK, (block + 1) * BLOCK, -1);
            me.note("scribbles into %s block %d value %x", file.model, block, change.value);
            move(file, block, 1, change.filled(), Direction.WRITE, failure -> {
                if (failure == null) {
                    me.checker.ended(change);
                    file.done();
                } else {
                    layouts.forgetDevices();
                    onceOver(failure, () -> layouts.giveBack(file, file::done));
                }
            });
        });
    }

    /// A layout goes back when no write by it can come late (RFC 8881 §18.44.3).
    private static void onceOver(Throwable failure, Runnable then) {
        if (failure instanceof IscsiSessionException lost) {
            var _ = lost.over().thenRun(then);
        } else {
            then.run();
        }
    }

    private static Throwable both(Throwable one, Throwable other) {
        if (one instanceof IscsiSessionException first && other instanceof IscsiSessionException second) {
            return new IscsiSessionException(
                    String.valueOf(one.getMessage()), CompletableFuture.allOf(first.over(), second.over()));
        }
        return other instanceof IscsiSessionException ? other : one;
    }

    /// What becomes of the layout by which it wrote.
    private enum End {
        KEEPS,
        GOES_AFTER_COMMIT,
        PART_GOES_AFTER_COMMIT,
        PART_GOES_WITH_COMMIT,
        PART_GOES_BESIDE_COMMIT
    }

    private static final List<End> ENDS = List.of(End.values());

    private void commit(OpenFile file, Change change, List<Integer> fresh, End last, Runnable then) {
        FileRange part = layouts.anyPart();
        switch (last) {
            case KEEPS -> commit(file, change, fresh, then);
            case GOES_AFTER_COMMIT -> commit(file, change, fresh, () -> layouts.giveBack(file, then));
            case PART_GOES_AFTER_COMMIT ->
                commit(file, change, fresh, () -> {
                    if (file.layout == null) {
                        then.run();
                    } else {
                        layouts.giveBackPart(file, part, Optional.empty(), _ -> then.run());
                    }
                });
            case PART_GOES_WITH_COMMIT -> commitAndGiveBack(file, change, fresh, part, then);
            case PART_GOES_BESIDE_COMMIT -> {
                var ends = new Object() {
                    int waits = 2;

                    void one() {
                        if (--waits == 0) {
                            then.run();
                        }
                    }
                };
                commit(file, change, fresh, ends::one);
                layouts.giveBackPart(file, part, Optional.empty(), _ -> ends.one());
            }
        }
    }

    /// In one COMPOUND, which may come to its end or fail after the commit.
    private void commitAndGiveBack(OpenFile file, Change change, List<Integer> fresh, FileRange part, Runnable then) {
        Stateid held = Objects.requireNonNull(file.layout);
        int asked = me.era();
        layouts.giveBackPart(file, part, Optional.of(commitOf(change, fresh, held, false)), answer -> {
            boolean committed = answer.results().stream().anyMatch(OpResult.LayoutCommitResult.class::isInstance);
            if (committed) {
                me.checker.acknowledged(change);
                written(file, fresh);
            } else if (me.era() != asked) {
                file.unheard.add(new Unheard(change, fresh, held));
            } else if (answer.known()) {
                me.checker.ended(change);
            }
            then.run();
        });
    }

    private static void written(OpenFile file, List<Integer> fresh) {
        for (int block : fresh) {
            file.places.computeIfPresent(
                    block,
                    (_, place) ->
                            new Place(place.region(), place.offset(), ExtentState.READ_WRITE_DATA, place.writable()));
        }
    }

    private void commit(OpenFile file, Change change, List<Integer> fresh, Runnable then) {
        Stateid held = Objects.requireNonNull(file.layout);
        int asked = me.era();
        me.ask(List.of(new PutFhArgs(file.handle), commitOf(change, fresh, held, false)), answer -> {
            me.note("LAYOUTCOMMIT %s: %s", file.model, answer.status());
            if (me.era() != asked && !answer.isOk()) {
                file.unheard.add(new Unheard(change, fresh, held));
                then.run();
                return;
            }
            me.checker.settled(change, answer);
            if (answer.isOk()) {
                written(file, fresh);
            } else if (answer.known() && answer.status() == NfsStatus.BAD_STATEID) {
                layouts.giveBack(file, then); // a part of it may be left
                return;
            } else if (answer.known()) {
                layouts.refused(file, answer, "LAYOUTCOMMIT");
            }
            then.run();
        });
    }

    /// Commits after a restart what was written before.
    void commitLate(OpenFile file, Unheard write, boolean reclaim, Runnable then) {
        Stateid named = reclaim ? Stateid.ANONYMOUS : write.layout();
        me.ask(List.of(new PutFhArgs(file.handle), commitOf(write.change(), write.fresh(), named, reclaim)), answer -> {
            me.note("LAYOUTCOMMIT of before%s %s: %s", reclaim ? " with reclaim" : "", file.model, answer.status());
            me.checker.settled(write.change(), answer);
            then.run();
        });
    }

    private static LayoutCommitArgs commitOf(Change change, List<Integer> fresh, Stateid layout, boolean reclaim) {
        List<ByteRange> ranges = new ArrayList<>();
        for (int block : fresh) {
            var range = ByteRange.ofLength((long) block * BLOCK, BLOCK);
            if (!ranges.isEmpty() && ranges.getLast().end() == range.offset()) {
                ranges.set(ranges.size() - 1, new ByteRange(ranges.getLast().offset(), range.end()));
            } else {
                ranges.add(range);
            }
        }
        return new LayoutCommitArgs(
                FileRange.of(change.offset, change.end - change.offset),
                reclaim,
                layout,
                OptionalLong.of(change.end - 1),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(ranges)));
    }

    void read(OpenFile file, Runnable then) {
        int blocks = 1 + me.random.nextInt(MOST_BLOCKS);
        int first = me.random.nextInt(BLOCKS - blocks);
        boolean returns = me.random.nextInt(3) == 0;
        Leases leases = me.checker.leases;
        file.use(() -> layouts.get(file, Iomode.READ, first, blocks, granted -> {
            if (!granted) {
                release(file, then);
                return;
            }
            // The size may not shrink while we hold the layout.
            long sizeAskedAt = me.checker.now();
            me.ask(List.of(new PutFhArgs(file.handle), new GetAttrArgs(Proxied.SIZE)), answer -> {
                if (!answer.isOk() || file.layout == null) {
                    release(file, then);
                    return;
                }
                int size = (int) answer.size();
                me.checker.seenSize(file.model, size, sizeAskedAt);
                long askedAt = me.checker.now();
                var bytes = new byte[blocks * BLOCK];
                move(file, first, blocks, ByteBuffer.wrap(bytes), Direction.READ, failure -> {
                    // Who has not been heard for a lease may have lost the layout, and not know it yet.
                    boolean holds = file.layout != null && leases.stands(leases.claim(me.number));
                    if (failure == null && holds) {
                        int length = Math.clamp(size - first * BLOCK, 0, bytes.length);
                        me.note("reads %s %d+%d", file.model, first * BLOCK, length);
                        me.checker.seen(file.model, first * BLOCK, bytes, 0, length, askedAt);
                    }
                    if (failure != null) {
                        me.note("could not read: %s", failure);
                        layouts.forgetDevices();
                    }
                    if (returns || failure != null) {
                        layouts.giveBack(file, () -> release(file, then));
                    } else {
                        release(file, then);
                    }
                });
            });
        }));
    }

    private enum Direction {
        READ,
        WRITE
    }

    /// Moves whole blocks to or from where they lie; what lies nowhere reads zeros.
    private void move(
            OpenFile file,
            int first,
            int blocks,
            ByteBuffer data,
            Direction direction,
            Consumer<@Nullable Throwable> then) {
        var end = new Object() {
            int waits = 1;

            @Nullable
            Throwable failure;

            void one(@Nullable Throwable failed) {
                if (failed != null) {
                    failure = failure == null ? failed : both(failure, failed);
                }
                if (--waits == 0) {
                    then.accept(failure);
                }
            }
        };
        for (int block = first; block < first + blocks; block++) {
            Place place = file.places.get(block);
            if (place == null || place.region() < 0 || (direction == Direction.READ && !isReadable(place))) {
                continue;
            }
            int at = (block - first) * BLOCK;
            int run = 1;
            while (block + run < first + blocks && follows(place, file.places.get(block + run), run)) {
                run++;
            }
            DiskSession disk = layouts.disk(place.region());
            if (disk == null) {
                end.failure = new IllegalStateException("no disk");
                continue;
            }
            end.waits++;
            ByteBuffer part = data.slice(at, run * BLOCK);
            switch (direction) {
                case READ -> disk.read(place.offset(), part, end::one);
                case WRITE -> disk.write(place.offset(), part, end::one);
            }
            block += run - 1;
        }
        end.one(null);
    }

    private static boolean isReadable(Place place) {
        return place.state() == ExtentState.READ_DATA || place.state() == ExtentState.READ_WRITE_DATA;
    }

    private static boolean follows(Place place, @Nullable Place next, int run) {
        return next != null
                && next.region() == place.region()
                && next.state() == place.state()
                && next.offset() == place.offset() + (long) run * BLOCK;
    }
}
