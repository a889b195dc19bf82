package pnfs.layout.grant;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.RangeSet;

/// The layouts of one client, of one type, on one file, under one stateid. Guarded by the file's lock.
final class Holding {
    /// The executor pauses twice as long each time: 62 ms in all.
    private static final int MOST_RETURNS_PUT_OFF = 5;

    private final long client;
    private final LayoutType type;
    private final RangeSet reading = new RangeSet();
    private final RangeSet writing = new RangeSet();
    /// Of `writing`, what was granted as INVALID_DATA and not committed since; may hold more than is still
    /// unwritten.
    private final RangeSet unwritten = new RangeSet();
    /// The volumes that holes of `reading` name; unknown of what was held before the server started.
    private final Set<DeviceId> holesOn = new HashSet<>(2);

    private boolean holesAnywhere;
    private LayoutStateid stateid;
    private boolean answered;
    /// It was held before the server started, which may have given out newer stateids than it noted.
    private boolean restored;
    /// What of it is to be returned; null where nothing is.
    private @Nullable ByteRange recalled;

    private int returnsPutOff;
    /// The version under which it was recalled last.
    private int recallSeqid;
    /// The reservation key under which the client could reach the storage when this was taken from it; 0 as
    /// long as it is the client's.
    private long revokedKey;
    private long expectedNext = -1;
    private long aheadBytes;

    Holding(long client, LayoutType type, LayoutStateid first) {
        this.client = client;
        this.type = type;
        this.stateid = first;
    }

    Holding(long client, HeldLayout held) {
        this(client, held.type(), held.stateid());
        held.reading().forEach(reading::add);
        held.writing().forEach(writing::add);
        held.unwritten().forEach(unwritten::add);
        answered = true;
        restored = true;
        holesAnywhere = !reading.isEmpty();
    }

    HeldLayout noted() {
        return new HeldLayout(type, stateid, isRevoked(), reading.ranges(), writing.ranges(), unwritten.ranges());
    }

    long client() {
        return client;
    }

    LayoutType type() {
        return type;
    }

    LayoutStateid stateid() {
        return stateid;
    }

    /// The stateid for the next reply.
    LayoutStateid advance() {
        if (answered) {
            stateid = stateid.next();
        }
        answered = true;
        return stateid;
    }

    boolean isRecalled() {
        return recalled != null;
    }

    /// From now on the client gets no more of it, until it holds nothing in `range`. The stateid is that of the
    /// recall.
    LayoutStateid recall(ByteRange range) {
        recalled = range;
        recallSeqid = advance().seqid();
        return stateid;
    }

    /// Whether the client can have got the version that it used, by the recall or after it: then it has seen that.
    boolean isSinceRecall(LayoutStateid used) {
        return isRecalled() && stateid.age(used.seqid()) <= stateid.age(recallSeqid);
    }

    /// Whether a return of `range` had better wait for a commit that may be right behind it; asked again and
    /// again without one, no longer. Linux (6.12) answers a recall with both at once, in either order.
    boolean putsOffReturn(ByteRange range) {
        return isRecalled() && !isRevoked() && unwritten.overlaps(range) && returnsPutOff++ < MOST_RETURNS_PUT_OFF;
    }

    /// The client has written this. A commit after the recall has all that the client knows: no return need wait
    /// for more.
    void committed(ByteRange part) {
        unwritten.remove(part);
        if (isRecalled()) {
            returnsPutOff = MOST_RETURNS_PUT_OFF;
        }
    }

    /// It is not the client's any more. Nobody else may have it until the key is fenced.
    void revoke(long key) {
        recalled = ByteRange.all();
        revokedKey = key;
    }

    boolean isRevoked() {
        return revokedKey != 0;
    }

    boolean isRevokedUnder(long key) {
        return revokedKey == key;
    }

    /// What is wrong with a stateid that the client used, RFC 8881 §12.5.3; empty where nothing is.
    Optional<Refusal> faultOf(LayoutStateid used, Requester who) {
        if (used.seqid() == 0 || !used.other().equals(stateid.other())) {
            return Optional.of(Refusal.BAD_STATEID);
        }
        long age = stateid.age(used.seqid());
        if (age <= who.callsInFlight()) {
            return Optional.empty();
        }
        if (restored && LayoutStateid.age(used.seqid(), stateid.seqid()) <= who.callsInFlight()) {
            stateid = used; // recalls are not noted, and returns not before their reply leaves
            return Optional.empty();
        }
        // More than half way round it is nearer from the other side: a stateid that was never given out yet.
        return Optional.of(age > Integer.MAX_VALUE ? Refusal.BAD_STATEID : Refusal.OLD_STATEID);
    }

    boolean isEmpty() {
        return reading.isEmpty() && writing.isEmpty();
    }

    int ranges() {
        return reading.count() + writing.count();
    }

    RangeSet writing() {
        return writing;
    }

    RangeSet reading() {
        return reading;
    }

    RangeSet unwritten() {
        return unwritten;
    }

    /// A hole of what it reads names this volume.
    void showsHoleOn(DeviceId volume) {
        holesOn.add(volume);
    }

    /// Whether a hole of what it reads may name this volume.
    boolean mayShowHoleOn(DeviceId volume) {
        return holesAnywhere || holesOn.contains(volume);
    }

    /// Where a request of `wanted` by another client would meet this holding first; the end of `range` where it
    /// would not. Many may read, or one may write.
    long firstConflict(ByteRange range, Iomode wanted) {
        long first = writing.firstIn(range);
        return wanted == Iomode.READ ? first : Math.min(first, reading.firstIn(range));
    }

    /// How far beyond the end of what it asks for this writer should get, because it seems to go on from there.
    long aheadFor(long offset, LayoutLimits limits) {
        if (offset != expectedNext) {
            return 0;
        }
        return aheadBytes == 0 ? limits.firstAheadBytes() : Math.min(aheadBytes * 2, limits.maxAheadBytes());
    }

    void granted(Iomode iomode, ByteRange range) {
        (iomode == Iomode.RW ? writing : reading).add(range);
    }

    void wroteSequentially(long end, long ahead) {
        expectedNext = end;
        aheadBytes = ahead;
    }

    /// Gives up `range` and returns what of it was held for writing.
    List<ByteRange> drop(Iomode iomode, ByteRange range) {
        var dropped = new ArrayList<ByteRange>();
        if (iomode != Iomode.RW) {
            reading.remove(range);
            if (reading.isEmpty()) {
                holesOn.clear();
                holesAnywhere = false;
            }
        }
        if (iomode != Iomode.READ) {
            dropped.addAll(writing.intersect(range));
            writing.remove(range);
            unwritten.remove(range);
        }
        if (recalled != null && !reading.overlaps(recalled) && !writing.overlaps(recalled)) {
            recalled = null;
        }
        return dropped;
    }
}
