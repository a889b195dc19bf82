package pnfs.it.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.FileModel.Change;
import pnfs.it.sim.OpenFile.Place;
import pnfs.it.sim.Session.Answer;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutSegment;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// One run of a client: does one random thing after the other and tells the checker of what it asked for and
/// what it was told. It behaves as a good client does; its bad days are the network's, or its machine's. One
/// thread.
final class ModelClient implements Session.Owner {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int BLOCKS = FileModel.MAX_BYTES / BLOCK;
    private static final int SECTOR = FileModel.SECTOR_BYTES;
    private static final int NAMES = 3;
    private static final int MOST_BLOCKS = 4;
    private static final int PATIENCE = 40;
    private static final long THINK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long SCRIBBLE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final Opaque OWNER = Opaque.ofUtf8("app");
    private static final Bitmap SIZE = Bitmap.of(Attribute.SIZE);

    private final Host host;
    private final Checker checker;
    private final int number;
    private final RandomGenerator random;
    private final List<DataServerNode> dataServers;
    private final int clients;
    private final long thinkNanos;
    private final Session session;
    private final Map<Opaque, OpenFile> open = new LinkedHashMap<>();
    private final Map<Integer, DiskSession> disks = new HashMap<>();
    private final Map<DeviceId, Integer> devices = new HashMap<>();
    private final Map<Stateid, OpenFile> lostLayouts = new LinkedHashMap<>();
    private boolean working;
    private boolean resting;
    private boolean proving;
    private boolean leaving;
    /// What is recalled is not given back.
    private boolean keeps;
    /// Counts how often the server has forgotten us: what belongs to an earlier time is nothing.
    private int era;

    private long lastProgressNanos;

    ModelClient(
            Host host,
            Checker checker,
            int number,
            int clients,
            int tempo,
            List<DataServerNode> dataServers,
            RandomGenerator random) {
        this.host = host;
        this.checker = checker;
        this.number = number;
        this.clients = clients;
        this.thinkNanos = THINK_NANOS << tempo;
        this.dataServers = dataServers;
        this.random = random;
        this.session = new Session(host, checker, number, random.nextLong(), this);
        scribble();
    }

    Host host() {
        return host;
    }

    /// Since when it waits for the answer that it waits for.
    long lastProgressNanos() {
        return lastProgressNanos;
    }

    boolean isIdle() {
        return resting && !working && !host.isDead() && session.isReady();
    }

    /// Begins nothing new.
    void rest() {
        resting = true;
    }

    /// Whether it goes on with what it is asked to give back.
    void keep(boolean wanted) {
        keeps = wanted;
    }

    /// Shows that a layout can be had and a write be committed, whatever was before.
    void prove() {
        working = true;
        proving = true;
        opened(nameOf(1, 0), this::writeDirectly);
    }

    /// Gives everything back.
    void leave() {
        working = true;
        leaving = true;
        closeAll();
    }

    private void closeAll() {
        if (open.isEmpty()) {
            working = false;
            return;
        }
        OpenFile file = open.values().iterator().next();
        close(file, this::closeAll);
    }

    /// The program is gone: what it asked for may still arrive.
    void died() {
        open.values().forEach(this::forgetPlaces);
    }

    // Its days.

    @Override
    public void ready() {
        next();
    }

    @Override
    public void forgotten() {
        era++;
        open.values().forEach(this::forgetPlaces);
        open.clear();
        disks.values().forEach(DiskSession::close);
        disks.clear();
        devices.clear();
        lostLayouts.clear();
    }

    @Override
    public void revoked() {
        checker.revoked(number);
        for (OpenFile file : open.values()) {
            Stateid held = file.layout;
            if (held != null) {
                lostLayouts.put(held, file);
                forgetLayout(file);
            }
        }
        forgetDevices();
        new LinkedHashMap<>(lostLayouts).forEach(this::free);
    }

    /// Not every layout need be lost: one that was granted since then is held, and goes back.
    private void free(Stateid layout, OpenFile file) {
        session.ask(List.of(new FreeStateidArgs(layout)), answer -> {
            boolean first = lostLayouts.remove(layout) != null;
            if (first && answer.status() == NfsStatus.LOCKS_HELD) {
                file.use(() -> {
                    if (file.layout == null && open.get(file.handle) == file) {
                        file.layout = layout;
                        returnLayout(file, file::done);
                    } else {
                        file.done();
                    }
                });
            }
        });
    }

    /// We may have been fenced: keys are asked for again.
    private void forgetDevices() {
        devices.clear();
        disks.values().forEach(DiskSession::forgetKey);
    }

    private void next() {
        if (working || resting) {
            return;
        }
        working = true;
        host.schedule(1 + random.nextLong(thinkNanos), this::work);
    }

    private void done() {
        lastProgressNanos = host.nowNanos();
        working = false;
        proving = false;
        next();
    }

    private void work() {
        lastProgressNanos = host.nowNanos();
        int choice = random.nextInt(20);
        String mine = nameOf(number, random.nextInt(NAMES));
        String any = random.nextBoolean()
                ? nameOf(1, 0) // where all meet
                : nameOf(1 + random.nextInt(clients), random.nextInt(NAMES));
        switch (choice) {
            case 0, 1, 2 -> opened(any, this::write);
            case 3, 4 -> opened(any, this::read);
            case 5, 6, 7, 8 -> opened(any, this::writeDirectly);
            case 9, 10, 11 -> opened(any, this::readDirectly);
            case 12 -> opened(any, this::truncate);
            case 13 -> opened(any, this::askSize);
            case 14 -> opened(any, file -> file.use(() -> returnLayout(file, () -> release(file))));
            case 15 -> opened(any, this::close);
            case 16 -> remove(mine);
            case 17 -> rename(mine, nameOf(number, random.nextInt(NAMES)));
            default -> look(any);
        }
    }

    private static String nameOf(int client, int number) {
        return "c" + client + "-" + number;
    }

    private boolean isMine(String name) {
        return name.startsWith("c" + number + "-");
    }

    private void release(OpenFile file) {
        file.done();
        done();
    }

    /// Asks until the server does not want us to come later, for some time.
    private void ask(List<OpArgs> operations, Consumer<Answer> then) {
        ask(operations, PATIENCE, then);
    }

    private void ask(List<OpArgs> operations, int patience, Consumer<Answer> then) {
        int asked = era;
        session.ask(operations, answer -> {
            if (answer.status() == NfsStatus.SERVERFAULT) {
                throw checker.fail("SERVERFAULT to " + operations);
            }
            if (answer.known() && isLater(answer.status()) && (patience > 0 || proving) && era == asked) {
                host.schedule(DELAY_NANOS, () -> {
                    if (era == asked) {
                        ask(operations, patience - 1, then);
                    } else {
                        then.accept(answer);
                    }
                });
            } else {
                then.accept(answer);
            }
        });
    }

    private static boolean isLater(NfsStatus status) {
        return switch (status) {
            case DELAY, GRACE, LAYOUTTRYLATER, RECALLCONFLICT, RETURNCONFLICT -> true;
            default -> false;
        };
    }

    // Names.

    private void opened(String name, Consumer<OpenFile> then) {
        NameModel model = checker.name(name);
        OpenFile known = openAs(model);
        if (known != null) {
            then.accept(known);
            return;
        }
        boolean creates = isMine(name);
        int asked = era;
        long askedAt = checker.now();
        if (creates && model.now().contains(null)) {
            model.mayBecome(checker.newFile());
        }
        OpenHow how = creates
                ? new OpenHow.Unchecked(AttributeCodec.write(
                        Attributes.builder().uint32(Attribute.MODE, 0666).build()))
                : new OpenHow.NoCreate();
        ask(
                List.of(
                        new PutRootFhArgs(),
                        new OpenArgs(
                                0,
                                ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                                0,
                                new StateOwner(session.clientId(), OWNER),
                                how,
                                new OpenClaim.ByName(name)),
                        new GetFhArgs()),
                answer -> {
                    checker.note("client %d OPEN %s: %s", number, name, answer.status());
                    if (answer.isOk()) {
                        Opaque handle = answer.find(OpResult.GetFhResult.class).fileHandle();
                        FileModel file = checker.resolved(model, handle, askedAt);
                        if (creates) {
                            model.is(setOf(file), checker.now());
                        }
                        if (era != asked) {
                            done();
                            return;
                        }
                        Stateid stateid = answer.find(OpResult.OpenResult.class).stateid();
                        OpenFile now = open.computeIfAbsent(handle, _ -> new OpenFile(model, file, handle, stateid));
                        now.name = model;
                        now.open = stateid;
                        then.accept(now);
                        return;
                    }
                    if (answer.known() && answer.status() == NfsStatus.NOENT) {
                        checker.absent(model, askedAt);
                    }
                    if (answer.known() && creates && isRefusal(answer.status())) {
                        model.is(without(model.now()), checker.now());
                    }
                    done();
                });
    }

    private @Nullable OpenFile openAs(NameModel name) {
        for (OpenFile file : open.values()) {
            if (file.name == name) {
                return file;
            }
        }
        return null;
    }

    /// Without the file that was to be made and was not.
    private static Set<@Nullable FileModel> without(Set<@Nullable FileModel> files) {
        files.removeIf(file -> file != null && file.handle == null);
        return files;
    }

    /// Whether a COMPOUND that ends so changed nothing.
    private static boolean isRefusal(NfsStatus status) {
        return status != NfsStatus.OK;
    }

    private static Set<@Nullable FileModel> setOf(@Nullable FileModel file) {
        var set = new LinkedHashSet<@Nullable FileModel>();
        set.add(file);
        return set;
    }

    private void look(String name) {
        NameModel model = checker.name(name);
        long askedAt = checker.now();
        ask(List.of(new PutRootFhArgs(), new LookupArgs(name), new GetFhArgs()), answer -> {
            if (answer.isOk()) {
                FileModel file = checker.resolved(
                        model, answer.find(OpResult.GetFhResult.class).fileHandle(), askedAt);
                if (isMine(name)) {
                    model.is(setOf(file), checker.now());
                }
            } else if (answer.known() && answer.status() == NfsStatus.NOENT) {
                checker.absent(model, askedAt);
                if (isMine(name)) {
                    model.is(setOf(null), checker.now());
                }
            }
            done();
        });
    }

    private void remove(String name) {
        NameModel model = checker.name(name);
        Set<@Nullable FileModel> before = model.now();
        long askedAt = checker.now();
        model.mayBecome(null);
        ask(List.of(new PutRootFhArgs(), new RemoveArgs(name)), answer -> {
            checker.note("client %d REMOVE %s: %s", number, name, answer.status());
            if (answer.isOk()) {
                model.is(setOf(null), checker.now());
            } else if (answer.known()) {
                if (answer.status() == NfsStatus.NOENT && !before.contains(null)) {
                    checker.absent(model, askedAt + 1);
                }
                model.is(before, checker.now());
            }
            done();
        });
    }

    private void rename(String from, String to) {
        NameModel source = checker.name(from);
        NameModel target = checker.name(to);
        if (source == target) {
            done();
            return;
        }
        Set<@Nullable FileModel> sourceBefore = source.now();
        Set<@Nullable FileModel> targetBefore = target.now();
        Set<@Nullable FileModel> moved = source.now();
        moved.remove(null);
        source.mayBecome(null);
        moved.forEach(target::mayBecome);
        ask(List.of(new PutRootFhArgs(), new SaveFhArgs(), new PutRootFhArgs(), new RenameArgs(from, to)), answer -> {
            checker.note("client %d RENAME %s %s: %s", number, from, to, answer.status());
            if (answer.isOk()) {
                source.is(setOf(null), checker.now());
                target.is(moved, checker.now());
                OpenFile stays = openAs(source);
                OpenFile gone = openAs(target);
                close(stays, () -> close(gone, this::done));
                return;
            }
            if (answer.known()) {
                source.is(sourceBefore, checker.now());
                target.is(targetBefore, checker.now());
            }
            done();
        });
    }

    private void close(OpenFile file) {
        close(file, this::done);
    }

    private void close(@Nullable OpenFile file, Runnable then) {
        if (file == null) {
            then.run();
            return;
        }
        open.remove(file.handle);
        int asked = era;
        file.use(() -> returnLayout(file, () -> {
            if (era == asked) {
                ask(List.of(new PutFhArgs(file.handle), new CloseArgs(0, file.open)), answer -> {
                    file.done();
                    then.run();
                });
            } else {
                file.done();
                then.run();
            }
        }));
    }

    /// An operation on an open file was refused: whether it should not have been.
    private void refused(OpenFile file, NfsStatus status, String what) {
        checker.note("client %d %s %s: %s", number, what, file.model, status);
        switch (status) {
            case STALE -> {
                if (checker.hasName(file.model)) {
                    throw checker.fail("I5: " + file.model + " is gone, which has a name");
                }
                drop(file);
            }
            case BAD_STATEID, EXPIRED, OLD_STATEID, ADMIN_REVOKED -> drop(file);
            default -> {}
        }
    }

    /// What was said of the layout's stateid says nothing of the open's.
    private void layoutRefused(OpenFile file, NfsStatus status, String what) {
        switch (status) {
            case BAD_STATEID, EXPIRED, OLD_STATEID, ADMIN_REVOKED -> {
                checker.note("client %d %s %s: %s", number, what, file.model, status);
                forgetLayout(file);
            }
            default -> refused(file, status, what);
        }
    }

    private void drop(OpenFile file) {
        open.remove(file.handle, file);
        forgetLayout(file);
    }

    // Through the metadata server.

    private void write(OpenFile file) {
        int sectors = 1 + random.nextInt(3 * BLOCK / SECTOR);
        int offset = random.nextInt(FileModel.MAX_BYTES / SECTOR - sectors) * SECTOR;
        int end = offset + sectors * SECTOR;
        for (int block = offset / BLOCK; block < Math.ceilDiv(end, BLOCK); block++) {
            forget(file.places.remove(block)); // what the layout says of them may be wrong from here on
        }
        Change change = checker.write(file.model, number, offset, end, end);
        ByteBuffer data = ByteBuffer.wrap(filled(change));
        checker.note("client %d WRITE %s %d..%d value %x", number, file.model, offset, end, change.value);
        ask(
                List.of(new PutFhArgs(file.handle), new WriteArgs(file.open, offset, StableHow.FILE_SYNC, data)),
                answer -> {
                    settled(change, answer);
                    if (answer.isOk()) {
                        int count = answer.find(OpResult.WriteResult.class).count();
                        if (count != data.remaining()) {
                            throw checker.fail("WRITE of " + data.remaining() + " bytes wrote " + count);
                        }
                    } else if (answer.known()) {
                        refused(file, answer.status(), "WRITE");
                    }
                    done();
                });
    }

    private static byte[] filled(Change change) {
        ByteBuffer data = ByteBuffer.allocate(change.end - change.offset);
        while (data.hasRemaining()) {
            data.putLong(change.value);
        }
        return data.array();
    }

    /// What the answer says of a change; where there is none it may still come true.
    private void settled(Change change, Answer answer) {
        if (answer.isOk()) {
            checker.acknowledged(change);
        } else if (answer.known()) {
            checker.ended(change);
        }
    }

    private void read(OpenFile file) {
        int sectors = 1 + random.nextInt(4 * BLOCK / SECTOR);
        int offset = random.nextInt(FileModel.MAX_BYTES / SECTOR) * SECTOR;
        long askedAt = checker.now();
        ask(List.of(new PutFhArgs(file.handle), new ReadArgs(file.open, offset, sectors * SECTOR)), answer -> {
            if (answer.isOk()) {
                ByteBuffer data = answer.find(OpResult.ReadResult.class).data();
                var bytes = new byte[data.remaining()];
                data.get(bytes);
                checker.note("client %d READ %s %d+%d", number, file.model, offset, bytes.length);
                checker.seen(file.model, offset, bytes, 0, bytes.length, askedAt);
            } else if (answer.known()) {
                refused(file, answer.status(), "READ");
            }
            done();
        });
    }

    /// Good clients give their layout back before; others are asked to.
    private void truncate(OpenFile file) {
        int size = random.nextInt(FileModel.MAX_BYTES / SECTOR) * SECTOR;
        if (random.nextBoolean()) {
            file.use(() -> returnLayout(file, () -> truncate(file, size, () -> release(file))));
        } else {
            truncate(file, size, this::done);
        }
    }

    private void truncate(OpenFile file, int size, Runnable then) {
        Change change = checker.truncate(file.model, number, size);
        var attributes = AttributeCodec.write(Attributes.builder().size(size).build());
        ask(List.of(new PutFhArgs(file.handle), new SetAttrArgs(file.open, attributes)), answer -> {
            checker.note("client %d SETATTR %s size %d: %s", number, file.model, size, answer.status());
            settled(change, answer);
            if (answer.known() && !answer.isOk()) {
                refused(file, answer.status(), "SETATTR");
            }
            then.run();
        });
    }

    private void askSize(OpenFile file) {
        long askedAt = checker.now();
        ask(List.of(new PutFhArgs(file.handle), new GetAttrArgs(SIZE)), answer -> {
            if (answer.isOk()) {
                checker.seenSize(file.model, sizeIn(answer), askedAt);
            } else if (answer.known()) {
                refused(file, answer.status(), "GETATTR");
            }
            done();
        });
    }

    private static long sizeIn(Answer answer) {
        return AttributeCodec.read(answer.find(OpResult.GetAttrResult.class).attributes())
                .size();
    }

    // Through layouts.

    private void writeDirectly(OpenFile file) {
        int blocks = 1 + random.nextInt(MOST_BLOCKS);
        int first = random.nextInt(BLOCKS - blocks);
        boolean commits = random.nextInt(6) > 0;
        boolean returns = random.nextInt(3) == 0;
        file.use(() -> layout(file, Iomode.READ_WRITE, first, blocks, granted -> {
            if (!granted) {
                release(file);
                return;
            }
            List<Integer> fresh = fresh(file, first, blocks);
            int offset = first * BLOCK;
            int end = offset + blocks * BLOCK;
            Change change = checker.writeDirectly(file.model, number, offset, end, commits ? end : -1);
            checker.note("client %d writes %s %d..%d value %x", number, file.model, offset, end, change.value);
            move(file, first, blocks, ByteBuffer.wrap(filled(change)), Direction.WRITE, failure -> {
                if (failure != null) {
                    checker.note("client %d could not write: %s", number, failure);
                    forgetDevices();
                    returnLayout(file, () -> release(file));
                    return;
                }
                Runnable after = () -> {
                    if (returns) {
                        returnLayout(file, () -> release(file));
                    } else {
                        release(file);
                    }
                };
                if (commits) {
                    commit(file, change, fresh, after);
                } else {
                    checker.ended(change);
                    after.run();
                }
            });
        }));
    }

    /// Writes where a layout lets it without a word to the server, as long as it believes that it holds one:
    /// who has lost it meanwhile must be kept away by others.
    private void scribble() {
        host.schedule(1 + random.nextLong(SCRIBBLE_NANOS), () -> {
            if (!leaving) {
                List<OpenFile> held = open.values().stream()
                        .filter(file -> file.layout != null && !file.isBusy() && !file.recalled)
                        .toList();
                if (!held.isEmpty()) {
                    scribble(held.get(random.nextInt(held.size())));
                }
                scribble();
            }
        });
    }

    private void scribble(OpenFile file) {
        List<Integer> writable = file.places.entrySet().stream()
                .filter(place -> place.getValue().writable())
                .map(Map.Entry::getKey)
                .toList();
        if (writable.isEmpty()) {
            return;
        }
        int block = writable.get(random.nextInt(writable.size()));
        file.use(() -> {
            Change change = checker.writeDirectly(file.model, number, block * BLOCK, (block + 1) * BLOCK, -1);
            checker.note("client %d scribbles into %s block %d value %x", number, file.model, block, change.value);
            move(file, block, 1, ByteBuffer.wrap(filled(change)), Direction.WRITE, failure -> {
                if (failure == null) {
                    checker.ended(change);
                    file.done();
                } else {
                    forgetDevices();
                    returnLayout(file, file::done);
                }
            });
        });
    }

    /// Blocks that were not written before.
    private static List<Integer> fresh(OpenFile file, int first, int blocks) {
        return file.places.subMap(first, first + blocks).entrySet().stream()
                .filter(place -> place.getValue().state() == ExtentState.INVALID_DATA)
                .map(Map.Entry::getKey)
                .toList();
    }

    private void commit(OpenFile file, Change change, List<Integer> fresh, Runnable after) {
        Stateid held = file.layout;
        if (held == null) {
            after.run();
            return;
        }
        List<ByteRange> ranges = new ArrayList<>();
        for (int block : fresh) {
            var range = ByteRange.ofLength((long) block * BLOCK, BLOCK);
            if (!ranges.isEmpty() && ranges.getLast().end() == range.offset()) {
                ranges.set(ranges.size() - 1, new ByteRange(ranges.getLast().offset(), range.end()));
            } else {
                ranges.add(range);
            }
        }
        ask(
                List.of(
                        new PutFhArgs(file.handle),
                        new LayoutCommitArgs(
                                FileRange.of(change.offset, change.end - change.offset),
                                false,
                                held,
                                OptionalLong.of(change.end - 1),
                                Optional.empty(),
                                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(ranges)))),
                answer -> {
                    checker.note("client %d LAYOUTCOMMIT %s: %s", number, file.model, answer.status());
                    settled(change, answer);
                    if (answer.isOk()) {
                        for (int block : fresh) {
                            file.places.computeIfPresent(
                                    block,
                                    (_, place) -> new Place(
                                            place.region(),
                                            place.offset(),
                                            ExtentState.READ_WRITE_DATA,
                                            place.writable()));
                        }
                    } else if (answer.known()) {
                        layoutRefused(file, answer.status(), "LAYOUTCOMMIT");
                    }
                    after.run();
                });
    }

    private void readDirectly(OpenFile file) {
        int blocks = 1 + random.nextInt(MOST_BLOCKS);
        int first = random.nextInt(BLOCKS - blocks);
        boolean returns = random.nextInt(3) == 0;
        file.use(() -> layout(file, Iomode.READ, first, blocks, granted -> {
            if (!granted) {
                release(file);
                return;
            }
            // The size may not shrink while we hold the layout.
            long sizeAskedAt = checker.now();
            ask(List.of(new PutFhArgs(file.handle), new GetAttrArgs(SIZE)), answer -> {
                if (!answer.isOk() || file.layout == null) {
                    release(file);
                    return;
                }
                int size = (int) sizeIn(answer);
                checker.seenSize(file.model, size, sizeAskedAt);
                long askedAt = checker.now();
                var bytes = new byte[blocks * BLOCK];
                move(file, first, blocks, ByteBuffer.wrap(bytes), Direction.READ, failure -> {
                    if (failure == null && file.layout != null) {
                        int length = Math.clamp(size - first * BLOCK, 0, bytes.length);
                        checker.note("client %d reads %s %d+%d", number, file.model, first * BLOCK, length);
                        checker.seen(file.model, first * BLOCK, bytes, 0, length, askedAt);
                    }
                    if (failure != null) {
                        checker.note("client %d could not read: %s", number, failure);
                        forgetDevices();
                    }
                    if (returns || failure != null) {
                        returnLayout(file, () -> release(file));
                    } else {
                        release(file);
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
                failure = failure == null ? failed : failure;
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
            DiskSession disk = disks.get(place.region());
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

    private static boolean covers(OpenFile file, Iomode iomode, int first, int blocks) {
        for (int block = first; block < first + blocks; block++) {
            Place place = file.places.get(block);
            if (place == null || (iomode == Iomode.READ_WRITE && !place.writable())) {
                return false;
            }
        }
        return true;
    }

    /// Holds a layout of some blocks and can reach them, or cannot have one.
    private void layout(OpenFile file, Iomode iomode, int first, int blocks, Consumer<Boolean> then) {
        if (file.recalled) {
            returnLayout(file, () -> layout(file, iomode, first, blocks, then));
            return;
        }
        if (file.layout != null && covers(file, iomode, first, blocks)) {
            then.accept(true);
            return;
        }
        int asked = era;
        long length = (long) blocks * BLOCK;
        Stateid held = file.layout;
        session.ask(
                List.of(
                        new PutFhArgs(file.handle),
                        new LayoutGetArgs(
                                false,
                                LayoutType.SCSI,
                                iomode,
                                FileRange.of((long) first * BLOCK, length),
                                length,
                                held == null ? file.open : held,
                                4096)),
                answer -> {
                    checker.note(
                            "client %d LAYOUTGET %s %s %d+%d: %s",
                            number, iomode, file.model, first, blocks, answer.status());
                    if (era != asked) {
                        then.accept(false);
                    } else if (answer.isOk()) {
                        accept(
                                file,
                                answer.find(OpResult.LayoutGetResult.class),
                                () -> then.accept(file.layout != null && covers(file, iomode, first, blocks)));
                    } else if (answer.known() && isLater(answer.status()) && keeps) {
                        then.accept(false);
                    } else if (answer.known() && isLater(answer.status())) {
                        // What others wait for we must not keep while we wait for them.
                        returnLayout(file, () -> {
                            if (proving) {
                                host.schedule(DELAY_NANOS, () -> layout(file, iomode, first, blocks, then));
                            } else {
                                then.accept(false);
                            }
                        });
                    } else {
                        if (answer.known() && held != null) {
                            layoutRefused(file, answer.status(), "LAYOUTGET");
                        } else if (answer.known()) {
                            refused(file, answer.status(), "LAYOUTGET");
                        }
                        then.accept(false);
                    }
                });
    }

    private void accept(OpenFile file, OpResult.LayoutGetResult result, Runnable then) {
        file.layout = result.stateid();
        LayoutSegment segment = result.segments().getFirst();
        List<Extent> extents = ScsiLayoutCodec.readLayout(segment.content().body(), 1000);
        var unknown = new LinkedHashSet<DeviceId>();
        for (Extent extent : extents) {
            if (extent.state() != ExtentState.NONE_DATA && !reaches(extent.device())) {
                unknown.add(extent.device());
            }
        }
        learn(unknown, () -> {
            for (Extent extent : extents) {
                place(file, extent, segment.iomode() == Iomode.READ_WRITE);
            }
            then.run();
        });
    }

    private boolean reaches(DeviceId device) {
        Integer region = devices.get(device);
        DiskSession disk = region == null ? null : disks.get(region);
        return disk != null && disk.isUsable();
    }

    private void place(OpenFile file, Extent extent, boolean writable) {
        Integer region = devices.get(extent.device());
        int last = (int) Math.min(extent.file().end() / BLOCK, BLOCKS);
        for (int block = (int) (extent.file().offset() / BLOCK); block < last; block++) {
            Place before = file.places.get(block);
            if (extent.state() == ExtentState.NONE_DATA) {
                file.places.put(block, new Place(-1, 0, extent.state(), false));
                continue;
            }
            if (region == null) {
                continue;
            }
            long offset =
                    extent.volumeOffset() + (long) block * BLOCK - extent.file().offset();
            file.places.put(
                    block,
                    new Place(region, offset, extent.state(), writable || (before != null && before.writable())));
            checker.granted(number, region, offset, writable);
        }
    }

    /// Finds out which disks devices are, and registers with them.
    private void learn(Set<DeviceId> unknown, Runnable then) {
        if (unknown.isEmpty()) {
            then.run();
            return;
        }
        long askedAt = checker.now();
        DeviceId device = unknown.iterator().next();
        unknown.remove(device);
        ask(List.of(new GetDeviceInfoArgs(Opaque.of(device.bytes()), LayoutType.SCSI, 4096, Bitmap.EMPTY)), answer -> {
            if (!answer.isOk()) {
                learn(unknown, then);
                return;
            }
            var found = ScsiLayoutCodec.readDevice(
                    answer.find(OpResult.GetDeviceInfoResult.class).address().body(),
                    designator -> new VolumeTopology.Scsi(
                            new RegionId(new UUID(0, regionOf(designator.bytes()))),
                            DataServerNode.REGION_BYTES,
                            designator));
            var leaf = (VolumeTopology.Scsi) found.topology();
            int region = regionOf(leaf.designator().bytes());
            devices.put(device, region);
            checker.told(number, region, found.key(), askedAt);
            DiskSession disk = disks.get(region);
            if (disk == null || !disk.isUsable()) {
                disk = new DiskSession(host, dataServers.get(region), number);
                disks.put(region, disk);
            }
            DiskSession registered = disk;
            registered.register(found.key(), refused -> {
                if (refused != null) {
                    devices.remove(device);
                    registered.close();
                    disks.remove(region, registered);
                }
                learn(unknown, then);
            });
        });
    }

    private int regionOf(Opaque naa) {
        for (int i = 0; i < dataServers.size(); i++) {
            if (Arrays.equals(dataServers.get(i).naa(), naa.toByteArray())) {
                return i;
            }
        }
        throw checker.fail("a device that is none of ours: " + naa);
    }

    /// Gives everything back that it has of a file. Within its turn.
    private void returnLayout(OpenFile file, Runnable then) {
        Stateid held = file.layout;
        if (held == null) {
            file.recalled = false;
            then.run();
            return;
        }
        forgetPlaces(file);
        int asked = era;
        ask(
                List.of(
                        new PutFhArgs(file.handle),
                        new LayoutReturnArgs(
                                false,
                                LayoutType.SCSI,
                                Iomode.ANY,
                                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, held, Opaque.EMPTY))),
                answer -> {
                    checker.note("client %d LAYOUTRETURN %s: %s", number, file.model, answer.status());
                    if (era == asked && Objects.equals(held, file.layout)) {
                        if (answer.status() == NfsStatus.BADSESSION) {
                            returnLayout(file, then); // a server that was killed goes on with it
                            return;
                        }
                        file.layout = null;
                        file.recalled = false;
                    }
                    then.run();
                });
    }

    private void forgetLayout(OpenFile file) {
        forgetPlaces(file);
        file.layout = null;
        file.recalled = false;
    }

    private void forgetPlaces(OpenFile file) {
        file.places.values().forEach(this::forget);
        file.places.clear();
    }

    private void forget(@Nullable Place place) {
        if (place != null && place.region() >= 0) {
            checker.released(number, place.region(), place.offset());
        }
    }

    // What the server asks for.

    @Override
    public CbResult called(CbArgs callback) {
        if (!(callback instanceof CbLayoutRecallArgs recall)
                || !(recall.scope() instanceof LayoutRecallScope.OfFile scope)) {
            return new CbResult.CbSuccess(callback.op());
        }
        checker.note("client %d CB_LAYOUTRECALL %s", number, scope.range());
        for (OpenFile file : open.values()) {
            if (file.handle.equals(scope.fileHandle()) && (file.layout != null || file.isBusy())) {
                if (file.layout == null) {
                    return new CbResult.CbFailure(callback.op(), NfsStatus.DELAY);
                }
                file.layout = scope.stateid();
                if (keeps) {
                    return new CbResult.CbSuccess(callback.op());
                }
                file.recalled = true;
                file.use(() -> returnLayout(file, file::done));
                return new CbResult.CbSuccess(callback.op());
            }
        }
        return new CbResult.CbFailure(callback.op(), NfsStatus.NOMATCHING_LAYOUT);
    }
}
