package pnfs.client;

import static pnfs.wire.nfs4.NfsStatus.OK;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.FileLayout.Access;
import pnfs.client.FileLayout.Uncommitted;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutSegment;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;

/// LAYOUTGET, LAYOUTCOMMIT and LAYOUTRETURN for one file, however often it is open (RFC 8881 §18.42 to §18.44,
/// RFC 8154). One of them is under way at a time, because each answer changes the stateid of the next; the data
/// itself does not wait for them. Safe for all threads.
final class Mapper {
    private static final Logger log = LoggerFactory.getLogger(Mapper.class);

    /// Extents of one answer; more follow with the next LAYOUTGET.
    private static final int MAX_BODY_BYTES = 64 << 10;

    private static final int MAX_EXTENTS = MAX_BODY_BYTES / 44;
    /// Ranges of one LAYOUTCOMMIT, 16 bytes each.
    private static final int MAX_COMMIT_RANGES = 4096;

    private static final long FIRST_AHEAD_BYTES = 1 << 20;
    private static final long MOST_AHEAD_BYTES = 64 << 20;
    /// Where the layout is with somebody else, the metadata server may do the I/O sooner than we get it.
    private static final Duration CONFLICT_LIMIT = Duration.ofSeconds(5);

    private static final Set<NfsStatus> TRY_LATER =
            EnumSet.of(NfsStatus.LAYOUTTRYLATER, NfsStatus.RECALLCONFLICT, NfsStatus.RETURNCONFLICT);
    /// The layout stateid is not what the server has; the open stateid begins a new one.
    private static final Set<NfsStatus> LAYOUT_LOST = EnumSet.of(
            NfsStatus.BAD_STATEID,
            NfsStatus.OLD_STATEID,
            NfsStatus.EXPIRED,
            NfsStatus.ADMIN_REVOKED,
            NfsStatus.DELEG_REVOKED);

    private final String path;
    private final Opaque fileHandle;
    private final Fsid fsid;
    private final MdsSession.Caller session;
    private final Tally tally;
    private final IoEvents events;
    private final FileLayout layout = new FileLayout();
    private final RangeGate gate = new RangeGate();
    private final RangeGate turns = new RangeGate();
    /// Where the last layout for writing ends: who goes on there writes sequentially and gets more ahead each
    /// time. Guarded by `turns`, as `aheadBytes` is.
    private long grantedEnd;

    private long aheadBytes;

    Mapper(String path, Opaque fileHandle, Fsid fsid, MdsSession.Caller session, Tally tally, IoEvents events) {
        this.path = path;
        this.fileHandle = fileHandle;
        this.fsid = fsid;
        this.session = session;
        this.tally = tally;
        this.events = events;
    }

    FileLayout layout() {
        return layout;
    }

    Opaque fileHandle() {
        return fileHandle;
    }

    /// The file system that it is in.
    Fsid fsid() {
        return fsid;
    }

    /// Which blocks of the file are written just now.
    RangeGate gate() {
        return gate;
    }

    /// Asks the server for what is not known yet of where `blocks` can be written. Whoever needs it has to look
    /// after that, in a [FileLayout.Use]: it may be recalled meanwhile.
    void mapForWriting(ByteRange blocks, Supplier<Stateid> open) throws IOException, NoDirectWayException {
        map(Access.WRITE, blocks, blocks.end(), open);
    }

    /// As [#mapForWriting], for reading; `fileEnd` is as far as it makes sense to ask.
    void mapForReading(ByteRange blocks, long fileEnd, Supplier<Stateid> open)
            throws IOException, NoDirectWayException {
        map(Access.READ, blocks, Math.max(blocks.end(), ByteRange.alignUp(fileEnd)), open);
    }

    private void map(Access access, ByteRange blocks, long end, Supplier<Stateid> open)
            throws IOException, NoDirectWayException {
        var patience = new Patience(CONFLICT_LIMIT);
        while (!isMapped(access, blocks)) {
            layout.awaitNoReturn();
            NfsStatus status;
            try (var _ = turns.enter(ByteRange.all())) {
                status = isMapped(access, blocks) ? OK : fetch(access, blocks, end, open);
            }
            if (TRY_LATER.contains(status) ? !patience.pause() : status != OK) {
                throw new NoDirectWayException("LAYOUTGET: " + status);
            }
        }
    }

    private boolean isMapped(Access access, ByteRange blocks) {
        return (access == Access.WRITE ? layout.forWriting(blocks) : layout.forReading(blocks)) != null;
    }

    /// One LAYOUTGET. OK also where there is reason to look again.
    private NfsStatus fetch(Access access, ByteRange blocks, long end, Supplier<Stateid> open)
            throws IOException, NoDirectWayException {
        if (!layout.ask()) {
            return OK;
        }
        try {
            long ahead = access == Access.WRITE ? aheadOf(blocks) : 0;
            long from = layout.firstUnknown(blocks, access);
            long to = Math.addExact(end, ahead);
            long start = System.nanoTime();
            Reply reply =
                    session.ask(path, () -> List.of(new PutFhArgs(fileHandle), layoutGet(access, from, to, open)));
            if (reply.status() == OK) {
                aheadBytes = access == Access.WRITE ? ahead : aheadBytes;
                tally.layoutgets.increment();
                accept(access, from, reply.get(LayoutGetResult.class), System.nanoTime() - start);
            } else if (LAYOUT_LOST.contains(reply.status()) && layout.stateid() != null) {
                log.warn("layout lost path={} why={}", path, reply.status());
                layout.forget();
                return OK;
            }
            return reply.status();
        } finally {
            layout.asked();
        }
    }

    private long aheadOf(ByteRange blocks) {
        boolean sequential = grantedEnd > 0 && blocks.offset() <= grantedEnd && grantedEnd < blocks.end();
        return sequential ? Math.clamp(aheadBytes * 2, FIRST_AHEAD_BYTES, MOST_AHEAD_BYTES) : 0;
    }

    private LayoutGetArgs layoutGet(Access access, long from, long end, Supplier<Stateid> open) {
        Stateid held = layout.stateid();
        return new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                access == Access.WRITE ? Iomode.READ_WRITE : Iomode.READ,
                new FileRange(from, end),
                ByteRange.BLOCK_BYTES,
                held == null ? open.get() : held,
                MAX_BODY_BYTES);
    }

    private void accept(Access access, long from, LayoutGetResult granted, long nanos) throws NoDirectWayException {
        List<Extent> extents = extents(access, from, granted.segments());
        var range = new ByteRange(
                extents.getFirst().file().offset(), extents.getLast().file().end());
        layout.granted(access, range, extents, granted.stateid());
        if (access == Access.WRITE) {
            grantedEnd = range.end();
        }
        events.mapped(path, range, extents.size(), nanos);
    }

    /// The extents of an answer, which must be of use and cover `from`: a layout that we do not understand is
    /// none.
    private static List<Extent> extents(Access access, long from, List<LayoutSegment> segments)
            throws NoDirectWayException {
        List<Extent> extents;
        try {
            if (segments.size() != 1 || segments.getFirst().content().type() != LayoutType.SCSI) {
                throw new NoDirectWayException("a layout of " + segments.size() + " segments");
            }
            extents = ScsiLayoutCodec.readLayout(segments.getFirst().content().body(), MAX_EXTENTS);
        } catch (XdrException e) {
            throw new NoDirectWayException("a layout that cannot be read: " + e.getMessage());
        }
        long end = extents.isEmpty() ? from : extents.getFirst().file().offset();
        for (Extent extent : extents) {
            boolean usable = extent.file().offset() == end && extent.file().isAligned() && fits(access, extent.state());
            if (!usable) {
                throw new NoDirectWayException("a layout with " + extent);
            }
            end = extent.file().end();
        }
        if (extents.isEmpty() || extents.getFirst().file().offset() > from || end <= from) {
            throw new NoDirectWayException("a layout that leaves out " + from);
        }
        return extents;
    }

    private static boolean fits(Access access, ExtentState state) {
        return switch (state) {
            case READ_WRITE_DATA, INVALID_DATA -> true; // a request for reading may be answered with more
            case READ_DATA, NONE_DATA -> access == Access.READ;
        };
    }

    /// Makes what was written part of the file, durably; nothing to do where nothing was written.
    void commit() throws IOException {
        commitNow();
        failIfLost();
    }

    private void failIfLost() throws PnfsException {
        long lost = layout.takeLostBytes();
        if (lost > 0) {
            throw new PnfsException(
                    NfsStatus.IO,
                    path,
                    lost + " bytes written since the last fsync were lost with their layout: write them again");
        }
    }

    /// What cannot be committed is told by the next [#commit].
    private void commitNow() throws IOException {
        try (var _ = turns.enter(ByteRange.all())) {
            commitInTurn();
        }
    }

    private void commitInTurn() throws IOException {
        Uncommitted what = layout.uncommitted();
        if (what != null) {
            Reply reply = commit(session, what, Reclaim.NO);
            if (LAYOUT_LOST.contains(reply.status())) {
                log.warn("layout lost path={} why={}", path, reply.status());
                layout.forget();
            } else {
                reply.orThrow(path);
                layout.committed(what);
            }
        }
    }

    /// Commits what was written before the server lost our layouts, while it still keeps their blocks, and
    /// forgets them. What it does not take is lost, and the next [#commit] says so.
    void commitAfterRestart(MdsSession.Caller recovery) throws IOException {
        Uncommitted what = layout.uncommitted();
        if (what != null) {
            Reply reply = commit(recovery, what, Reclaim.YES);
            if (reply.status() == OK) {
                layout.committed(what);
            } else {
                log.warn("writes lost path={} bytes={} why={}", path, what.bytes(), reply.status());
            }
        }
        layout.forget();
    }

    private enum Reclaim {
        YES,
        NO
    }

    private Reply commit(MdsSession.Caller caller, Uncommitted what, Reclaim reclaim) throws IOException {
        int from = 0;
        while (true) {
            int to = Math.min(from + MAX_COMMIT_RANGES, what.ranges().size());
            List<ByteRange> ranges = what.ranges().subList(from, to);
            boolean last = to == what.ranges().size();
            long start = System.nanoTime();
            Reply reply = caller.ask(
                    path, () -> List.of(new PutFhArgs(fileHandle), layoutCommit(what, ranges, last, reclaim)));
            if (reply.status() != OK) {
                return reply;
            }
            tally.layoutcommits.increment();
            events.committed(
                    path,
                    ranges.size(),
                    ranges.stream().mapToLong(ByteRange::length).sum(),
                    System.nanoTime() - start);
            if (last) {
                return reply;
            }
            from = to;
        }
    }

    private LayoutCommitArgs layoutCommit(Uncommitted what, List<ByteRange> ranges, boolean last, Reclaim reclaim) {
        Stateid held = layout.stateid();
        return new LayoutCommitArgs(
                new FileRange(0, what.end()),
                reclaim == Reclaim.YES,
                held == null ? Stateid.ANONYMOUS : held,
                last ? OptionalLong.of(what.end() - 1) : OptionalLong.empty(),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(ranges)));
    }

    /// Commits, and gives back `blocks`, so that the server can read and write there itself: with a layout of
    /// ours in its way it would have to recall that first. What cannot be committed is told by the next [#commit].
    void release(ByteRange blocks) throws IOException {
        if (!layout.overlaps(blocks)) {
            commitNow();
            return;
        }
        try (var _ = layout.beginReturn();
                var _ = turns.enter(ByteRange.all())) {
            awaitUnused();
            commitInTurn();
            Stateid held = layout.stateid();
            if (held == null) {
                return;
            }
            LayoutReturnArgs part = giveBack(new FileRange(blocks.offset(), blocks.end()), held);
            Reply reply = session.ask(path, () -> List.of(new PutFhArgs(fileHandle), part));
            Optional<Stateid> remaining =
                    reply.status() == OK ? reply.get(LayoutReturnResult.class).stateid() : Optional.empty();
            if (remaining.isPresent()) {
                layout.gaveBack(blocks, remaining.get());
            } else {
                layout.forget(); // none are left, or they are not what the server thinks they are
            }
        }
    }

    /// Commits and gives everything back, so that the server can move blocks.
    void release() throws IOException {
        try (var _ = layout.beginReturn();
                var _ = turns.enter(ByteRange.all())) {
            awaitUnused();
            commitInTurn();
            returnAll();
        }
        failIfLost();
    }

    /// While a return is under way, in turn: waits until nothing can reach storage any more where our layouts
    /// say. Of a write that failed and may yet do so the server hears (LAYOUTERROR, RFC 7862 §15.6): when it
    /// says OK the data servers have dropped what we had sent them. It says DELAY as long as it cannot ask them
    /// either.
    private void awaitUnused() throws IOException {
        layout.awaitUnused();
        for (DeviceId volume : layout.late()) {
            log.info("failed write may come late, layout is kept path={} device={}", path, volume);
            Reply reply = session.ask(path, () -> lateWriteTo(volume));
            if (LAYOUT_LOST.contains(reply.status())) {
                log.warn("layout lost path={} why={}", path, reply.status());
                layout.forget();
            } else if (reply.status() == NfsStatus.DELAY) {
                throw mayComeLate();
            } else {
                reply.orThrow(path);
                layout.noneLate(volume);
            }
        }
    }

    private PnfsException mayComeLate() {
        return new PnfsException(
                NfsStatus.IO,
                path,
                "a data server that does not answer may still carry out a write that failed: start it, or try again"
                        + " when it is back");
    }

    /// Nothing to say where the write is over by now: the session with the data server is there again.
    private List<OpArgs> lateWriteTo(DeviceId volume) {
        Stateid held = layout.stateid();
        if (held == null || !layout.late().contains(volume)) {
            return List.of();
        }
        var error = new DeviceError(Opaque.of(volume.bytes()), NfsStatus.NXIO, OpCode.WRITE);
        return List.of(new PutFhArgs(fileHandle), new LayoutErrorArgs(FileRange.WHOLE_FILE, held, List.of(error)));
    }

    /// Ends an open with its CLOSE; with the last open of the file the layouts go back.
    ///
    /// @throws PnfsException where a write that failed may still reach storage: the file stays open, and its
    ///     layouts ours, until they are recalled or the server fences us
    void close(Mappers open, Supplier<CloseArgs> close) throws IOException {
        boolean staysOpen = false;
        try (var _ = layout.beginReturn();
                var _ = turns.enter(ByteRange.all())) {
            if (open.isLastOpen(fileHandle)) {
                layout.awaitUnused();
                staysOpen = !layout.late().isEmpty();
                if (staysOpen) {
                    throw mayComeLate(); // whoever wrote has asked the server for as long as he had patience
                }
                Reply reply = session.ask(path, () -> returnAllAnd(close.get()));
                if (reply.status() == OK && layout.stateid() != null) {
                    tally.layoutreturns.increment();
                } else if (layout.stateid() != null) {
                    // The layouts are not what the server thinks they are; the open is closed all the same.
                    layout.forget();
                    session.ask(path, () -> returnAllAnd(close.get()));
                }
                layout.forget();
            } else {
                session.ask(path, () -> List.of(new PutFhArgs(fileHandle), close.get()));
            }
        } finally {
            if (!staysOpen) {
                open.leave(fileHandle);
            }
        }
    }

    /// Whether there is a layout of the file.
    boolean isMapped() {
        return layout.stateid() != null;
    }

    /// What to answer to a recall of this file; after OK a call of [#giveBackRecalled] is due.
    NfsStatus recall(Stateid recalled) {
        return layout.recall(recalled);
    }

    /// What to answer to a recall of many files; after OK a call of [#settleRecalled] is due.
    NfsStatus recall() {
        return layout.recall();
    }

    /// Finishes what is under way, commits it and gives everything back.
    void giveBackRecalled() throws IOException {
        try (FileLayout.Return _ = layout::returned;
                var _ = turns.enter(ByteRange.all())) {
            awaitUnused();
            commitRecalled();
            returnAll();
        }
    }

    /// As [#giveBackRecalled], but leaves the LAYOUTRETURN, and [#returned] after it, to the caller.
    void settleRecalled() throws IOException {
        try (var _ = turns.enter(ByteRange.all())) {
            awaitUnused();
            commitRecalled();
            layout.forget();
        }
    }

    /// The LAYOUTRETURN after [#settleRecalled] of this file and others.
    void giveBackMany(LayoutReturnScope scope) throws IOException {
        var all = new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, scope);
        session.call(path, () -> List.of(new PutFhArgs(fileHandle), all));
    }

    void returned() {
        layout.returned();
    }

    /// A layout goes back also where the server refuses the commit; what is lost then is told by the next
    /// [#commit].
    private void commitRecalled() throws IOException {
        try {
            commitInTurn();
        } catch (PnfsException e) {
            log.warn("recalled layout not committed path={} why={}", path, e.getMessage());
        }
    }

    private void returnAll() throws IOException {
        Reply reply = session.ask(path, () -> returnAllAnd());
        if (reply.status() == OK && !reply.results().isEmpty()) {
            tally.layoutreturns.increment();
        }
        layout.forget();
    }

    /// Gives all layouts of the file back, where there are any, and does `next`.
    private List<OpArgs> returnAllAnd(OpArgs... next) {
        var compound = new ArrayList<OpArgs>();
        Stateid held = layout.stateid();
        if (held != null) {
            compound.add(giveBack(FileRange.WHOLE_FILE, held));
        }
        compound.addAll(List.of(next));
        if (!compound.isEmpty()) {
            compound.addFirst(new PutFhArgs(fileHandle));
        }
        return compound;
    }

    private static LayoutReturnArgs giveBack(FileRange range, Stateid held) {
        return new LayoutReturnArgs(
                false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.OfFile(range, held, Opaque.EMPTY));
    }
}
