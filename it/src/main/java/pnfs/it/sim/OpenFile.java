package pnfs.it.sim;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.FileModel.Change;
import pnfs.it.sim.Leases.Claim;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A file that a client has open, and its layout of it. One user at a time. One thread.
final class OpenFile {
    /// Where a block of the file lies.
    record Place(int region, long offset, ExtentState state, boolean writable) {}

    /// A write through a layout whose commit nobody heard of.
    ///
    /// @param fresh blocks that nobody had written before
    record Unheard(Change change, List<Integer> fresh, Stateid layout) {}

    /// A delegation of the file.
    ///
    /// @param attributes as they were when it was given
    record Delegated(Stateid stateid, DelegationType type, Attributes attributes) {}

    private final Caller me;
    /// Under which it was opened last.
    NameModel name;
    final FileModel model;
    final Opaque handle;
    Stateid open;
    Claim claim;
    /// When the stateid was given, and in which era.
    long openedNanos;

    int era;
    /// What it denies others: bits of [pnfs.wire.nfs4.ShareBits].
    int denied;

    @Nullable
    Stateid layout;

    /// By number of the block in the file.
    final TreeMap<Integer, Place> places = new TreeMap<>();

    /// Of lock owners, by their numbers.
    final TreeMap<Integer, Stateid> locks = new TreeMap<>();

    @Nullable
    Delegated delegation;

    final ArrayDeque<Unheard> unheard = new ArrayDeque<>();

    boolean recalled;
    private boolean busy;
    private final ArrayDeque<Runnable> queue = new ArrayDeque<>();

    OpenFile(Caller me, NameModel name, FileModel model, Opaque handle, Stateid open, Claim claim) {
        this.me = me;
        this.name = name;
        this.model = model;
        this.handle = handle;
        this.open = open;
        this.claim = claim;
        this.openedNanos = me.host.nowNanos();
        this.era = me.era();
    }

    boolean isBusy() {
        return busy;
    }

    /// Runs `use` when nobody uses the file; [#done] ends its turn.
    void use(Runnable use) {
        if (busy) {
            queue.add(use);
        } else {
            busy = true;
            use.run();
        }
    }

    void done() {
        Optional.ofNullable(queue.poll()).ifPresentOrElse(Runnable::run, () -> busy = false);
    }

    boolean covers(Iomode iomode, int first, int blocks) {
        for (int block = first; block < first + blocks; block++) {
            Place place = places.get(block);
            if (place == null || (iomode == Iomode.READ_WRITE && !place.writable())) {
                return false;
            }
        }
        return true;
    }

    /// Blocks for which a layout has room, and nobody has written them.
    List<Integer> fresh(int first, int blocks) {
        return places.subMap(first, first + blocks).entrySet().stream()
                .filter(place -> place.getValue().state() == ExtentState.INVALID_DATA)
                .map(Map.Entry::getKey)
                .toList();
    }

    List<Integer> writable() {
        return places.entrySet().stream()
                .filter(place -> place.getValue().writable())
                .map(Map.Entry::getKey)
                .toList();
    }

    void forgetLayout() {
        forgetPlaces();
        layout = null;
        recalled = false;
    }

    void forgetPlaces() {
        places.values().forEach(this::forget);
        places.clear();
    }

    void forgetPlace(int block) {
        Place place = places.remove(block);
        if (place != null) {
            forget(place);
        }
    }

    private void forget(Place place) {
        if (place.region() >= 0) {
            me.checker.released(me.number, place.region(), place.offset());
        }
    }

    void forgetDelegation() {
        model.delegations.released(me.number);
        delegation = null;
    }

    void forgetLocks() {
        model.locks.released(me.number);
        locks.clear();
    }
}
