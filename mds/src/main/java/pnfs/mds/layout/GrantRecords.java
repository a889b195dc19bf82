package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.HeldLayout;
import pnfs.layout.grant.LayoutStateid;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The layouts that a client holds of a file, in the store: after a restart it goes on with them, or may commit
/// what it was granted unwritten (LAYOUTCOMMIT with `loca_reclaim`, RFC 8881 §18.42.3), and nobody else may.
/// Numbers in the key are big-endian, the value is XDR.
///
/// ```
/// key    GRANT, inode:u63 client:u64
/// value  u32 version = 2 | u64 reservation key | opaque[16] session, u32 slot, u32 sequence of the last LAYOUTGET
///        | holding<>
/// holding  u32 type | u32 seqid | opaque[12] other | bool revoked | range<> reading | range<> writing | range<>
/// unwritten
/// range    u64 offset | u64 length                     whole blocks, ascending, apart; length 2^63-1-offset is to the
/// end
/// ```
public final class GrantRecords {
    private static final int VERSION = 2;
    private static final int KEY_BYTES = 1 + 2 * Long.BYTES;
    private static final int RANGE_BYTES = 2 * Long.BYTES;
    private static final int LEAST_HOLDING_BYTES = 9 * Integer.BYTES;
    private static final int MAX_RANGES = 1 << 20;

    /// What one client holds of a file.
    ///
    /// @param key under which it could reach the storage
    /// @param call its last LAYOUTGET
    public record GrantRecord(long inode, long client, long key, SessionRef call, List<HeldLayout> held) {
        /// What it has yet to commit.
        List<ByteRange> unwritten() {
            return held.stream().flatMap(layout -> layout.unwritten().stream()).toList();
        }
    }

    private GrantRecords() {}

    static void put(Batch batch, GrantRecord record) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        out.writeUint64(record.key());
        out.writeFixed(record.call().sessionId().toByteArray());
        out.writeUint32(record.call().slotId());
        out.writeUint32(record.call().sequenceId());
        out.writeUint32(record.held().size());
        for (HeldLayout layout : record.held()) {
            out.writeUint32(layout.type().wire());
            out.writeUint32(layout.stateid().seqid());
            out.writeFixed(layout.stateid().other().toByteArray());
            out.writeBool(layout.revoked());
            writeRanges(out, layout.reading());
            writeRanges(out, layout.writing());
            writeRanges(out, layout.unwritten());
        }
        batch.put(Keys.GRANT.of(record.inode(), record.client()), out.toByteArray());
    }

    static void delete(Batch batch, long inode, long client) {
        batch.delete(Keys.GRANT.of(inode, client));
    }

    private static void writeRanges(XdrWriter out, List<ByteRange> ranges) {
        out.writeUint32(ranges.size());
        for (ByteRange range : ranges) {
            out.writeUint64(range.offset());
            out.writeUint64(range.end() - range.offset());
        }
    }

    /// What a row of the store says.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static GrantRecord read(byte[] key, byte[] value) {
        if (key.length != KEY_BYTES) {
            throw new CorruptStoreException("grant with a key of " + key.length + " bytes");
        }
        long inode = Keys.number(key);
        long client = ByteBuffer.wrap(key).getLong(1 + Long.BYTES);
        try {
            var in = XdrReader.of(Opaque.of(value));
            int version = in.readUint32();
            if (version != VERSION) {
                throw new CorruptStoreException(
                        "grant on inode " + inode + " has version " + version + ", this server reads " + VERSION);
            }
            long reservationKey = in.readUint64();
            var call = new SessionRef(
                    client, in.readFixedOpaque(Nfs4Limits.SESSION_ID_BYTES), in.readUint32(), in.readUint32());
            var held = new ArrayList<HeldLayout>();
            for (int left = in.readCount(LayoutType.values().length, LEAST_HOLDING_BYTES); left > 0; left--) {
                held.add(readHolding(in));
            }
            in.expectEnd();
            return new GrantRecord(inode, client, reservationKey, call, List.copyOf(held));
        } catch (XdrException | IllegalArgumentException e) {
            throw new CorruptStoreException("grant on inode " + inode + " is damaged", e);
        }
    }

    private static HeldLayout readHolding(XdrReader in) {
        int type = in.readUint32();
        return new HeldLayout(
                LayoutType.fromWire(type).orElseThrow(() -> new IllegalArgumentException("layout type " + type)),
                new LayoutStateid(in.readUint32(), in.readFixedOpaque(LayoutStateid.OTHER_BYTES)),
                in.readBool(),
                readRanges(in),
                readRanges(in),
                readRanges(in));
    }

    private static List<ByteRange> readRanges(XdrReader in) {
        int count = in.readCount(MAX_RANGES, RANGE_BYTES);
        var ranges = new ArrayList<ByteRange>(count);
        for (int i = 0; i < count; i++) {
            long offset = in.readUint64();
            long length = in.readUint64();
            if (offset < 0 || length <= 0 || length > Long.MAX_VALUE - offset) {
                throw new IllegalArgumentException("range at " + offset + " of length " + length);
            }
            ranges.add(new ByteRange(offset, offset + length));
        }
        return List.copyOf(ranges);
    }

    static List<GrantRecord> readAll(MetadataStore store) {
        var all = new ArrayList<GrantRecord>();
        store.scan(Keys.GRANT.first(), Keys.GRANT.end(), (key, value) -> all.add(read(key, value)));
        return all;
    }
}
