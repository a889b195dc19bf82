package pnfs.mds.open;

import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.XdrWriter;

/// Open files in the store. A record begins as [StateRecords] says, and goes on:
///
/// ```
/// u32 pairs of access and deny | opaque<1024> owner
/// ```
public final class OpenRecords {
    private OpenRecords() {}

    static void put(Batch batch, OpenState open) {
        XdrWriter out = StateRecords.begin(open);
        out.writeUint32(open.shares().pairs());
        out.writeOpaque(open.owner().owner());
        batch.put(StateRecords.key(Keys.OPEN, open), out.toByteArray());
    }

    static void delete(Batch batch, OpenState open) {
        batch.delete(StateRecords.key(Keys.OPEN, open));
    }

    /// Which open a record is of.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static StateRecords.Facts facts(byte[] key, byte[] value) {
        OpenState open = read(key, value);
        return new StateRecords.Facts(open.file(), open.run(), open.number(), open.seqid(), open.clientId());
    }

    /// @throws CorruptStoreException when the record is not what [#put] makes
    static OpenState read(byte[] key, byte[] value) {
        return StateRecords.read(key, value, (facts, in) -> {
            var shares = new Shares(facts.seqid(), in.readUint32());
            var owner = new OpenOwner(facts.clientId(), in.readOpaque(Nfs4Limits.OWNER_BYTES));
            return new OpenState(facts, owner, shares);
        });
    }
}
