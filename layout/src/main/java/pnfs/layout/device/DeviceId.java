package pnfs.layout.device;

import java.nio.ByteBuffer;
import java.util.Comparator;

/// The name of a volume on the wire, 16 bytes (`deviceid4`, RFC 8881 §3.3.14). Clients cache what it stands
/// for, so a volume that changes its shape gets a new generation, and no id is ever used for a second volume.
///
/// @param volumeSet which volume, unsigned; counted up by the metadata server and persisted
/// @param generation the shape of that volume, counted up whenever clients must ask for it again
/// @param epoch which store gave the id: two metadata servers that were formatted apart never share one
public record DeviceId(long volumeSet, int generation, int epoch) implements Comparable<DeviceId> {
    public static final int BYTES = 16;

    private static final Comparator<DeviceId> ORDER = (a, b) -> {
        int bySet = Long.compareUnsigned(a.volumeSet, b.volumeSet);
        int byGeneration = bySet != 0 ? bySet : Integer.compareUnsigned(a.generation, b.generation);
        return byGeneration != 0 ? byGeneration : Integer.compareUnsigned(a.epoch, b.epoch);
    };

    /// The id in `bytes`, exactly [#BYTES] of them.
    public static DeviceId of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("device id of " + bytes.length + " bytes instead of " + BYTES);
        }
        var in = ByteBuffer.wrap(bytes);
        return new DeviceId(in.getLong(), in.getInt(), in.getInt());
    }

    /// Big endian, in the order of the components.
    public byte[] bytes() {
        return ByteBuffer.allocate(BYTES)
                .putLong(volumeSet)
                .putInt(generation)
                .putInt(epoch)
                .array();
    }

    @Override
    public int compareTo(DeviceId other) {
        return ORDER.compare(this, other);
    }

    /// Hex, as a packet trace shows it.
    @Override
    public String toString() {
        return "%016x%08x%08x".formatted(volumeSet, generation, epoch);
    }
}
