package pnfs.mds.layout;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.HoldOutcome;
import pnfs.layout.grant.LayoutChanges;
import pnfs.layout.grant.LayoutFile;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.ProxyHold;
import pnfs.layout.grant.Refusal;
import pnfs.layout.grant.Want;
import pnfs.layout.space.Freed;
import pnfs.layout.space.Space;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.RecalledException;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// What the files of this server are made of: their extent maps, loaded from the store when they are wanted and
/// kept at hand, and the volumes they lie on. Every change of extents and free space goes through here, into the
/// batch that also has the change of the inode, so that one decision is durable whole or not at all.
///
/// What concerns one file is called under that file's lock. The space lock is taken here, after it, and kept until
/// the batch is appended: the stored free ranges depend on the order of changes.
public final class FileLayouts implements FileSpace {
    /// Of holes, which nobody looks at here.
    private static final DeviceId NO_DEVICE = new DeviceId(0, 0, 0);

    private static final Logger log = LoggerFactory.getLogger(FileLayouts.class);

    private final MetadataStore store;
    private final LayoutManager manager;
    private final Space space;
    private final long placementBytes;
    private final Cache<Long, Loaded> cache;
    /// Of files that are being cut inside a block: the hold under which the block was copied. At most one a file.
    private final Map<Long, PreparedCut> cuts = new ConcurrentHashMap<>();

    private Obstacles obstacles = (file, holders, claimant) -> {};
    private Runnable onVolumes = () -> {};
    private volatile Map<DeviceId, Volume> volumes = Map.of();
    private volatile List<Volume> served = List.of();
    private volatile Set<DeviceId> draining = Set.of();
    private volatile Set<DeviceId> quarantined = Set.of();

    /// A file's map. Guarded by the file's lock; thrown away and loaded again as the cache likes, which does no
    /// harm: whatever changes it is appended to the store before the lock is given back.
    private static final class Loaded {
        private final ExtentMap extents;
        private long ticket;

        Loaded(ExtentRecords.Loaded stored) {
            this.extents = stored.extents();
            this.ticket = stored.ticket();
        }
    }

    private record PreparedCut(ProxyHold hold, long newSize) {}

    /// Who sees to it that layouts get out of the way.
    @FunctionalInterface
    public interface Obstacles {
        /// What `claimant` wanted was done: there is nothing in its way any more. Called under the file's lock.
        default void passed(long inode, long claimant) {}

        /// Called under the file's lock.
        ///
        /// @param holders clients with layouts in the way
        /// @param claimant the client that met them; [#NOBODY] for a change that is no client's own
        void met(Inode file, Set<Long> holders, long claimant);

        long NOBODY = 0;
    }

    /// @param placementBytes after so many bytes a file goes on on the next volume
    /// @param cachedFiles how many files' maps stay at hand
    public FileLayouts(MetadataStore store, LayoutManager manager, Space space, long placementBytes, int cachedFiles) {
        this.store = store;
        this.manager = manager;
        this.space = space;
        this.placementBytes = placementBytes;
        // The cache's upkeep runs in the thread that caused it: the middle has no threads of its own.
        this.cache = Caffeine.newBuilder()
                .maximumSize(cachedFiles)
                .executor(Runnable::run)
                .build();
    }

    /// Before the first client comes.
    void tellObstacles(Obstacles to) {
        obstacles = to;
    }

    /// There are these volumes, and new space comes from those of them that are online and not draining. A
    /// volume that the store does not know is formatted; the first block of each of its disks stays out of use,
    /// for the signature by which block-layout clients find the disk. Calls come one after the other.
    public void volumesChanged(List<Volume> all, List<Volume> online, Set<DeviceId> leaving) {
        var known = new HashMap<DeviceId, Volume>();
        try (var _ = space.lock()) {
            for (Volume volume : all) {
                known.put(volume.id(), volume);
                if (!space.knows(volume.id())) {
                    add(volume);
                }
            }
        }
        volumes = Map.copyOf(known);
        try (var _ = space.lock()) {
            served = List.copyOf(online);
            draining = Collections.unmodifiableSortedSet(new TreeSet<>(leaving));
            place();
        }
        onVolumes.run();
    }

    /// Runs `then` whenever volumes came or went. Before the first client comes.
    void whenVolumesChange(Runnable then) {
        onVolumes = then;
    }

    /// Clients of an earlier run may still write to these volumes: see [LayoutManager#quarantine].
    void quarantine(Set<DeviceId> which) {
        try (var _ = space.lock()) {
            quarantined = Set.copyOf(which);
            manager.quarantine(which);
            place();
        }
    }

    /// Under the space lock, so that the last word is the newest.
    private void place() {
        manager.place(new Placement(
                placementBytes,
                served.stream()
                        .filter(volume -> !quarantined.contains(volume.id()) && !draining.contains(volume.id()))
                        .toList()));
    }

    /// The volumes of [#quarantine].
    public Set<DeviceId> quarantined() {
        return quarantined;
    }

    /// The volumes that are being emptied.
    public Set<DeviceId> draining() {
        return draining;
    }

    /// Whether all data servers under the volume are there.
    public boolean isServed(Volume volume) {
        return served.contains(volume);
    }

    private void add(Volume volume) {
        Optional<List<ByteRange>> free = ExtentRecords.readFree(store, volume);
        if (free.isPresent()) {
            try {
                space.restore(volume, free.get());
            } catch (IllegalArgumentException | IllegalStateException e) {
                throw new CorruptStoreException("free space of volume " + volume.id() + ": " + e.getMessage(), e);
            }
            return;
        }
        List<ByteRange> signatures = volume.topology().diskStarts().stream()
                .map(start -> ByteRange.ofLength(start, ByteRange.BLOCK_BYTES))
                .toList();
        space.format(volume, signatures);
        var batch = new Batch();
        ExtentRecords.addFormatted(batch, volume);
        ExtentRecords.addSpace(batch, space.drainChanges());
        // Batches become durable in order: what is given out of this volume is durable after it.
        store.append(batch);
        log.info("volume formatted device={} bytes={}", volume.id(), volume.capacity());
    }

    /// The ids of all volumes, in order.
    List<DeviceId> devices() {
        return volumes.keySet().stream().sorted().toList();
    }

    public Optional<Volume> volume(DeviceId id) {
        return Optional.ofNullable(volumes.get(id));
    }

    /// Bytes of one volume that belong to no file.
    public Optional<Long> freeBytes(DeviceId id) {
        try (var _ = space.lock()) {
            return space.knows(id) ? Optional.of(space.allocator(id).freeBytes()) : Optional.empty();
        }
    }

    /// Why a volume that is draining cannot be forgotten; empty where neither a file nor anything that is under
    /// way has storage there, and no layout names it. As nothing new comes from it, that stays so.
    public Optional<String> obstacle(Volume volume) {
        try (var _ = space.lock()) {
            long free = space.allocator(volume.id()).freeBytes();
            if (free < formattedBytes(volume)) {
                return Optional.of("has " + (formattedBytes(volume) - free)
                        + " bytes of files: wait until 'pnfs status' shows it as drained");
            }
        }
        long unsettled = unsettledBytes(volume.id()).orElse(0L);
        if (unsettled > 0) {
            return Optional.of("has " + unsettled + " bytes with which something is under way: wait until 'pnfs status'"
                    + " shows it as drained");
        }
        return isNamedByLayouts(volume.id())
                ? Optional.of("is named by layouts that clients have: wait until 'pnfs status' shows it as drained")
                : Optional.empty();
    }

    /// Whether a layout may name the volume that nothing of its file lies on.
    private boolean isNamedByLayouts(DeviceId volume) {
        return filesWithHolesOn(volume).findAny().isPresent();
    }

    /// Whether neither a file nor a layout nor anything that is under way has to do with the volume, which is
    /// draining: it needs its data servers no more.
    public boolean isDrained(DeviceId volume) {
        return unsettledBytes(volume).orElse(0L) == 0 && !isNamedByLayouts(volume);
    }

    /// Bytes of one volume that cannot be given out: a file's, what a WRITE under way or a late one may still make
    /// a file's, and what was freed and waits for a fence.
    public Optional<Long> unsettledBytes(DeviceId id) {
        return volume(id).flatMap(volume -> {
            try (var _ = space.lock()) {
                return space.knows(id)
                        ? Optional.of(
                                formattedBytes(volume) - space.allocator(id).allocatableBytes())
                        : Optional.empty();
            }
        });
    }

    /// Forgets a volume for which there is no [#obstacle], in the step that `batch` is; [#volumesChanged] follows.
    public void leave(Volume volume, Batch batch) {
        try (var _ = space.lock()) {
            ExtentRecords.addForgotten(batch, store, volume);
            space.forget(volume.id());
        }
    }

    /// Bytes of one volume that belong to files.
    public Optional<Long> usedBytes(DeviceId id) {
        return volume(id).flatMap(volume -> freeBytes(id).map(free -> formattedBytes(volume) - free));
    }

    /// Of which each byte is free or a file's.
    private static long formattedBytes(Volume volume) {
        return ByteRange.alignDown(volume.capacity())
                - (long) volume.topology().diskStarts().size() * ByteRange.BLOCK_BYTES;
    }

    /// What the file is made of now, in order, holes left out. Takes a snapshot of the store's, without a lock.
    public List<Extent> extentsOf(long inode) {
        return ExtentRecords.readExtents(store, inode).extents().extents(ByteRange.all());
    }

    @Override
    public Capacity capacity() {
        Space.Totals totals = space.totals();
        return new Capacity(totals.capacityBytes(), totals.freeBytes());
    }

    /// The file as layouts see it. Under its lock.
    LayoutFile view(Inode file) {
        return new LayoutFile(file.id(), file.size(), loaded(file.id()).extents);
    }

    /// A file of which a record is damaged, for layouts of it that are given back: there is nothing in it, so
    /// nothing of it is freed.
    static LayoutFile viewOfDamaged(long inode) {
        return new LayoutFile(inode, 0, new ExtentMap());
    }

    /// The youngest ticket that the file's extents depend on. Under its lock.
    public long ticketOf(Inode file) {
        return loaded(file.id()).ticket;
    }

    /// Whether this thread has the space lock, after which it may take no other.
    boolean isSpaceLocked() {
        return space.isLockedByMe();
    }

    /// The space lock, for a decision that may take or give back space and for its [#append].
    Space.Held lockSpace() {
        return space.lock();
    }

    /// Appends a decision together with what else `change` has; under the file's lock, and the space lock where
    /// the decision changed space.
    ///
    /// @return the ticket; 0 where there was nothing to append
    long append(FileChange change, long inode, LayoutChanges decided) {
        addTo(change.batch(), inode, decided);
        long ticket = change.append();
        appended(inode, decided, ticket);
        return ticket;
    }

    private static void addTo(Batch batch, long inode, LayoutChanges decided) {
        ExtentRecords.addExtents(batch, inode, decided.extents());
        ExtentRecords.addSpace(batch, decided.space());
    }

    private void appended(long inode, LayoutChanges decided, long ticket) {
        Loaded loaded = cache.getIfPresent(inode); // what is loaded after this knows the ticket from the store
        if (loaded != null && !decided.extents().isEmpty()) {
            loaded.ticket = ticket;
        }
        for (Freed freed : decided.freed()) {
            store.whenDurable(ticket, freed::becameDurable);
        }
    }

    /// READ through this server may begin. Under the file's lock, as is all that follows.
    public HoldOutcome beginRead(Inode file, long client, ByteRange range) {
        return told(file, client, manager.beginRead(view(file), client, range));
    }

    /// WRITE through this server may begin.
    public HoldOutcome beginWrite(Inode file, long client, ByteRange range) {
        return told(file, client, manager.beginWrite(view(file), client, range));
    }

    /// The data of a WRITE is on its storage. Appends its extents with `file` as it is after the write.
    ///
    /// @param written makes the inode of the storage it uses now
    /// @return the ticket
    public long finishWrite(FileChange change, Inode file, ProxyHold hold, Written written) {
        return finish(change, file, written, view -> manager.finishWrite(view, hold));
    }

    private long finish(FileChange change, Inode file, Written written, Function<LayoutFile, LayoutChanges> decide) {
        try (var _ = space.lock()) {
            LayoutChanges decided = decide.apply(view(file));
            change.put(written.inode(decided.allocatedBytes()));
            return append(change, file.id(), decided);
        }
    }

    /// Storage may be set aside under `range`, which [#finishAllocate] does, as [#finishWrite] finishes a write.
    public HoldOutcome beginAllocate(Inode file, ByteRange range) {
        return manager.beginAllocate(view(file), range);
    }

    public long finishAllocate(FileChange change, Inode file, ProxyHold hold, Written written) {
        return finish(change, file, written, view -> manager.finishAllocate(view, hold));
    }

    /// What `want` is about can be given to its client once zeros are written, as [#finishFill] then notes; see
    /// [LayoutManager#beginFill].
    public Optional<ProxyHold> beginFill(Inode file, long client, Want want) {
        return manager.beginFill(view(file), client, want);
    }

    public long finishFill(FileChange change, Inode file, ProxyHold hold) {
        return finish(
                change, file, spaceUsed -> withSpaceUsed(file, spaceUsed), view -> manager.finishFill(view, hold));
    }

    /// A hole may be made of `range`, which ends where the file does; see [LayoutManager#beginPunch].
    public HoldOutcome beginPunch(Inode file, long client, ByteRange range) {
        return told(file, client, manager.beginPunch(view(file), range));
    }

    public long finishPunch(FileChange change, Inode file, ProxyHold hold, Written written) {
        return finish(change, file, written, view -> manager.finishPunch(view, hold));
    }

    /// What the file has on the volume `from`, at or after `offset`, may begin to move; where it has nothing
    /// there, layouts that name the volume are asked for all the same. See [LayoutManager#beginMove].
    public Optional<HoldOutcome> beginMove(Inode file, DeviceId from, long offset, long maxBytes) {
        Optional<HoldOutcome> outcome = manager.beginMove(view(file), from, offset, maxBytes);
        outcome.ifPresentOrElse(
                each -> told(file, Obstacles.NOBODY, each), () -> obstacles.passed(file.id(), Obstacles.NOBODY));
        return outcome;
    }

    /// Files that [#beginMove] is to be called for, though nothing of them may lie on the volume.
    public Stream<Long> filesWithHolesOn(DeviceId volume) {
        return manager.filesWithHolesOn(volume);
    }

    /// Whether bytes have to be copied for a move; under the file's lock, at its begin.
    public boolean mustCopy(ProxyHold hold) {
        return manager.mustCopy(hold);
    }

    /// What moved is where it was copied to. Nothing of the inode changes with that.
    public void finishMove(FileChange change, Inode file, ProxyHold hold) {
        try (var _ = space.lock()) {
            append(change, file.id(), manager.finishMove(view(file), hold));
        }
    }

    /// Where the next data, or the next hole, begins at or after `offset`; the file's size where none does before
    /// it. What is not written yet is a hole, and so is everything from the end of the file on.
    public long seek(Inode file, long offset, boolean toData) {
        var found = new long[] {file.size()};
        var rest = new ByteRange(ByteRange.alignDown(offset), ByteRange.alignUp(file.size()));
        view(file).extents().cover(rest, NO_DEVICE, extent -> {
            if ((extent.state() == ExtentState.READ_WRITE_DATA) != toData) {
                return true;
            }
            found[0] = Math.min(found[0], Math.max(offset, extent.file().offset()));
            return false;
        });
        return found[0];
    }

    /// Makes the inode after its storage changed.
    @FunctionalInterface
    public interface Written {
        Inode inode(long spaceUsed);
    }

    /// I/O is over without a change. Under the file's lock.
    ///
    /// @return whether nobody holds anything of the file any more, so that `Orphans.reap` may have to be called
    public boolean end(ProxyHold hold) {
        cuts.computeIfPresent(hold.inode(), (_, cut) -> cut.hold() == hold ? null : cut);
        manager.end(hold);
        return !manager.isHeld(hold.inode());
    }

    /// The hold stays though nobody waits for its end: see [LayoutManager#linger].
    public void linger(ProxyHold hold) {
        manager.linger(hold);
    }

    public boolean isHeld(long inode) {
        return manager.isHeld(inode);
    }

    /// A cut inside a block that has data may begin; the block must be copied to [ProxyHold#tailCopy], with
    /// zeros from the new end on. Empty where the cut needs no copy: [#resize] does all of it then. Under the
    /// file's lock.
    public Optional<HoldOutcome> beginCut(Inode file, long newSize) {
        if (newSize % ByteRange.BLOCK_BYTES == 0 || !cuts(file, newSize)) {
            return Optional.empty();
        }
        HoldOutcome outcome = told(file, Obstacles.NOBODY, manager.beginShrink(view(file), newSize));
        if (outcome instanceof HoldOutcome.Held(var hold) && hold.tailCopy().isEmpty()) {
            manager.end(hold);
            return Optional.empty();
        }
        return Optional.of(outcome);
    }

    /// Whether something of the file may have to go. Behind its end, in the last block, may lie what a client
    /// wrote through a layout and never committed: whoever sets a size wants nothing behind that, also where
    /// the file does not become shorter.
    private boolean cuts(Inode file, long newSize) {
        return newSize < file.size()
                || view(file).extents().extents(ByteRange.toEnd(ByteRange.alignDown(newSize))).stream()
                        .anyMatch(extent -> extent.state() == ExtentState.READ_WRITE_DATA);
    }

    /// The block is copied: the next [#resize] of the file to this size uses it. Under the file's lock.
    public void copied(ProxyHold hold, long newSize) {
        cuts.put(hold.inode(), new PreparedCut(hold, newSize));
    }

    @Override
    public long resize(FileChange change, Inode file, long newSize) {
        if (newSize > ByteRange.alignDown(Long.MAX_VALUE)) {
            throw new NfsException(NfsStatus.FBIG, "size " + newSize);
        }
        LayoutFile view = view(file);
        if (!cuts(file, newSize)) {
            return view.extents().allocatedBytes();
        }
        PreparedCut cut = cuts.get(file.id());
        if (cut != null && cut.newSize() == newSize) {
            decideAtLast(change, file, () -> {
                cuts.remove(file.id());
                return manager.finishShrink(view, cut.hold(), newSize);
            });
        } else {
            // Begun to see whether it may, and again when it happens: a change that is given up leaves nothing behind.
            manager.end(requireCut(file, view, newSize));
            decideAtLast(change, file, () -> manager.finishShrink(view, requireCut(file, view, newSize), newSize));
        }
        long lost = 0;
        for (Extent extent : view.extents().extents(ByteRange.toEnd(ByteRange.alignUp(newSize)))) {
            lost += extent.file().length();
        }
        return view.extents().allocatedBytes() - lost;
    }

    private HoldOutcome told(Inode file, long claimant, HoldOutcome outcome) {
        if (outcome instanceof HoldOutcome.Conflict(var holders)) {
            obstacles.met(file, holders, claimant);
        } else if (outcome instanceof HoldOutcome.Held) {
            obstacles.passed(file.id(), claimant);
        }
        return outcome;
    }

    private ProxyHold requireCut(Inode file, LayoutFile view, long newSize) {
        return switch (told(file, Obstacles.NOBODY, manager.beginShrink(view, newSize))) {
            case HoldOutcome.Held(var hold) -> {
                if (hold.tailCopy().isPresent()) {
                    manager.end(hold);
                    throw new NfsException(
                            NfsStatus.DELAY, "inode " + view.inode() + " needs a copy of its last block");
                }
                yield hold;
            }
            case HoldOutcome.Conflict(var holders) ->
                throw new RecalledException("inode " + view.inode() + " is under layouts of clients " + holders);
            case HoldOutcome.Busy() ->
                throw new RecalledException("inode " + view.inode() + " is being read or written");
            case HoldOutcome.Refused refused -> throw refused(refused);
        };
    }

    @Override
    public boolean release(FileChange change, Inode file) {
        if (manager.isHeld(file.id())) {
            return false;
        }
        LayoutFile view = view(file);
        decideAtLast(change, file, () -> manager.remove(view));
        return true;
    }

    /// Has a decision about space made when `change` is appended, so that the space lock is held for no longer.
    private void decideAtLast(FileChange change, Inode file, Supplier<LayoutChanges> decision) {
        change.atLast((batch, append) -> {
            try (var _ = space.lock()) {
                LayoutChanges decided = decision.get();
                addTo(batch, file.id(), decided);
                long ticket = append.applyAsLong(batch);
                appended(file.id(), decided, ticket);
                return ticket;
            }
        });
    }

    /// The inode with other storage behind it and nothing else changed.
    static Inode withSpaceUsed(Inode file, long spaceUsed) {
        Content.Regular now = file.regular();
        var content = new Content.Regular(now.size(), spaceUsed, now.verifier());
        return new Inode(file.file(), file.rights(), file.links(), file.change(), file.times(), content);
    }

    /// A refusal of the layout rules as a client is told it.
    public static NfsException refused(Refusal refusal, String detail) {
        NfsStatus status = switch (refusal) {
            case BADIOMODE -> NfsStatus.BADIOMODE;
            case INVAL -> NfsStatus.INVAL;
            case BAD_STATEID -> NfsStatus.BAD_STATEID;
            case OLD_STATEID -> NfsStatus.OLD_STATEID;
            case TOOSMALL -> NfsStatus.TOOSMALL;
            case BADLAYOUT -> NfsStatus.BADLAYOUT;
            case RECLAIM_BAD -> NfsStatus.RECLAIM_BAD;
            case RECALLCONFLICT -> NfsStatus.RECALLCONFLICT;
            case RETURNCONFLICT -> NfsStatus.RETURNCONFLICT;
            case LAYOUTTRYLATER -> NfsStatus.LAYOUTTRYLATER;
            case NOSPC -> NfsStatus.NOSPC;
        };
        return new NfsException(status, detail);
    }

    /// What the layout rules refuse to other operations, as a client is told it: in the answer to a WRITE,
    /// LAYOUTTRYLATER has no meaning (RFC 8881 §15.2), and Linux gives up.
    public static NfsException refused(HoldOutcome.Refused refused) {
        return refused.refusal() == Refusal.LAYOUTTRYLATER
                ? new NfsException(NfsStatus.DELAY, refused.detail())
                : refused(refused.refusal(), refused.detail());
    }

    private Loaded loaded(long inode) {
        return cache.get(inode, id -> new Loaded(ExtentRecords.readExtents(store, id)));
    }
}
