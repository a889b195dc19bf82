package pnfs.it.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.OpenFile.Place;
import pnfs.it.sim.Session.Answer;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.Bitmap;
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
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// The layouts that a client gets and gives back, and the disks that they lead to. One thread.
final class Layouts {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int BLOCKS = FileModel.MAX_BYTES / BLOCK;

    private final Caller me;
    private final OpenFiles open;
    private final List<DataServerNode> dataServers;
    private final Map<Integer, DiskSession> disks = new HashMap<>();
    private final Map<DeviceId, Integer> devices = new HashMap<>();
    private final Map<Stateid, OpenFile> lost = new LinkedHashMap<>();
    /// Those of them that the server is being asked about: every answer says again that there are some.
    private final Set<Stateid> doubted = new HashSet<>();
    /// What is recalled is not given back.
    private boolean keeps;
    /// A layout may have been given whose reply was lost, or is held and was not taken back.
    private boolean doubtful;
    /// Layouts asked for in the COMPOUNDs that open their files: of which handle, nobody knows yet.
    private int behindOpens;

    Layouts(Caller me, OpenFiles open, List<DataServerNode> dataServers) {
        this.me = me;
        this.open = open;
        this.dataServers = dataServers;
    }

    void keep(boolean wanted) {
        keeps = wanted;
    }

    @Nullable
    DiskSession disk(int region) {
        return disks.get(region);
    }

    /// The server has forgotten us.
    void forget() {
        disks.values().forEach(DiskSession::close);
        disks.clear();
        devices.clear();
        lost.clear();
        doubted.clear();
    }

    /// The server has taken layouts from us: it may be all of them.
    void revoked() {
        for (OpenFile file : open.all()) {
            Stateid held = file.layout;
            if (held != null) {
                lost.put(held, file);
                file.forgetLayout();
            }
        }
        forgetDevices();
        new LinkedHashMap<>(lost).forEach((layout, file) -> {
            if (doubted.add(layout)) {
                free(layout, file);
            }
        });
    }

    /// Not every layout need be lost: one that was granted since then is held, and goes back.
    private void free(Stateid layout, OpenFile file) {
        me.session.ask(List.of(new FreeStateidArgs(layout)), answer -> {
            doubted.remove(layout);
            if (lost.remove(layout) == null) {
                return;
            }
            switch (answer.status()) {
                case OK, BAD_STATEID -> {}
                case LOCKS_HELD ->
                    file.use(() -> {
                        if (file.layout == null && open.has(file)) {
                            file.layout = layout;
                            giveBack(file, file::done);
                        } else {
                            doubtful |= !open.has(file); // nobody gives it back with the file
                            file.done();
                        }
                    });
                default -> doubtful = true;
            }
        });
    }

    /// We may have been fenced: keys are asked for again.
    void forgetDevices() {
        devices.clear();
        disks.values().forEach(DiskSession::forgetKey);
    }

    /// Holds a layout of some blocks and can reach them, or cannot have one.
    void get(OpenFile file, Iomode iomode, int first, int blocks, Consumer<Boolean> then) {
        if (file.recalled) {
            giveBack(file, () -> get(file, iomode, first, blocks, then));
            return;
        }
        if (file.layout != null && file.covers(iomode, first, blocks)) {
            then.accept(true);
            return;
        }
        int asked = me.era();
        long length = (long) blocks * BLOCK;
        Stateid held = file.layout;
        var get = new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                iomode,
                FileRange.of((long) first * BLOCK, length),
                length,
                held == null ? file.open : held,
                4096);
        me.once(List.of(new PutFhArgs(file.handle), get), answer -> {
            me.note("LAYOUTGET %s %s %d+%d: %s", iomode, file.model, first, blocks, answer.status());
            if (me.era() != asked) {
                then.accept(false);
            } else if (answer.isOk()) {
                accept(
                        file,
                        answer.find(OpResult.LayoutGetResult.class),
                        () -> then.accept(file.layout != null && file.covers(iomode, first, blocks)));
            } else if (answer.known() && Caller.isLater(answer.status()) && keeps) {
                doubtful |= answer.again();
                then.accept(false);
            } else if (answer.known() && Caller.isLater(answer.status())) {
                doubtful |= answer.again();
                // What others wait for we must not keep while we wait for them.
                giveBack(file, () -> {
                    if (me.insists()) {
                        me.later(() -> get(file, iomode, first, blocks, then));
                    } else {
                        then.accept(false);
                    }
                });
            } else {
                doubtful |= answer.again();
                if (answer.known() && held != null) {
                    refused(file, answer, "LAYOUTGET");
                } else if (answer.known()) {
                    open.refused(file, answer, "LAYOUTGET");
                }
                then.accept(false);
            }
        });
    }

    /// What asks for a layout of some part of a file in the COMPOUND that makes and opens it;
    /// [#behindOpen(Answer)] is to follow.
    OpArgs behindOpen() {
        behindOpens++;
        FileRange part = anyPart();
        return new LayoutGetArgs(false, LayoutType.SCSI, Iomode.READ_WRITE, part, part.length(), Stateid.CURRENT, 4096);
    }

    /// The COMPOUND was answered; where all of it was done, [#accept(OpenFile, Answer, Runnable)] is to follow.
    void behindOpen(Answer answer) {
        behindOpens--;
        doubtful |= !answer.isOk() && answer.again();
    }

    /// Holds what came with the OPEN of a new file.
    void accept(OpenFile file, Answer answer, Runnable then) {
        me.note("LAYOUTGET of new %s: OK", file.model);
        var result = answer.find(OpResult.LayoutGetResult.class);
        file.use(() -> accept(file, result, () -> {
            file.done();
            then.run();
        }));
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
        int asked = me.era();
        learn(unknown, () -> {
            if (me.era() == asked && file.layout != null) { // it was not lost meanwhile
                for (Extent extent : extents) {
                    place(file, extent, segment.iomode() == Iomode.READ_WRITE);
                }
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
            me.checker.granted(me.number, region, offset, writable);
        }
    }

    /// Finds out which disks devices are, and registers with them.
    private void learn(Set<DeviceId> unknown, Runnable then) {
        if (unknown.isEmpty()) {
            then.run();
            return;
        }
        long askedAt = me.checker.now();
        DeviceId device = unknown.iterator().next();
        unknown.remove(device);
        var get = new GetDeviceInfoArgs(Opaque.of(device.bytes()), LayoutType.SCSI, 4096, Bitmap.EMPTY);
        me.ask(List.of(get), answer -> {
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
            me.checker.told(me.number, region, found.key(), askedAt);
            DiskSession disk = disks.get(region);
            if (disk == null || !disk.isUsable()) {
                disk = new DiskSession(me.host, dataServers.get(region), me.number);
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
        throw me.checker.fail("a device that is none of ours: " + naa);
    }

    /// A part of a file, which has more than one block.
    FileRange anyPart() {
        int first = me.random.nextInt(BLOCKS);
        int blocks = 1 + me.random.nextInt(BLOCKS - first);
        return FileRange.of((long) first * BLOCK, (long) blocks * BLOCK);
    }

    /// Gives back what it has of a part of a file, which may be all or nothing. Within its turn.
    ///
    /// @param commit what it sends before, in the same COMPOUND
    void giveBackPart(OpenFile file, FileRange part, Optional<LayoutCommitArgs> commit, Consumer<Answer> then) {
        Stateid held = Objects.requireNonNull(file.layout);
        for (int block = (int) (part.offset() / BLOCK); block < (part.offset() + part.length()) / BLOCK; block++) {
            file.forgetPlace(block);
        }
        int asked = me.era();
        var operations = new ArrayList<OpArgs>();
        operations.add(new PutFhArgs(file.handle));
        commit.ifPresent(operations::add);
        var scope = new LayoutReturnScope.OfFile(part, held, Opaque.EMPTY);
        operations.add(new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, scope));
        me.ask(operations, answer -> {
            me.note("LAYOUTRETURN of a part of %s, %s: %s", file.model, part, answer.status());
            if (me.era() == asked && Objects.equals(held, file.layout)) {
                if (answer.isOk()) {
                    Stateid left = answer.find(OpResult.LayoutReturnResult.class)
                            .stateid()
                            .orElse(null);
                    if (left == null) {
                        file.forgetLayout();
                    }
                    file.layout = left;
                } else if (answer.known()) {
                    doubtful |= answer.again();
                    refused(file, answer, "LAYOUTRETURN");
                }
            }
            then.accept(answer);
        });
    }

    /// Gives everything back that it has of a file. Within its turn.
    void giveBack(OpenFile file, Runnable then) {
        Stateid held = file.layout;
        if (held == null) {
            file.recalled = false;
            then.run();
            return;
        }
        file.forgetPlaces();
        int asked = me.era();
        var all = new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, held, Opaque.EMPTY);
        me.ask(
                List.of(new PutFhArgs(file.handle), new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, all)),
                answer -> {
                    me.note("LAYOUTRETURN %s: %s", file.model, answer.status());
                    if (me.era() == asked && Objects.equals(held, file.layout)) {
                        if (answer.status() == NfsStatus.BADSESSION) {
                            giveBack(file, then); // a server that was killed goes on with it
                            return;
                        }
                        if (answer.known() && !answer.isOk()) {
                            lost.put(held, file); // what the server has of it, it will not be asked for again
                        }
                        file.layout = null;
                        file.recalled = false;
                    }
                    then.run();
                });
    }

    /// What was asked for with the layout of a file was refused. The server may have taken the layout, and waits
    /// to hear that we know.
    void refused(OpenFile file, Answer answer, String what) {
        Stateid held = file.layout;
        open.layoutRefused(file, answer, what);
        if (held != null && file.layout == null) {
            lost.put(held, file);
        }
    }

    /// Gives back what it has not heard of, after all else.
    void giveBackUnheard(Runnable then) {
        if (!doubtful && lost.isEmpty()) {
            then.run();
            return;
        }
        var all = new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.All());
        me.ask(List.of(new PutRootFhArgs(), all), answer -> {
            me.note("LAYOUTRETURN of everything: %s", answer.status());
            doubtful = !answer.isOk();
            lost.clear();
            giveBackUnheard(then);
        });
    }

    CbResult called(CbLayoutRecallArgs recall) {
        return switch (recall.scope()) {
            case LayoutRecallScope.OfFile scope -> called(recall, scope);
            case LayoutRecallScope.OfFileSystem _ -> calledForMany(recall, new LayoutReturnScope.OfFileSystem());
            case LayoutRecallScope.All _ -> calledForMany(recall, new LayoutReturnScope.All());
        };
    }

    private static boolean isOf(Stateid one, Stateid other) {
        return one.other().equals(other.other());
    }

    /// Who is in the middle of something asks for some time.
    private CbResult calledForMany(CbLayoutRecallArgs recall, LayoutReturnScope scope) {
        List<OpenFile> held =
                open.all().stream().filter(file -> file.layout != null).toList();
        me.note("CB_LAYOUTRECALL of many, holds %d", held.size());
        if (behindOpens > 0 || open.isClosingAny() || open.all().stream().anyMatch(OpenFile::isBusy)) {
            return new CbResult.CbFailure(recall.op(), NfsStatus.DELAY);
        }
        if (held.isEmpty()) {
            return new CbResult.CbFailure(recall.op(), NfsStatus.NOMATCHING_LAYOUT);
        }
        if (!keeps) {
            held.forEach(file -> file.use(file::forgetPlaces));
            int asked = me.era();
            var bulk = new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, scope);
            me.ask(List.of(new PutRootFhArgs(), bulk), answer -> {
                me.note("LAYOUTRETURN of many: %s", answer.status());
                for (OpenFile file : held) {
                    if (me.era() == asked && answer.isOk()) {
                        file.forgetLayout();
                    }
                    file.done();
                }
            });
        }
        return new CbResult.CbSuccess(recall.op());
    }

    private CbResult called(CbLayoutRecallArgs recall, LayoutRecallScope.OfFile scope) {
        me.note("CB_LAYOUTRECALL %s", scope.range());
        OpenFile file = open.get(scope.fileHandle());
        if (open.isClosing(scope.fileHandle())
                || (file == null && behindOpens > 0)
                || (file != null && file.layout == null && file.isBusy())) {
            return new CbResult.CbFailure(recall.op(), NfsStatus.DELAY);
        }
        if (file == null || file.layout == null) {
            return new CbResult.CbFailure(recall.op(), NfsStatus.NOMATCHING_LAYOUT);
        }
        if (isOf(scope.stateid(), file.layout) && scope.stateid().seqid() <= file.layout.seqid()) {
            return new CbResult.CbFailure(recall.op(), NfsStatus.OLD_STATEID); // as Linux, which counts no further
        }
        file.layout = scope.stateid();
        if (!keeps) {
            file.recalled = true;
            file.use(() -> giveBack(file, file::done));
        }
        return new CbResult.CbSuccess(recall.op());
    }
}
