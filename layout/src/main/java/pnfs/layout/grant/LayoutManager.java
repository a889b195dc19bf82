package pnfs.layout.grant;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.extent.RangeSet;
import pnfs.layout.space.Freed;
import pnfs.layout.space.Space;
import pnfs.layout.space.SpaceChange;

/// Grants layouts, commits what was written through them, takes them back; and keeps the metadata server's own
/// I/O and layouts out of each other's way.
///
/// **Invariants.** I1: a block that one client may write, no other client may read or write through a layout,
/// and nothing is under way to it through the server but that client's own overwrites in place. I2: storage
/// leaves a file only when nobody may touch it, or else is kept until nobody may ([Freed]). A layout for
/// writing has storage under every block; a layout for reading shows unwritten storage and holes alike as
/// NONE_DATA. A LAYOUTCOMMIT turns exactly what it lists and what this client was granted for writing from
/// INVALID_DATA into READ_WRITE_DATA, so a commit that comes twice changes nothing the second time. The extents
/// of a layout tile its range exactly, which is finite and whole blocks, and what others hold is looked at
/// before anything is allocated. Of storage that a client was granted as INVALID_DATA and has not committed it
/// alone knows what is written: until then nothing tells that client of a hole there, neither a layout for
/// reading nor a READ through the server, and nobody else makes data of it.
///
/// **Concurrency.** All that concerns one file is guarded by that file's lock, which the caller holds, and its
/// [LayoutFile] is as of then. The caller of a method that returns [LayoutChanges] with space in them holds the
/// space lock as well, and keeps both until the changes are appended to the store. Rank: file before space.
/// Nothing here waits.
///
/// **Failure.** What a client may not do is an outcome, never an exception. The caller keeps a record of what
/// is [#heldBy] a client. After a restart the client goes on with that ([#restore]); or else what was granted
/// and not committed stays unwritten until [#reclaim], [#commitLate] or [#forget], for which the caller gives
/// it back with [#restoreFormer]. What somebody is granted, or writes or cuts through the server, nobody
/// commits late: only so does a commit that was on its way during the restart undo nothing and show nothing
/// stale. Changes are returned after the decision has taken effect in memory, so a caller that cannot append
/// them must stop serving.
///
/// **Not here.** Stateids of opens, permissions, grace, and the callback that asks for what [#recall] marks
/// (`mds`). Who meets a conflict is told to try again.
public final class LayoutManager {
    /// A layout in the reply, without extents: offset, length, iomode, type, length of the body, count of extents.
    private static final int LAYOUT_HEADER_BYTES = 32;
    private static final int EXTENT_BYTES = 44;
    /// What writers may set aside beyond what they need at once: of what is free, one part in so many.
    private static final long WISH_SHARE = 16;
    /// Stands for those that holes of layouts of the run before may name.
    private static final DeviceId ANY_VOLUME = SpacePlan.NO_DEVICE;

    private final LayoutLimits limits;
    private final Space space;
    private final int boot;
    private final AtomicLong stateids = new AtomicLong();
    private final Map<Long, FileGrants> files = new ConcurrentHashMap<>();
    private final Map<Long, Set<Long>> filesByClient = new ConcurrentHashMap<>();
    /// By file: what clients of the run before may still commit, by the ids that they had then.
    private final Map<Long, Map<Long, RangeSet>> former = new ConcurrentHashMap<>();
    /// By volume: files of which a layout may name it for a hole, and some of which none does any more.
    private final Map<DeviceId, Set<Long>> holesOn = new ConcurrentHashMap<>();
    private volatile Placement placement;
    private volatile Set<DeviceId> quarantined = Set.of();

    /// @param boot tells this start of the server from the one before, in each stateid
    public LayoutManager(LayoutLimits limits, Space space, Placement placement, int boot) {
        this.limits = limits;
        this.space = space;
        this.placement = placement;
        this.boot = boot;
    }

    /// Whoever was granted something on these volumes by an earlier run of the server may still write there:
    /// until that is over no storage of theirs is granted, written through the server, or cut off a file. New
    /// storage must not come from them either ([#place]).
    public void quarantine(Set<DeviceId> volumes) {
        quarantined = Set.copyOf(volumes);
    }

    /// From now on new storage comes from these volumes; all of them must be in the space.
    public void place(Placement placement) {
        this.placement = placement;
    }

    /// LAYOUTGET, RFC 8881 §18.43. The caller has checked the open or delegation behind `presented` when that
    /// is empty, and holds the space lock when it asks for writing.
    ///
    /// @param presented the layout stateid that the client used; empty where it used an open's
    public GrantOutcome grant(LayoutFile file, Requester who, Optional<LayoutStateid> presented, Want want) {
        if (want.iomode() == Iomode.ANY) {
            return new GrantOutcome.Refused(Refusal.BADIOMODE, "a layout is for READ or for RW");
        }
        Optional<String> fault = Coverage.faultOf(want);
        if (fault.isPresent()) {
            return new GrantOutcome.Refused(Refusal.INVAL, fault.get());
        }
        FileGrants grants = grantsOf(file.inode());
        Holding holding = grants.of(who.client(), want.type());
        Optional<Refusal> badStateid = presented.flatMap(used -> faultOf(used, holding, who));
        if (badStateid.isPresent()) {
            return new GrantOutcome.Refused(badStateid.get(), "layout stateid " + presented.get());
        }
        if (holding != null && holding.isRevoked()) {
            return presented.isPresent()
                    ? new GrantOutcome.Refused(Refusal.BAD_STATEID, "layout " + holding.stateid() + " was revoked")
                    : new GrantOutcome.Refused(Refusal.LAYOUTTRYLATER, "layout " + holding.stateid() + " is fenced");
        }
        if (holding != null && holding.isRecalled()) {
            boolean isSeen = presented.map(holding::isSinceRecall).orElse(false);
            return new GrantOutcome.Refused(
                    isSeen ? Refusal.RETURNCONFLICT : Refusal.RECALLCONFLICT,
                    "layout " + holding.stateid() + " is recalled");
        }
        int maxExtents = Math.min((want.maxCount() - LAYOUT_HEADER_BYTES) / EXTENT_BYTES, limits.maxExtents());
        if (maxExtents < 1) {
            return new GrantOutcome.Refused(
                    Refusal.TOOSMALL, "maxcount " + want.maxCount() + " under one extent of " + EXTENT_BYTES);
        }
        long ahead = want.iomode() == Iomode.RW && holding != null ? holding.aheadFor(want.offset(), limits) : 0;
        Optional<Coverage> coverage = Coverage.of(want, file.size(), affordable(ahead), limits.firstAheadBytes());
        if (coverage.isEmpty()) {
            return new GrantOutcome.Refused(Refusal.BADLAYOUT, "a layout for writing without an end");
        }
        ByteRange least = coverage.get().least();
        ByteRange most = coverage.get().most();
        long free = Math.min(grants.firstConflict(most, who.client(), want.iomode()), firstOn(quarantined, file, most));
        if (free < least.end()) {
            return new GrantOutcome.Conflict(grants.holders(least, who.client(), want.iomode()));
        }
        if (isOverLimits(holding, who.client())) {
            return new GrantOutcome.Refused(Refusal.BADLAYOUT, "client " + who.client() + " holds too many layouts");
        }
        var possible = new ByteRange(most.offset(), free);
        Holding receiver = holding != null ? holding : newHolding(who.client(), want.type());
        GrantOutcome outcome = want.iomode() == Iomode.READ
                ? grantReading(file, receiver, want, least, possible, maxExtents)
                : grantWriting(file, receiver, want, least, possible, maxExtents);
        if (outcome instanceof GrantOutcome.Granted granted) {
            receiver.granted(granted.iomode(), granted.range());
            overtake(file.inode(), granted.range());
            if (want.iomode() == Iomode.RW) {
                receiver.wroteSequentially(granted.range().end(), ahead);
            }
            if (holding == null) {
                grants.holdings().add(receiver);
                files.put(file.inode(), grants);
                filesByClient.compute(who.client(), (_, held) -> with(held, file.inode()));
            }
        }
        return outcome;
    }

    /// LAYOUTCOMMIT, RFC 8881 §18.42, RFC 5663 §2.3.2. All of what it lists must be held for writing; what was
    /// fenced or given back before, nobody can say of that it is still there. Needs no space lock.
    public CommitOutcome commit(LayoutFile file, Requester who, Commit commit) {
        Holding holding = holding(file.inode(), who.client(), commit.type());
        Optional<Refusal> badStateid = faultOf(commit.stateid(), holding, who);
        if (holding == null || badStateid.isPresent()) {
            return new CommitOutcome.Refused(
                    badStateid.orElse(Refusal.BAD_STATEID), "layout stateid " + commit.stateid());
        }
        ByteRange about = rangeOf(commit.offset(), commit.length());
        Optional<String> fault = about == null ? Optional.of("range overflows") : faultOf(commit, about);
        if (about == null || fault.isPresent()) {
            return refusedCommit(fault.orElse("range"));
        }
        for (ByteRange written : commit.written()) {
            List<ByteRange> held = holding.writing().intersect(written);
            if (!held.equals(List.of(written))) {
                // Not BADLAYOUT or BADIOMODE, which Linux takes for success: what it wrote there is lost.
                return new CommitOutcome.Refused(Refusal.BAD_STATEID, "of " + written + " only " + held + " is held");
            }
        }
        long newSize = sizeAfter(file, commit);
        if (commit.written().isEmpty() && !about.isEmpty() && !holding.writing().overlaps(about.widened())) {
            return new CommitOutcome.Refused(
                    holding.writing().isEmpty() ? Refusal.BADIOMODE : Refusal.BADLAYOUT,
                    "nothing of " + about + " is held for writing");
        }
        long changed = 0;
        for (ByteRange written : commit.written()) {
            changed += file.extents().markWritten(written);
            holding.committed(written);
        }
        // Linux up to 6.12 loses its first page of ranges and all it knew about the size. What it lists is saved all
        // the
        // same; what it left out nobody can tell from storage that was never written, so that stays unwritten.
        boolean lostRanges = about.equals(new ByteRange(0, 0))
                && commit.lastWriteOffset().isEmpty()
                && !commit.written().isEmpty();
        return new CommitOutcome.Committed(changed, newSize, lostRanges, changes(file, List.of(), List.of()));
    }

    /// What a client was granted unwritten in the run before, by the record of it. Before the first client comes.
    public void restoreFormer(long inode, long formerClient, List<ByteRange> granted) {
        var ranges = new RangeSet();
        granted.forEach(ranges::add);
        former.computeIfAbsent(inode, _ -> new ConcurrentHashMap<>()).put(formerClient, ranges);
    }

    /// Whether it was given out by an earlier run of the server.
    public boolean isOfEarlierRun(LayoutStateid stateid) {
        return LayoutStateid.isLayout(stateid.other()) && !stateid.isOf(boot);
    }

    /// LAYOUTCOMMIT that was on its way when the server died, under the layout stateid of then: Linux sends it
    /// once more when it is done with its reclaims, and tells the application of any error.
    ///
    /// @param formerClient the id that the client had then
    public CommitOutcome commitLate(LayoutFile file, Commit commit, long formerClient) {
        return switch (reclaim(file, commit, formerClient)) {
            case CommitOutcome.Refused(var refusal, var detail)
            when refusal == Refusal.RECLAIM_BAD ->
                new CommitOutcome.Refused(Refusal.BAD_STATEID, "layout of the run before: " + detail);
            case CommitOutcome outcome -> outcome;
        };
    }

    /// LAYOUTCOMMIT with reclaim, RFC 8881 §18.42.3: of what was granted before a restart. Without such a grant
    /// the file may have grown by what was written into its last block, which was data already.
    ///
    /// @param formerClient the id that the client had then
    public CommitOutcome reclaim(LayoutFile file, Commit commit, long formerClient) {
        ByteRange about = rangeOf(commit.offset(), commit.length());
        Optional<String> fault = about == null ? Optional.of("range overflows") : faultOf(commit, about);
        if (fault.isPresent()) {
            return refusedCommit(fault.get());
        }
        RangeSet provable = former.getOrDefault(file.inode(), Map.of()).getOrDefault(formerClient, new RangeSet());
        long newSize = sizeAfter(file, commit);
        boolean isProved = commit.written().stream()
                .allMatch(written -> provable.intersect(written).equals(List.of(written)));
        if (!isProved || (newSize > ByteRange.alignUp(file.size()) && provable.isEmpty())) {
            return new CommitOutcome.Refused(
                    Refusal.RECLAIM_BAD,
                    "of " + commit.written() + " up to " + newSize + " only " + provable + " was granted");
        }
        long changed = 0;
        for (ByteRange written : commit.written()) {
            changed += file.extents().markWritten(written);
        }
        return new CommitOutcome.Committed(changed, newSize, false, changes(file, List.of(), List.of()));
    }

    private static Optional<String> faultOf(Commit commit, ByteRange about) {
        for (ByteRange written : commit.written()) {
            if (!written.isAligned() || written.isEmpty() || written.isToEnd()) {
                return Optional.of("written range " + written + " is not whole blocks");
            }
        }
        if (commit.lastWriteOffset().isPresent()) {
            long last = commit.lastWriteOffset().getAsLong();
            if (!about.contains(last) || last >= Coverage.MAX_FILE_BYTES) {
                return Optional.of("last write at " + Long.toUnsignedString(last) + " outside " + about);
            }
        }
        return Optional.empty();
    }

    private static long sizeAfter(LayoutFile file, Commit commit) {
        OptionalLong last = commit.lastWriteOffset();
        return last.isPresent() ? Math.max(file.size(), last.getAsLong() + 1) : file.size();
    }

    /// What the client holds of the file, to be noted: see [#restore].
    public List<HeldLayout> heldBy(long inode, long client) {
        return grantsOf(inode).holdings().stream()
                .filter(holding -> holding.client() == client)
                .map(Holding::noted)
                .toList();
    }

    /// The client goes on with what it held in the run before. Before the first client comes.
    public void restore(long inode, long client, HeldLayout held) {
        files.computeIfAbsent(inode, _ -> new FileGrants()).holdings().add(new Holding(client, held));
        filesByClient.compute(client, (_, those) -> with(those, inode));
        noteHoleOn(ANY_VOLUME, inode);
    }

    /// The client will not commit any more what it was granted here before a restart: what of it lies beyond
    /// the end of the file goes. Space lock as in [#giveBack].
    ///
    /// @param granted all that it was, by the record of it
    public LayoutChanges forget(LayoutFile file, long formerClient, List<ByteRange> granted) {
        former.computeIfPresent(file.inode(), (_, clients) -> {
            clients.remove(formerClient);
            return clients.isEmpty() ? null : clients;
        });
        FileGrants grants = grantsOf(file.inode());
        var gone = new ArrayList<Extent>();
        granted.forEach(range -> gone.addAll(punchUnwrittenBeyondEnd(file, grants, range)));
        return gone.isEmpty() ? changes(file, List.of(), List.of()) : freed(file, gone);
    }

    /// LAYOUTRETURN of a part or all of one file's layouts, RFC 8881 §18.44.
    public ReturnOutcome giveBack(LayoutFile file, Requester who, Return what) {
        Holding holding = holding(file.inode(), who.client(), what.type());
        Optional<Refusal> badStateid = faultOf(what.stateid(), holding, who);
        if (holding == null || badStateid.isPresent()) {
            return new ReturnOutcome.Refused(
                    badStateid.orElse(Refusal.BAD_STATEID), "layout stateid " + what.stateid());
        }
        ByteRange range = rangeOf(what.offset(), what.length());
        if (range == null || range.isEmpty()) {
            return new ReturnOutcome.Refused(Refusal.INVAL, "range is empty or overflows");
        }
        // Blocks that go back in part are kept: the client may still use the other part of them.
        long start = ByteRange.alignUp(range.offset());
        long end = range.isToEnd() ? range.end() : ByteRange.alignDown(range.end());
        var blocks = new ByteRange(Math.min(start, end), end);
        if (what.iomode() != Iomode.READ && holding.putsOffReturn(blocks)) {
            return new ReturnOutcome.Early("layout " + holding.stateid() + " may have a commit on its way");
        }
        LayoutChanges changes = dropFrom(file, List.of(holding), what.iomode(), List.of(blocks));
        return new ReturnOutcome.Returned(
                holding.isEmpty() ? Optional.empty() : Optional.of(holding.advance()), changes);
    }

    /// What is wrong with a stateid under which `who` may hold a layout of this file; empty where nothing is.
    public Optional<Refusal> faultOf(long inode, Requester who, LayoutStateid used) {
        return grantsOf(inode).holdings().stream()
                .filter(holding -> holding.client() == who.client()
                        && holding.stateid().other().equals(used.other()))
                .findFirst()
                .map(holding -> holding.faultOf(used, who))
                .orElse(Optional.of(Refusal.BAD_STATEID));
    }

    /// These clients are to return what they hold of the file: they get no more of it until then. Those that were
    /// asked before are left out.
    public List<Recalled> recall(long inode, Set<Long> holders) {
        return grantsOf(inode).holdings().stream()
                .filter(holding -> holders.contains(holding.client()) && !holding.isRecalled())
                .map(holding -> recalled(inode, holding, ByteRange.all()))
                .toList();
    }

    /// Whoever holds something in `range` is to return that; left out who was asked before, for whatever range.
    public List<Recalled> recall(long inode, ByteRange range) {
        return grantsOf(inode).holdings().stream()
                .filter(holding -> !holding.isRecalled()
                        && (holding.reading().overlaps(range)
                                || holding.writing().overlaps(range)))
                .map(holding -> recalled(inode, holding, range))
                .toList();
    }

    private static Recalled recalled(long inode, Holding holding, ByteRange range) {
        return new Recalled(inode, holding.client(), holding.type(), range, holding.recall(range));
    }

    /// What the client holds anything of, under layouts of this type, not yet taken from it.
    public boolean holds(long inode, long client, LayoutType type) {
        Holding holding = holding(inode, client, type);
        return holding != null && !holding.isRevoked();
    }

    /// The clients that hold layouts, of any file, in the order of their ids.
    public SortedSet<Long> clients() {
        return new TreeSet<>(filesByClient.keySet());
    }

    /// Whether the client was asked to return what it holds of the file, and has not.
    public boolean isRecalled(long inode, long client, LayoutType type) {
        Holding holding = holding(inode, client, type);
        return holding != null && holding.isRecalled();
    }

    /// The same once more, under a newer stateid: the client had seen a newer one than the recall's.
    public Recalled recallAgain(Recalled recalled) {
        Holding holding = holding(recalled.inode(), recalled.client(), recalled.type());
        return holding == null || !isOut(recalled) ? recalled : recalled(recalled.inode(), holding, recalled.range());
    }

    /// A layout that is to be returned: all of it where it is in somebody's way, because Linux answers the
    /// recall of a part with the return of all of it, and waits before that only for I/O in that part.
    ///
    /// @param range whose return ends the recall
    /// @param stateid as CB_LAYOUTRECALL presents it
    public record Recalled(long inode, long client, LayoutType type, ByteRange range, LayoutStateid stateid) {}

    /// Whether it has yet to be returned, or taken.
    public boolean isOut(Recalled recalled) {
        Holding holding = holding(recalled.inode(), recalled.client(), recalled.type());
        return holding != null
                && holding.isRecalled()
                && !holding.isRevoked()
                && holding.stateid().other().equals(recalled.stateid().other());
    }

    /// Whether anybody holds a layout of the file or I/O of ours is under way on it.
    public boolean isHeld(long inode) {
        return files.containsKey(inode);
    }

    /// Files of which this client holds layouts, for [#giveBackAll] under each one's lock. In order, so that what
    /// happens to them is the same in each run of the simulator.
    public SortedSet<Long> filesOf(long client) {
        return new TreeSet<>(filesByClient.getOrDefault(client, Set.of()));
    }

    /// Takes back all layouts of the client on the file, of one type or (empty) of all: LAYOUTRETURN of a file
    /// system or of everything, and the end of the client.
    public LayoutChanges giveBackAll(LayoutFile file, long client, Optional<LayoutType> type) {
        FileGrants grants = files.get(file.inode());
        if (grants == null) {
            return changes(file, List.of(), List.of());
        }
        List<Holding> going = grants.holdings().stream()
                .filter(holding -> holding.client() == client
                        && type.map(t -> t == holding.type()).orElse(true))
                .toList();
        return dropFrom(file, going, Iomode.ANY, List.of(ByteRange.all()));
    }

    /// Takes what the client holds of the file away from it. It gets no more of the file and gives no layout
    /// stateid for it, but may still commit what it wrote, for as long as nobody else can have it: until
    /// [#fenced], or until it returns it after all.
    ///
    /// @param key under which the client could reach the storage
    /// @return the stateids that it lost
    public List<LayoutStateid> revoke(long inode, long client, long key) {
        return grantsOf(inode).holdings().stream()
                .filter(holding -> holding.client() == client && !holding.isRevoked())
                .map(holding -> {
                    holding.revoke(key);
                    return holding.stateid();
                })
                .toList();
    }

    /// The key is fenced, but on the volumes `pending`: what was revoked under it is free for others but for what
    /// lies on those. Space lock as in [#giveBack].
    public LayoutChanges fenced(LayoutFile file, long client, long key, Set<DeviceId> pending) {
        List<Holding> revoked = grantsOf(file.inode()).holdings().stream()
                .filter(holding -> holding.client() == client && holding.isRevokedUnder(key))
                .toList();
        var free = new RangeSet();
        free.add(ByteRange.all());
        for (Extent extent : file.extents().extents(ByteRange.all())) {
            if (pending.contains(extent.device())) {
                free.remove(extent.file());
            }
        }
        return dropFrom(file, revoked, Iomode.ANY, free.ranges());
    }

    /// The file is gone. Its storage is free once nobody holds a layout of it and no I/O of ours is under way.
    public LayoutChanges remove(LayoutFile file) {
        former.remove(file.inode());
        List<Extent> lost = file.extents().punch(ByteRange.all());
        if (lost.isEmpty()) {
            return changes(file, List.of(), List.of());
        }
        Freed freed = space.release(lost);
        FileGrants grants = files.get(file.inode());
        if (grants == null) {
            freed.becameUnheld();
        } else {
            grants.outlive(freed);
        }
        return changes(file, space.drainChanges(), List.of(freed));
    }

    /// READ through the server for `client` may begin. It sees what is committed; layouts of others are never in
    /// its way, and the client's own where it may have written what it has yet to commit.
    public HoldOutcome beginRead(LayoutFile file, long client, ByteRange range) {
        ByteRange blocks = range.widened();
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle =
                obstacle(grants, ProxyHold.Kind.READ, blocks, grants.holdersAgainstRead(blocks, client));
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        List<Extent> tiles = file.extents().cover(blocks, SpacePlan.NO_DEVICE);
        return begin(grants, new ProxyHold(ProxyHold.Kind.READ, file.inode(), blocks, tiles, SpacePlan.none()));
    }

    /// WRITE through the server for `client` may begin, with storage under every block of the range. What the
    /// file owns is overwritten in place. Takes the space lock itself, since nothing becomes durable yet.
    public HoldOutcome beginWrite(LayoutFile file, long client, ByteRange range) {
        ByteRange blocks = range.widened();
        if (blocks.end() > Coverage.MAX_FILE_BYTES) {
            return new HoldOutcome.Refused(Refusal.INVAL, "range " + range + " ends beyond " + Coverage.MAX_FILE_BYTES);
        }
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle = obstacleOnStorage(
                file, grants, ProxyHold.Kind.WRITE, blocks, grants.holdersAgainstWrite(file.extents(), blocks, client));
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        try (var _ = space.lock()) {
            var plan = SpacePlan.over(file, blocks, space, placement, SpacePlan.PlanLimits.NONE);
            if (plan.end() < blocks.end()) {
                plan.forfeit(space);
                return noSpace(plan.shortfall());
            }
            return begin(grants, new ProxyHold(ProxyHold.Kind.WRITE, file.inode(), blocks, plan.extents(), plan));
        }
    }

    /// Storage may be set aside for a range, which is done by [#finishAllocate] at once. Layouts are never in the
    /// way: those for writing have no holes, and those for reading show the new storage as the hole it was. Takes
    /// the space lock itself.
    public HoldOutcome beginAllocate(LayoutFile file, ByteRange range) {
        ByteRange blocks = range.widened();
        if (blocks.end() > Coverage.MAX_FILE_BYTES) {
            return new HoldOutcome.Refused(Refusal.INVAL, "range " + range + " ends beyond " + Coverage.MAX_FILE_BYTES);
        }
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle = obstacle(grants, ProxyHold.Kind.ALLOCATE, blocks, Set.of());
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        try (var _ = space.lock()) {
            var plan = SpacePlan.over(file, blocks, space, placement, SpacePlan.PlanLimits.NONE);
            if (plan.end() < blocks.end()) {
                plan.forfeit(space);
                return noSpace(plan.shortfall());
            }
            return begin(grants, new ProxyHold(ProxyHold.Kind.ALLOCATE, file.inode(), blocks, plan.extents(), plan));
        }
    }

    /// The new storage becomes the file's, unwritten: its bytes are zeros. The hold is over.
    public LayoutChanges finishAllocate(LayoutFile file, ProxyHold hold) {
        requireKind(hold, ProxyHold.Kind.ALLOCATE);
        hold.plan().adopt(file.extents(), ExtentState.INVALID_DATA, space);
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, List.of());
    }

    /// Where a client holds as many unwritten runs as it can list in a commit, what it wants to write next can
    /// still be given to it as data, which it need not list: once zeros are written to what is neither data nor
    /// granted to it before ([ProxyHold#extents]), a little beyond what it asks for inside the file. Empty
    /// where there is no need, nothing to fill, no space, or somebody in the way, all of which [#grant] has an
    /// answer for. Takes the space lock itself.
    public Optional<ProxyHold> beginFill(LayoutFile file, long client, Want want) {
        FileGrants grants = grantsOf(file.inode());
        Holding holding = grants.of(client, want.type());
        if (want.iomode() != Iomode.RW
                || want.minLength() == 0
                || Coverage.faultOf(want).isPresent()
                || holding == null
                || holding.isRecalled()
                || unwrittenRuns(file, holding) < want.type().safeCommitRuns()) {
            return Optional.empty();
        }
        ByteRange wanted = fillFor(want, file.size());
        long free = Math.min(grants.firstConflict(wanted, client, Iomode.RW), firstOn(quarantined, file, wanted));
        var range = new ByteRange(wanted.offset(), free);
        if (range.isEmpty() || grants.isBusy(ProxyHold.Kind.FILL, range)) {
            return Optional.empty();
        }
        RangeSet own = holding.unwritten();
        try (var _ = space.lock()) {
            var plan = SpacePlan.over(file, range, space, placement, SpacePlan.PlanLimits.NONE);
            List<Extent> zeros = plan.extents().stream()
                    .filter(extent -> extent.state() == ExtentState.INVALID_DATA)
                    .flatMap(extent -> own.outside(extent.file()).stream().map(extent::cutTo))
                    .toList();
            if (zeros.isEmpty()) {
                plan.forfeit(space);
                return Optional.empty();
            }
            var hold = new ProxyHold(ProxyHold.Kind.FILL, file.inode(), range, zeros, plan);
            begin(grants, hold);
            return Optional.of(hold);
        }
    }

    /// What is asked for, and where the file goes on, the rest of the unit after it.
    private ByteRange fillFor(Want want, long size) {
        long start = ByteRange.alignDown(want.offset());
        long asked = ByteRange.alignUp(want.offset() + Math.clamp(want.length(), 1, limits.fillBytes()));
        long unitEnd = (asked + limits.fillUnitBytes() - 1) / limits.fillUnitBytes() * limits.fillUnitBytes();
        return new ByteRange(start, Math.max(asked, Math.min(unitEnd, ByteRange.alignUp(size))));
    }

    /// The zeros are on their storage: they are data of the file now. The hold is over.
    public LayoutChanges finishFill(LayoutFile file, ProxyHold hold) {
        requireKind(hold, ProxyHold.Kind.FILL);
        hold.plan().adopt(file.extents(), ExtentState.INVALID_DATA, space);
        hold.extents().forEach(zeros -> file.extents().markWritten(zeros.file()));
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, List.of());
    }

    /// A hole may be made of `range`. Blocks that lie in it in part and have data are copied with zeros in the
    /// hole, so that a crash leaves all or nothing of them; all others go. Layouts there are in the way, whoever
    /// holds them. Nothing lies beyond the end of the file, so the range ends there.
    public HoldOutcome beginPunch(LayoutFile file, ByteRange range) {
        ByteRange blocks = range.widened();
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle =
                obstacleOnStorage(file, grants, ProxyHold.Kind.PUNCH, blocks, grants.holdersOf(blocks));
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        var data = new ArrayList<Extent>();
        var divided = new ArrayList<ByteRange>(2);
        for (ByteRange block : edges(range)) {
            List<Extent> there = written(file, block);
            if (!there.isEmpty()) {
                data.addAll(there);
                divided.add(block);
            }
        }
        if (divided.isEmpty()) {
            return begin(
                    grants, new ProxyHold(ProxyHold.Kind.PUNCH, file.inode(), blocks, List.of(), SpacePlan.none()));
        }
        try (var _ = space.lock()) {
            var plan = SpacePlan.copyOf(file, divided, space, placement);
            if (plan.end() < divided.getLast().end()) {
                plan.forfeit(space);
                return noSpace(plan.shortfall());
            }
            return begin(grants, new ProxyHold(ProxyHold.Kind.PUNCH, file.inode(), blocks, data, plan));
        }
    }

    /// The copies are on their storage: what lies in the hole goes. The hold is over.
    public LayoutChanges finishPunch(LayoutFile file, ProxyHold hold) {
        requireKind(hold, ProxyHold.Kind.PUNCH);
        List<Extent> lost = file.extents().punch(hold.range());
        hold.plan().adopt(file.extents(), ExtentState.READ_WRITE_DATA, space);
        var freed = new ArrayList<Freed>();
        if (!lost.isEmpty()) {
            Freed gone = space.release(lost); // nobody holds a layout there
            gone.becameUnheld();
            freed.add(gone);
        }
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, freed);
    }

    /// What lies on the volume `from` may move to others: the first of it at or after `offset`, as far as it
    /// follows without a gap and in one state, and `maxBytes` at most. [ProxyHold#extents] is where it is and
    /// [ProxyHold#copies] where it goes; what nobody has written needs no copying ([#mustCopy]). Layouts of it
    /// are in the way, those for reading too, because they name the old place; and so is other I/O of ours.
    /// Where nothing lies there, layouts are in the way that name the volume for a hole ([#filesWithHolesOn]);
    /// empty where none does. Takes the space lock itself.
    public Optional<HoldOutcome> beginMove(LayoutFile file, DeviceId from, long offset, long maxBytes) {
        List<Extent> moving = firstRun(file, from, offset, maxBytes);
        if (moving.isEmpty()) {
            return obstacleOfHoles(file.inode(), from);
        }
        var range = new ByteRange(
                moving.getFirst().file().offset(), moving.getLast().file().end());
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle =
                obstacleOnStorage(file, grants, ProxyHold.Kind.MOVE, range, grants.holdersOf(range));
        if (obstacle.isPresent()) {
            return obstacle;
        }
        try (var _ = space.lock()) {
            var plan = SpacePlan.copyOf(file, moving.stream().map(Extent::file).toList(), space, placement);
            if (plan.end() < range.end()) {
                plan.forfeit(space);
                return Optional.of(noSpace(plan.shortfall()));
            }
            return Optional.of(begin(grants, new ProxyHold(ProxyHold.Kind.MOVE, file.inode(), range, moving, plan)));
        }
    }

    private Optional<HoldOutcome> obstacleOfHoles(long inode, DeviceId volume) {
        Set<Long> holders = grantsOf(inode).holdersOfHolesOn(volume);
        if (!holders.isEmpty()) {
            return Optional.of(new HoldOutcome.Conflict(holders));
        }
        // Nor does any of the run before, which would be among the holders.
        List.of(volume, ANY_VOLUME)
                .forEach(each -> holesOn.computeIfPresent(each, (_, files) -> without(files, inode)));
        return Optional.empty();
    }

    /// Files of which clients may have layouts that name this volume for a hole, in no order; needs no lock. One
    /// for which [#beginMove] finds nothing is not among them any more. None is added while the volume is not
    /// among those of [#place].
    public Stream<Long> filesWithHolesOn(DeviceId volume) {
        return Stream.of(volume, ANY_VOLUME).flatMap(each -> holesOn.getOrDefault(each, Set.of()).stream());
    }

    /// Whether what moves may hold bytes that somebody wrote: as data, or as what a client of the run before
    /// has yet to commit ([#commitLate]).
    public boolean mustCopy(ProxyHold hold) {
        return hold.extents().getFirst().state() != ExtentState.INVALID_DATA
                || former.getOrDefault(hold.inode(), Map.of()).values().stream()
                        .anyMatch(granted -> granted.overlaps(hold.range()));
    }

    private static List<Extent> firstRun(LayoutFile file, DeviceId from, long offset, long maxBytes) {
        var run = new ArrayList<Extent>();
        file.extents().cover(new ByteRange(offset, Coverage.MAX_FILE_BYTES), SpacePlan.NO_DEVICE, tile -> {
            if (run.isEmpty()) {
                if (tile.device().equals(from)) {
                    run.add(tile.cutTo(ByteRange.ofLength(
                            tile.file().offset(), Math.min(tile.file().length(), maxBytes))));
                }
                return true;
            }
            long limit = run.getFirst().file().offset() + maxBytes;
            boolean goesOn = tile.device().equals(from)
                    && tile.state() == run.getFirst().state()
                    && tile.file().offset() < limit;
            return goesOn
                    && run.getLast().file().end() == tile.file().offset()
                    && run.add(tile.cutTo(new ByteRange(
                            tile.file().offset(), Math.min(tile.file().end(), limit))));
        });
        return run;
    }

    /// The copies are on their storage: the range lies there now, and what it lay on goes. The hold is over.
    public LayoutChanges finishMove(LayoutFile file, ProxyHold hold) {
        requireKind(hold, ProxyHold.Kind.MOVE);
        List<Extent> left = file.extents().punch(hold.range());
        hold.plan().adopt(file.extents(), ExtentState.INVALID_DATA, space);
        // As it is now: a client of the run before may have committed meanwhile what it had written there.
        left.stream()
                .filter(extent -> extent.state() == ExtentState.READ_WRITE_DATA)
                .forEach(extent -> file.extents().markWritten(extent.file()));
        // Nobody holds a layout there, or the move would not have begun.
        Freed freed = space.release(left);
        freed.becameUnheld();
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, List.of(freed));
    }

    private static List<Extent> written(LayoutFile file, ByteRange blocks) {
        return file.extents().extents(blocks).stream()
                .filter(extent -> extent.state() != ExtentState.INVALID_DATA)
                .toList();
    }

    /// The blocks that lie in `range` in part.
    private static Set<ByteRange> edges(ByteRange range) {
        var edges = new LinkedHashSet<ByteRange>(2);
        if (range.offset() % ByteRange.BLOCK_BYTES != 0) {
            edges.add(ByteRange.ofLength(ByteRange.alignDown(range.offset()), ByteRange.BLOCK_BYTES));
        }
        if (range.end() % ByteRange.BLOCK_BYTES != 0) {
            edges.add(ByteRange.ofLength(ByteRange.alignDown(range.end()), ByteRange.BLOCK_BYTES));
        }
        return edges;
    }

    /// The file may be cut down to `newSize`, which is under its size. Where that falls inside a block with
    /// data, the block is copied with zeros behind the new end, so that a crash leaves either all of the old
    /// tail or none of it.
    public HoldOutcome beginShrink(LayoutFile file, long newSize) {
        var blocks = ByteRange.toEnd(ByteRange.alignDown(newSize));
        FileGrants grants = grantsOf(file.inode());
        Optional<HoldOutcome> obstacle =
                obstacleOnStorage(file, grants, ProxyHold.Kind.SHRINK, blocks, grants.holdersOf(blocks));
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        var tail = new ByteRange(blocks.offset(), ByteRange.alignUp(newSize));
        List<Extent> written = written(file, tail);
        if (written.isEmpty()) {
            return begin(grants, new ProxyHold(ProxyHold.Kind.SHRINK, file.inode(), blocks, written, SpacePlan.none()));
        }
        try (var _ = space.lock()) {
            var plan = SpacePlan.copyOf(file, List.of(tail), space, placement);
            if (plan.end() < tail.end()) {
                plan.forfeit(space);
                return noSpace(plan.shortfall());
            }
            return begin(grants, new ProxyHold(ProxyHold.Kind.SHRINK, file.inode(), blocks, written, plan));
        }
    }

    /// The data of a WRITE is on its storage: new blocks become the file's, and all of the range is data. The
    /// hold is over.
    public LayoutChanges finishWrite(LayoutFile file, ProxyHold hold) {
        requireKind(hold, ProxyHold.Kind.WRITE);
        hold.plan().adopt(file.extents(), ExtentState.READ_WRITE_DATA, space);
        file.extents().markWritten(hold.range());
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, List.of());
    }

    /// The copy of the divided block, if there is one, is on its storage: everything beyond `newSize` goes. The
    /// hold is over.
    public LayoutChanges finishShrink(LayoutFile file, ProxyHold hold, long newSize) {
        requireKind(hold, ProxyHold.Kind.SHRINK);
        List<Extent> lost = hold.tailCopy().isPresent()
                ? file.extents().punch(hold.range())
                : file.extents().truncate(newSize);
        hold.plan().adopt(file.extents(), ExtentState.READ_WRITE_DATA, space);
        var freed = new ArrayList<Freed>();
        if (!lost.isEmpty()) {
            // Nobody holds a layout there, or the shrinking would not have begun.
            Freed gone = space.release(lost);
            gone.becameUnheld();
            freed.add(gone);
        }
        List<SpaceChange> spaceChanges = space.drainChanges();
        end(hold);
        return changes(file, spaceChanges, freed);
    }

    /// The I/O is over without a change: a READ that is done, a WRITE or a cut that failed. Does nothing where
    /// the hold has ended already.
    public void end(ProxyHold hold) {
        FileGrants grants = files.get(hold.inode());
        if (grants != null && grants.end(hold)) {
            try (var _ = space.lock()) {
                hold.plan().forfeit(space);
            }
            forgetIfIdle(hold.inode(), grants);
        }
    }

    /// A WRITE or a copy has failed, and yet its bytes may still reach storage: the hold stays until [#end], and
    /// whoever meets it hears of a conflict now, because nobody knows how long that takes. Does nothing where the
    /// hold has ended already.
    public void linger(ProxyHold hold) {
        FileGrants grants = files.get(hold.inode());
        if (grants != null) {
            grants.linger(hold);
        }
    }

    /// How much is granted now, for metrics.
    public Held held() {
        int layouts = 0;
        for (Set<Long> held : filesByClient.values()) {
            layouts += held.size();
        }
        return new Held(files.size(), layouts);
    }

    /// Counts of what is granted.
    ///
    /// @param files with at least one layout or I/O of ours
    /// @param layouts pairs of client and file
    public record Held(int files, int layouts) {}

    private GrantOutcome grantReading(
            LayoutFile file, Holding holding, Want want, ByteRange least, ByteRange possible, int maxExtents) {
        long ownFrom = holding.unwritten().firstIn(possible);
        return ownFrom < least.end()
                ? grantAgain(file, holding, want, possible, maxExtents)
                : grantCommitted(file, holding, least, new ByteRange(possible.offset(), ownFrom), maxExtents);
    }

    /// What the client may write anyway, as it has it: only so does it find what it has written there and not
    /// committed. Linux (6.1) looks for a hole first and for its own writes then.
    private GrantOutcome grantAgain(LayoutFile file, Holding holding, Want want, ByteRange possible, int maxExtents) {
        // A reply for writing covers at least what a request for writing does.
        var asWriter =
                new Want(want.type(), Iomode.RW, want.offset(), want.length(), want.minLength(), want.maxCount());
        Optional<ByteRange> least =
                Coverage.of(asWriter, file.size(), 0, limits.firstAheadBytes()).map(Coverage::least);
        ByteRange own = holding.writing().intersect(possible).getFirst();
        if (least.isEmpty() || !own.covers(least.get())) {
            return new GrantOutcome.Refused(
                    Refusal.BADLAYOUT, own + " may hold what the client has not committed: commit first");
        }
        var extents = new ArrayList<Extent>();
        file.extents()
                .cover(
                        own,
                        SpacePlan.NO_DEVICE,
                        extent -> extents.size() < maxExtents
                                && !isForAnotherLayout(extents, extent, least.get())
                                && extents.add(extent));
        return granted(file, holding, Iomode.RW, least.get(), extents, List.of());
    }

    private GrantOutcome grantCommitted(
            LayoutFile file, Holding holding, ByteRange least, ByteRange possible, int maxExtents) {
        Optional<DeviceId> holeDevice = anyDevice(file, possible.offset());
        if (holeDevice.isEmpty()) {
            return new GrantOutcome.Refused(Refusal.LAYOUTTRYLATER, "no volume is online");
        }
        var tiles = new ArrayList<Extent>();
        file.extents().cover(possible, holeDevice.get(), extent -> {
            Extent shown = switch (extent.state()) {
                case READ_WRITE_DATA, READ_DATA -> extent.withState(ExtentState.READ_DATA);
                case INVALID_DATA, NONE_DATA -> Extent.hole(holeDevice.get(), extent.file());
            };
            if (!tiles.isEmpty() && tiles.getLast().joins(shown)) {
                tiles.set(tiles.size() - 1, tiles.getLast().joinedWith(shown));
                return true;
            }
            return tiles.size() < maxExtents && !isForAnotherLayout(tiles, shown, least) && tiles.add(shown);
        });
        GrantOutcome outcome = granted(file, holding, Iomode.READ, least, tiles, List.of());
        if (outcome instanceof GrantOutcome.Granted
                && tiles.stream().anyMatch(tile -> tile.state() == ExtentState.NONE_DATA)) {
            holding.showsHoleOn(holeDevice.get());
            noteHoleOn(holeDevice.get(), file.inode());
        }
        return outcome;
    }

    /// Whether a layout ends before `next`, which is on another volume than what it has. Linux (6.1) maps a run
    /// of pages to a disk once, by the address on the volume alone: where the run crosses into an extent of
    /// another volume it goes on at the right address of the wrong disk. A run never crosses from one layout
    /// into the next.
    private static boolean isForAnotherLayout(List<Extent> extents, Extent next, ByteRange least) {
        return next.state() != ExtentState.NONE_DATA
                && next.file().offset() >= least.end()
                && extents.stream()
                        .anyMatch(extent -> extent.state() != ExtentState.NONE_DATA
                                && !extent.device().equals(next.device()));
    }

    private GrantOutcome grantWriting(
            LayoutFile file, Holding holding, Want want, ByteRange least, ByteRange possible, int maxExtents) {
        if (want.minLength() == 0) {
            // RFC 8154 §2.4.1: only what can be had without allocating, and without a commit to follow.
            var ready = new ArrayList<Extent>();
            file.extents()
                    .cover(
                            possible,
                            SpacePlan.NO_DEVICE,
                            extent -> extent.state() == ExtentState.READ_WRITE_DATA
                                    && ready.size() < maxExtents
                                    && !isForAnotherLayout(ready, extent, least)
                                    && ready.add(extent));
            return ready.isEmpty()
                    ? new GrantOutcome.Refused(Refusal.LAYOUTTRYLATER, "nothing written at " + want.offset())
                    : granted(file, holding, Iomode.RW, least, ready, List.of());
        }
        int runsLeft = want.type().safeCommitRuns() - unwrittenRuns(file, holding);
        var plan = SpacePlan.over(
                file, possible, space, placement, new SpacePlan.PlanLimits(maxExtents, runsLeft, least.end(), share()));
        if (plan.end() < least.end()) {
            plan.forfeit(space);
            return switch (plan.shortfall()) {
                case NO_SPACE -> new GrantOutcome.Refused(Refusal.NOSPC, "no space for " + least);
                case NO_VOLUME -> new GrantOutcome.Refused(Refusal.LAYOUTTRYLATER, "no volume is online");
                case TOO_MANY_RUNS ->
                    new GrantOutcome.Refused(
                            Refusal.BADLAYOUT,
                            "unwritten runs over " + want.type().safeCommitRuns() + ": commit first");
                case TOO_MANY_EXTENTS -> tooSmall(least, maxExtents);
                case NONE, ANOTHER_VOLUME, ENOUGH ->
                    throw new IllegalStateException("plan of " + possible + " ends at " + plan.end());
            };
        }
        plan.adopt(file.extents(), ExtentState.INVALID_DATA, space);
        for (Extent extent : plan.extents()) {
            if (extent.state() == ExtentState.INVALID_DATA) {
                holding.unwritten().add(extent.file());
            }
        }
        return granted(file, holding, Iomode.RW, least, plan.extents(), space.drainChanges());
    }

    private static GrantOutcome granted(
            LayoutFile file,
            Holding holding,
            Iomode iomode,
            ByteRange least,
            List<Extent> extents,
            List<SpaceChange> spaceChanges) {
        var range = new ByteRange(
                extents.getFirst().file().offset(), extents.getLast().file().end());
        if (!range.covers(least)) {
            return tooSmall(least, extents.size());
        }
        return new GrantOutcome.Granted(
                holding.advance(), iomode, range, List.copyOf(extents), changes(file, spaceChanges, List.of()));
    }

    /// Separate runs of storage that the client may still have to list in a commit.
    private static int unwrittenRuns(LayoutFile file, Holding holding) {
        int runs = 0;
        for (ByteRange range : holding.unwritten().ranges()) {
            for (Extent extent : file.extents().extents(range)) {
                runs += extent.state() == ExtentState.INVALID_DATA ? 1 : 0;
            }
        }
        return runs;
    }

    private long affordable(long ahead) {
        return ahead == 0 ? 0 : Math.min(ahead, share());
    }

    /// How much new storage a writer gets beyond what it cannot do without, in whole blocks: one that asks for
    /// everything must not keep everybody else from writing.
    private long share() {
        return ByteRange.alignDown(space.totals().allocatableBytes() / WISH_SHARE);
    }

    private void noteHoleOn(DeviceId volume, long inode) {
        holesOn.compute(volume, (_, files) -> with(files, inode));
    }

    /// A device for holes to name: of the volume that this part of the file would go to, else of any that it is
    /// on.
    private Optional<DeviceId> anyDevice(LayoutFile file, long offset) {
        return placement.candidates(file.inode(), offset).stream()
                .map(Volume::id)
                .findFirst()
                .or(() -> file.extents().anyDevice());
    }

    /// Somebody has or does something there from now on: it is too late to commit what was written before a
    /// restart.
    private void overtake(long inode, ByteRange range) {
        former.getOrDefault(inode, Map.of()).values().forEach(granted -> granted.remove(range));
    }

    private boolean isOverLimits(@Nullable Holding holding, long client) {
        return holding == null
                ? filesByClient.getOrDefault(client, Set.of()).size() >= limits.maxFilesPerClient()
                : holding.ranges() >= limits.maxRangesPerLayout();
    }

    private Holding newHolding(long client, LayoutType type) {
        return new Holding(client, type, LayoutStateid.first(boot, stateids.incrementAndGet()));
    }

    private @Nullable Holding holding(long inode, long client, LayoutType type) {
        return grantsOf(inode).of(client, type);
    }

    /// What is granted on the file; where nothing is, a start for it that is not kept yet.
    private FileGrants grantsOf(long inode) {
        FileGrants grants = files.get(inode);
        return grants == null ? new FileGrants() : grants;
    }

    private static Optional<Refusal> faultOf(LayoutStateid used, @Nullable Holding holding, Requester who) {
        return holding == null ? Optional.of(Refusal.BAD_STATEID) : holding.faultOf(used, who);
    }

    private LayoutChanges dropFrom(LayoutFile file, List<Holding> holdings, Iomode iomode, List<ByteRange> ranges) {
        FileGrants grants = grantsOf(file.inode());
        var freedByDrop = new ArrayList<Extent>();
        for (Holding holding : holdings) {
            var dropped = new ArrayList<ByteRange>();
            ranges.forEach(range -> dropped.addAll(holding.drop(iomode, range)));
            if (holding.isEmpty()) {
                grants.holdings().remove(holding);
            }
            for (ByteRange part : dropped) {
                freedByDrop.addAll(punchUnwrittenBeyondEnd(file, grants, part));
            }
            if (grants.holdings().stream().noneMatch(other -> other.client() == holding.client())) {
                filesByClient.computeIfPresent(holding.client(), (_, held) -> without(held, file.inode()));
            }
        }
        forgetIfIdle(file.inode(), grants);
        return freedByDrop.isEmpty() ? changes(file, List.of(), List.of()) : freed(file, freedByDrop);
    }

    private LayoutChanges freed(LayoutFile file, List<Extent> nobodys) {
        Freed freed = space.release(nobodys);
        freed.becameUnheld();
        return changes(file, space.drainChanges(), List.of(freed));
    }

    /// What was allocated ahead of a writer that stopped short of it. Unwritten storage inside the file stays:
    /// it was asked for.
    private static List<Extent> punchUnwrittenBeyondEnd(LayoutFile file, FileGrants grants, ByteRange dropped) {
        ByteRange beyond = dropped.intersect(ByteRange.toEnd(ByteRange.alignUp(file.size())));
        var punched = new ArrayList<Extent>();
        for (Extent extent : file.extents().extents(beyond)) {
            if (extent.state() == ExtentState.INVALID_DATA && !grants.mayBeWritten(extent.file())) {
                punched.addAll(file.extents().punch(extent.file()));
            }
        }
        return punched;
    }

    /// As [#obstacle], for what must not meet those of an earlier run either.
    private Optional<HoldOutcome> obstacleOnStorage(
            LayoutFile file, FileGrants grants, ProxyHold.Kind kind, ByteRange blocks, Set<Long> holders) {
        return firstOn(quarantined, file, blocks) < blocks.end()
                ? Optional.of(new HoldOutcome.Conflict(holders))
                : obstacle(grants, kind, blocks, holders);
    }

    private static Optional<HoldOutcome> obstacle(
            FileGrants grants, ProxyHold.Kind kind, ByteRange blocks, Set<Long> holders) {
        if (!holders.isEmpty() || grants.isLingering(kind, blocks)) {
            return Optional.of(new HoldOutcome.Conflict(holders));
        }
        return grants.isBusy(kind, blocks) ? Optional.of(new HoldOutcome.Busy()) : Optional.empty();
    }

    /// Where `range` first has storage on one of these volumes; its end where it has none there.
    private static long firstOn(Set<DeviceId> volumes, LayoutFile file, ByteRange range) {
        if (volumes.isEmpty()) {
            return range.end();
        }
        return file.extents().extents(range).stream()
                .filter(extent -> volumes.contains(extent.device()))
                .mapToLong(extent -> extent.file().offset())
                .findFirst()
                .orElse(range.end());
    }

    private HoldOutcome begin(FileGrants grants, ProxyHold hold) {
        if (hold.kind() != ProxyHold.Kind.READ && hold.kind() != ProxyHold.Kind.MOVE) {
            overtake(hold.inode(), hold.range());
        }
        grants.begin(hold);
        files.put(hold.inode(), grants);
        return new HoldOutcome.Held(hold);
    }

    private static HoldOutcome noSpace(SpacePlan.Shortfall shortfall) {
        return shortfall == SpacePlan.Shortfall.NO_VOLUME
                ? new HoldOutcome.Refused(Refusal.LAYOUTTRYLATER, "no volume is online")
                : new HoldOutcome.Refused(Refusal.NOSPC, "all volumes are full");
    }

    private static void requireKind(ProxyHold hold, ProxyHold.Kind kind) {
        if (hold.kind() != kind) {
            throw new IllegalArgumentException("hold of " + hold.kind() + " finished as " + kind);
        }
    }

    private void forgetIfIdle(long inode, FileGrants grants) {
        if (grants.isIdle()) {
            grants.buryRemains();
            files.remove(inode);
            holesOn.values().forEach(those -> those.remove(inode));
        }
    }

    private static LayoutChanges changes(LayoutFile file, List<SpaceChange> spaceChanges, List<Freed> freed) {
        return new LayoutChanges(
                file.extents().drainChanges(),
                spaceChanges,
                freed,
                file.extents().allocatedBytes());
    }

    private static CommitOutcome.Refused refusedCommit(String detail) {
        return new CommitOutcome.Refused(Refusal.INVAL, detail);
    }

    private static GrantOutcome.Refused tooSmall(ByteRange least, int extents) {
        return new GrantOutcome.Refused(Refusal.TOOSMALL, least + " takes more than " + extents + " extents");
    }

    /// A range as it comes from a client; null where it overflows. It may be empty.
    private static @Nullable ByteRange rangeOf(long offset, long length) {
        if (offset < 0 || (length != Want.TO_END && (length < 0 || length > Long.MAX_VALUE - offset))) {
            return null;
        }
        return length == Want.TO_END ? ByteRange.toEnd(offset) : ByteRange.ofLength(offset, length);
    }

    private static Set<Long> with(@Nullable Set<Long> held, long inode) {
        Set<Long> grown = held == null ? ConcurrentHashMap.newKeySet() : held;
        grown.add(inode);
        return grown;
    }

    private static @Nullable Set<Long> without(Set<Long> held, long inode) {
        held.remove(inode);
        return held.isEmpty() ? null : held;
    }
}
