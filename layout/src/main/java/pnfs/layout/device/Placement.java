package pnfs.layout.device;

import java.util.List;
import java.util.stream.IntStream;

/// Which volume the next piece of a file goes to. A file is cut into pieces of `unitBytes`; consecutive pieces
/// go round-robin over the volumes that are online, from a start that the file's inode id chooses, so that
/// large files use every data server and small files spread evenly. An extent never crosses from one piece into
/// the next unless both lie on one volume.
///
/// It decides for new space only: what a file has already, stays where it is when volumes come and go.
/// Immutable.
public final class Placement {
    /// 2^64 divided by the golden ratio: multiples of it, cut to the top bits, spread any run of ids evenly.
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private final long unitBytes;
    private final List<Volume> online;

    public Placement(long unitBytes, List<Volume> online) {
        if (unitBytes <= 0 || unitBytes % VolumeTopology.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    "placement unit " + unitBytes + " not a multiple of " + VolumeTopology.PAGE_BYTES);
        }
        this.unitBytes = unitBytes;
        this.online = List.copyOf(online);
    }

    /// The volumes in the order of preference for the piece that holds `fileOffset`: the rest is for when the
    /// first is full. Empty when no volume is online.
    public List<Volume> candidates(long inode, long fileOffset) {
        int count = online.size();
        if (count == 0) {
            return List.of();
        }
        long start = (((inode * GOLDEN) >>> 32) * count) >>> 32;
        int first = (int) ((start + fileOffset / unitBytes) % count);
        return IntStream.range(0, count)
                .mapToObj(i -> online.get((first + i) % count))
                .toList();
    }

    /// Where the piece that holds `fileOffset` ends; with one volume there is no end but the file's own.
    public long pieceEnd(long fileOffset) {
        long start = fileOffset / unitBytes * unitBytes;
        return online.size() <= 1 || start > Long.MAX_VALUE - unitBytes ? Long.MAX_VALUE : start + unitBytes;
    }
}
