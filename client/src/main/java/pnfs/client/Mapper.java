package pnfs.client;

import static pnfs.wire.nfs4.NfsStatus.OK;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.FileLayout.Access;
import pnfs.client.FileLayout.Mapping;
import pnfs.client.FileLayout.Uncommitted;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutSegment;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;

/// LAYOUTGET, LAYOUTCOMMIT and LAYOUTRETURN for one open file (RFC 8881 §18.42 to §18.44, RFC 8154). One of
/// them is under way at a time, because each answer changes the stateid of the next; the data itself does not
/// wait for them. Safe for all threads.
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
    private final MdsSession.Caller session;
    private final Supplier<Stateid> openStateid;
    private final Tally tally;
    private final IoEvents events;
    private final FileLayout layout = new FileLayout();
    private final RangeGate turns = new RangeGate();
    /// Where the last layout for writing ends: who goes on there writes sequentially and gets more ahead each
    /// time. Guarded by `turns`, as `aheadBytes` is.
    private long grantedEnd;

    private long aheadBytes;

    Mapper(
            String path,
            Opaque fileHandle,
            MdsSession.Caller session,
            Supplier<Stateid> openStateid,
            Tally tally,
            IoEvents events) {
        this.path = path;
        this.fileHandle = fileHandle;
        this.session = session;
        this.openStateid = openStateid;
        this.tally = tally;
        this.events = events;
    }

    FileLayout layout() {
        return layout;
    }

    /// Where `blocks` can be written, asking the server for what is not known yet.
    Mapping forWriting(ByteRange blocks) throws IOException, NoDirectWayException {
        Mapping known = layout.forWriting(blocks);
        if (known != null) {
            return known;
        }
        try (var _ = turns.enter(ByteRange.all())) {
            boolean sequential = grantedEnd > 0 && blocks.offset() <= grantedEnd && grantedEnd < blocks.end();
            aheadBytes = sequential ? Math.clamp(aheadBytes * 2, FIRST_AHEAD_BYTES, MOST_AHEAD_BYTES) : 0;
            return fetch(Access.WRITE, blocks, Math.addExact(blocks.end(), aheadBytes));
        }
    }

    /// Where the data of `blocks` is; `fileEnd` is as far as it makes sense to ask.
    Mapping forReading(ByteRange blocks, long fileEnd) throws IOException, NoDirectWayException {
        Mapping known = layout.forReading(blocks);
        if (known != null) {
            return known;
        }
        try (var _ = turns.enter(ByteRange.all())) {
            return fetch(Access.READ, blocks, Math.max(blocks.end(), ByteRange.alignUp(fileEnd)));
        }
    }

    private Mapping fetch(Access access, ByteRange blocks, long ahead) throws IOException, NoDirectWayException {
        var patience = new Patience(CONFLICT_LIMIT);
        while (true) {
            Mapping known = access == Access.WRITE ? layout.forWriting(blocks) : layout.forReading(blocks);
            if (known != null) {
                return known;
            }
            long from = layout.firstUnknown(blocks, access);
            long start = System.nanoTime();
            Reply reply = session.ask(path, () -> List.of(new PutFhArgs(fileHandle), layoutGet(access, from, ahead)));
            if (reply.status() == OK) {
                tally.layoutgets.increment();
                accept(access, from, reply.get(LayoutGetResult.class), System.nanoTime() - start);
            } else if (LAYOUT_LOST.contains(reply.status()) && layout.stateid() != null) {
                log.warn("layout lost path={} why={}", path, reply.status());
                layout.forget();
            } else if (!TRY_LATER.contains(reply.status()) || !patience.pause()) {
                throw new NoDirectWayException("LAYOUTGET: " + reply.status());
            }
        }
    }

    private LayoutGetArgs layoutGet(Access access, long from, long end) {
        Stateid held = layout.stateid();
        return new LayoutGetArgs(
                false,
                LayoutType.SCSI,
                access == Access.WRITE ? Iomode.READ_WRITE : Iomode.READ,
                new FileRange(from, end),
                ByteRange.BLOCK_BYTES,
                held == null ? openStateid.get() : held,
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

    /// What gives all layouts of the file back, or null where there are none. Committed before, or lost.
    @Nullable
    LayoutReturnArgs returnAll() {
        Stateid held = layout.stateid();
        return held == null
                ? null
                : new LayoutReturnArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.ANY,
                        new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, held, Opaque.EMPTY));
    }

    /// Commits, and gives back `blocks`, in which nobody writes meanwhile, so that the server can read and
    /// write there itself: with a layout of ours in its way it would recall that first, and we do not listen.
    void release(ByteRange blocks) throws IOException {
        commitNow();
        try (var _ = turns.enter(ByteRange.all())) {
            Stateid held = layout.stateid();
            if (held == null || !layout.overlaps(blocks)) {
                return;
            }
            var part = new LayoutReturnScope.OfFile(new FileRange(blocks.offset(), blocks.end()), held, Opaque.EMPTY);
            Reply reply = session.ask(
                    path,
                    () -> List.of(
                            new PutFhArgs(fileHandle), new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, part)));
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
        commit();
        try (var _ = turns.enter(ByteRange.all())) {
            Reply reply = session.ask(path, () -> {
                LayoutReturnArgs back = returnAll();
                return back == null ? List.of() : List.of(new PutFhArgs(fileHandle), back);
            });
            if (reply.status() == OK && !reply.results().isEmpty()) {
                tally.layoutreturns.increment();
            }
            layout.forget();
        }
    }
}
