package pnfs.mds.session;

import java.util.ArrayList;
import java.util.List;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Clients that may hold state, in the store: after a restart they go on, or else they and nobody else may reclaim
/// (RFC 8881 §8.4.3).
///
/// ```
/// key    CLIENT, u64 client id
/// value  u32 version = 3 | u64 verifier | opaque<1024> owner | u32 flavor | u32 uid    whose it is
///        | bool said RECLAIM_COMPLETE | u64 former id, or 0          XDR
/// ```
public final class ClientRecords {
    private static final int VERSION = 3;
    private static final int KEY_BYTES = 1 + Long.BYTES;

    /// One record.
    ///
    /// @param formerId that it had when it held what it takes back now, or may yet commit; otherwise 0
    record ClientRecord(
            long clientId, long verifier, Opaque owner, Principal principal, boolean reclaimComplete, long formerId) {
        /// Whether it was granted anything, in its time or under the id that it had before.
        boolean mayHold() {
            return reclaimComplete || formerId != 0;
        }

        /// As it was when it held what it takes back now.
        ClientRecord asFormer() {
            return new ClientRecord(formerId, verifier, owner, principal, true, 0);
        }
    }

    private ClientRecords() {}

    static byte[] key(long clientId) {
        return Keys.CLIENT.of(clientId);
    }

    static byte[] write(ClientRecord client) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        out.writeUint64(client.verifier());
        out.writeOpaque(client.owner());
        out.writeUint32(client.principal().flavor());
        out.writeUint32(client.principal().uid());
        out.writeBool(client.reclaimComplete());
        out.writeUint64(client.formerId());
        return out.toByteArray();
    }

    static ClientRecord read(long clientId, byte[] value) {
        try {
            var in = XdrReader.of(Opaque.of(value));
            int version = in.readUint32();
            if (version != VERSION) {
                throw new CorruptStoreException(
                        "client record has version " + version + ", this server reads " + VERSION);
            }
            var client = new ClientRecord(
                    clientId,
                    in.readUint64(),
                    in.readOpaque(Nfs4Limits.OWNER_BYTES),
                    new Principal(in.readUint32(), in.readUint32()),
                    in.readBool(),
                    in.readUint64());
            in.expectEnd();
            return client;
        } catch (XdrException e) {
            throw new CorruptStoreException("client record " + Long.toHexString(clientId) + " is damaged", e);
        }
    }

    /// A client's record can be read.
    ///
    /// @throws CorruptStoreException when the record is not what this version writes
    public static void check(byte[] key, byte[] value) {
        if (key.length != KEY_BYTES) {
            throw new CorruptStoreException("client record with a key of " + key.length + " bytes");
        }
        read(Keys.number(key), value);
    }

    /// A client that held we do not know what, and whose name we do not know: it cannot come back under this
    /// id, so that grace, for which it is waited, lasts as long as it can, and the client has noticed by itself
    /// that all is lost.
    ///
    /// @param key of a record that cannot be read
    public static void putUnknown(Batch batch, byte[] key) {
        if (key.length == KEY_BYTES) {
            long clientId = Keys.number(key);
            var unknown = new ClientRecord(
                    clientId, 0, Opaque.ofUtf8("client " + Long.toHexString(clientId)), new Principal(0, 0), true, 0);
            batch.put(key, write(unknown));
        }
    }

    static List<ClientRecord> readAll(MetadataStore store) {
        var all = new ArrayList<ClientRecord>();
        store.scan(Keys.CLIENT.first(), Keys.CLIENT.end(), (key, value) -> {
            all.add(read(Keys.number(key), value));
            return true;
        });
        return all;
    }
}
