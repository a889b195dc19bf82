package pnfs.mds.open;

import java.util.function.BiFunction;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// What the records of all kinds of [FileState]s have in common, so that a stateid outlives the run of the server
/// that gave it. Numbers in keys are big-endian, values are XDR.
///
/// ```
/// key    OPEN, LOCK or DELEGATION, inode:u63 number:u64
/// value  u32 version = 1 | u32 run | u32 seqid | u64 generation | u64 client | what this kind adds
/// ```
public final class StateRecords {
    private static final int VERSION = 1;
    private static final int KEY_BYTES = 1 + 2 * Long.BYTES;
    private static final int EXPECTED_BYTES = 128;

    /// Which state it is, of which file, and whose. Immutable.
    ///
    /// @param run of the server, that gave the stateid
    /// @param number unique among the states there are
    /// @param seqid the version of the stateid; unsigned, never 0
    public record Facts(FileHandle file, int run, long number, int seqid, long clientId) {}

    private StateRecords() {}

    public static byte[] key(Keys kind, FileState state) {
        return kind.of(state.file().inode(), state.number());
    }

    /// A value as far as all kinds agree.
    public static XdrWriter begin(FileState state) {
        var out = new XdrWriter(EXPECTED_BYTES);
        out.writeUint32(VERSION);
        out.writeUint32(state.run());
        out.writeUint32(state.seqid());
        out.writeUint64(state.file().generation());
        out.writeUint64(state.clientId());
        return out;
    }

    /// What a record says.
    ///
    /// @param rest reads what this kind adds; all of it
    /// @throws CorruptStoreException when the record is not what the writer of the same kind makes
    public static <T> T read(byte[] key, byte[] value, BiFunction<Facts, XdrReader, T> rest) {
        if (key.length != KEY_BYTES) {
            throw new CorruptStoreException("state with a key of " + key.length + " bytes");
        }
        long inode = Keys.number(key);
        long number = Keys.secondNumber(key);
        try {
            var in = XdrReader.of(Opaque.of(value));
            int version = in.readUint32();
            if (version != VERSION) {
                throw new CorruptStoreException("state " + number + " of inode " + inode + " has version " + version
                        + ", this server reads " + VERSION);
            }
            int run = in.readUint32();
            int seqid = in.readUint32();
            var facts = new Facts(new FileHandle(inode, in.readUint64()), run, number, seqid, in.readUint64());
            T read = rest.apply(facts, in);
            in.expectEnd();
            return read;
        } catch (XdrException | IllegalArgumentException e) {
            throw new CorruptStoreException("state " + number + " of inode " + inode + " is damaged", e);
        }
    }
}
