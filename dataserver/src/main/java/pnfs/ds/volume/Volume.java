package pnfs.ds.volume;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import pnfs.ds.region.Durability;
import pnfs.ds.region.Journal;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Naa;
import pnfs.ds.region.Persistence;
import pnfs.ds.region.Region;
import pnfs.ds.region.StoreGate;

/// One logical unit: what an initiator sees of a region. Belongs to the data path; safe for use by many
/// threads, as its region is.
///
/// Commands name blocks, sockets move bytes: [#covers] and [#offsetOf] turn the one into the other, and from
/// there on everything is a byte range of the volume.
public final class Volume {
    /// T10 vendor identification, 8 characters.
    public static final String VENDOR = "PNFS    ";
    /// Product identification, 16 characters.
    public static final String PRODUCT = "REGION          ";

    private final Region region;
    private final int blockShift;
    private final LongAdder readCommands = new LongAdder();
    private final LongAdder readBytes = new LongAdder();
    private final LongAdder writeCommands = new LongAdder();
    private final LongAdder writtenBytes = new LongAdder();

    public Volume(Region region) {
        this.region = region;
        this.blockShift = Integer.numberOfTrailingZeros(region.header().blockBytes());
    }

    /// What initiators have moved since the volume was opened.
    public record Traffic(long readCommands, long readBytes, long writeCommands, long writtenBytes) {}

    public Traffic traffic() {
        return new Traffic(readCommands.sum(), readBytes.sum(), writeCommands.sum(), writtenBytes.sum());
    }

    /// Counts a command that reads.
    public void countRead(int bytes) {
        readCommands.increment();
        readBytes.add(bytes);
    }

    /// Counts a command that has written.
    public void countWrite(int bytes) {
        writeCommands.increment();
        writtenBytes.add(bytes);
    }

    /// Who the region is, for ever.
    public UUID id() {
        return region.header().uuid();
    }

    /// The name by which initiators and layouts know this volume; it never changes.
    public Naa naa() {
        return region.header().naa();
    }

    /// Unit serial number: the region's UUID in 32 hex digits.
    public String serial() {
        UUID uuid = id();
        return HexFormat.of().toHexDigits(uuid.getMostSignificantBits())
                + HexFormat.of().toHexDigits(uuid.getLeastSignificantBits());
    }

    /// Bytes in a logical block; physical blocks are the same.
    public int blockBytes() {
        return 1 << blockShift;
    }

    public long blocks() {
        return region.sizeBytes() >> blockShift;
    }

    public long sizeBytes() {
        return region.sizeBytes();
    }

    public Durability durability() {
        return region.durability();
    }

    /// Whether the medium refuses work: see [Region#hasFailed].
    public boolean hasFailed() {
        return region.hasFailed();
    }

    /// What the region keeps for whoever serves the volume: see [Memo].
    public Memo memo() {
        return region.memo();
    }

    /// Whether these blocks exist, whatever the two numbers are (a negative one stands for a huge unsigned one).
    public boolean covers(long firstBlock, long blockCount) {
        return firstBlock >= 0 && blockCount >= 0 && blockCount <= blocks() - firstBlock;
    }

    /// The byte at which a block begins. The block must be covered.
    public long offsetOf(long block) {
        return block << blockShift;
    }

    /// A view of bytes of the volume, without a copy: see [Region#view].
    public ByteBuffer view(long offset, int length) {
        return region.view(offset, length);
    }

    /// A buffer that has all of a range: see [Region#window].
    public ByteBuffer window(long offset, int length) {
        return region.window(offset, length);
    }

    /// Where a range begins in its window: see [Region#inWindow].
    public int inWindow(long offset) {
        return Region.inWindow(offset);
    }

    /// Whether the medium can be read there: see [Region#readable].
    public boolean readable(long offset, long length) {
        return region.readable(offset, length);
    }

    /// Copies bytes in; false when the medium failed: see [Region#write].
    public boolean write(long offset, ByteBuffer source) {
        return region.write(offset, source);
    }

    /// Copies a range of a buffer in; false when the medium failed: see [Region#write].
    public boolean write(long offset, ByteBuffer source, int sourceAt, int length) {
        return region.write(offset, source, sourceAt, length);
    }

    /// Repeats a pattern; false when the medium failed: see [Region#fill].
    public boolean fill(long offset, long length, ByteBuffer pattern) {
        return region.fill(offset, length, pattern);
    }

    /// Whether bytes read as zeros: see [Region#isZero].
    public boolean isZero(long offset, int length) {
        return region.isZero(offset, length);
    }

    /// What stores go through: see [Region#gate].
    public StoreGate gate() {
        return region.gate();
    }

    /// Writes all bytes or none over a crash: see [Region#writeAtomic].
    public void writeAtomic(long offset, ByteBuffer source, Persistence.Waiter waiter) {
        region.writeAtomic(offset, source, waiter);
    }

    /// The same, with somebody else to put the bytes in their place: see [Region#writeAtomic].
    public void writeAtomic(long offset, ByteBuffer source, Journal.Store inPlace, Persistence.Waiter waiter) {
        region.writeAtomic(offset, source, inPlace, waiter);
    }

    /// Makes bytes durable: see [Region#persist].
    public void persist(long offset, long length, Persistence.Waiter waiter) {
        region.persist(offset, length, waiter);
    }
}
