package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.StoreGate;
import pnfs.wire.net.Sink;

/// Where a large data segment goes straight from the socket: into a volume, as far as it is wanted there, and
/// nowhere with the rest. One for a connection, used again and again; data path, confined to its loop.
///
/// Between two chunks it can be turned away: from then on no byte reaches the volume, which is what makes an abort
/// of a write whose data is arriving final at once.
final class DataSink implements Sink {
    /// Many loops write here and nobody reads.
    private static final ByteBuffer NOWHERE = ByteBuffer.allocateDirect(64 << 10);

    private final ByteBuffer nowhere = NOWHERE.duplicate();
    /// A view of `window` that is ours to move.
    private ByteBuffer view = NOWHERE;

    private @Nullable ByteBuffer window;
    private @Nullable StoreGate gate;
    private int wanted;
    private int left;
    private boolean failed;

    /// Takes `bytes` bytes, the first `length` of them to index `at` of a buffer.
    ///
    /// @param through what stores into that buffer go through
    @SuppressWarnings("ReferenceEquality") // the same memory, not the same content
    void aim(StoreGate through, ByteBuffer place, int at, int length, int bytes) {
        gate = through;
        if (window != place) {
            window = place;
            view = place.duplicate();
        }
        view.limit(at + length).position(at);
        wanted = length;
        left = bytes;
        failed = false;
    }

    /// Takes `bytes` bytes, the first `length` of them to index `at` of memory that a command has for them.
    void aim(ByteBuffer memory, int at, int length, int bytes) {
        gate = null;
        window = null;
        view = memory.duplicate().limit(at + length).position(at);
        wanted = length;
        left = bytes;
        failed = false;
    }

    /// Keeps no memory of a command that may be over.
    void letGo() {
        if (window == null) {
            view = NOWHERE;
        }
    }

    /// Takes `bytes` bytes and drops them.
    void skip(int bytes) {
        wanted = 0;
        left = bytes;
        failed = false;
    }

    /// Drops what is still to come.
    void turnAway() {
        wanted = 0;
        letGo();
    }

    /// Whether the medium did not take what came.
    boolean hasFailed() {
        return failed;
    }

    @Override
    public long remaining() {
        return left;
    }

    @Override
    public void takeFrom(Source source) {
        ByteBuffer place = wanted > 0 ? view : nowhere.clear().limit(Math.min(left, nowhere.capacity()));
        int before = place.position();
        try {
            StoreGate claimed = gate;
            if (wanted > 0 && claimed != null && claimed.isClaimed()) {
                fillThrough(claimed, source);
            } else {
                source.fill(place);
            }
        } catch (InternalError poisoned) {
            // The volume's pages were readable when the command began, and one has failed since.
            failed = true;
            wanted = 0;
            return;
        }
        int taken = place.position() - before;
        left -= taken;
        wanted = Math.max(0, wanted - taken);
    }

    /// No lock is held over a socket: what comes is put aside first.
    private void fillThrough(StoreGate claimed, Source source) {
        var aside = ByteBuffer.allocate(Math.min(wanted, NOWHERE.capacity()));
        source.fill(aside);
        boolean entered = claimed.enter();
        try {
            view.put(aside.flip());
        } finally {
            if (entered) {
                claimed.leave();
            }
        }
    }
}
