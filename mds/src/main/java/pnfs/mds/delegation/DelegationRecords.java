package pnfs.mds.delegation;

import pnfs.mds.compound.SessionRef;
import pnfs.mds.open.StateRecords;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Delegations in the store. A record begins as [StateRecords] says, and goes on with the COMPOUND that granted it
/// and where it stands:
///
/// ```
/// opaque[16] session | u32 slot | u32 sequence | bool write | bool revoked | u64 change told | bool modified
/// ```
///
/// That it was recalled is not recorded: who wants the file asks again.
public final class DelegationRecords {
    /// What a record says.
    ///
    /// @param changeTold the change attribute that the holder told last
    /// @param modified whether the holder has changed the file unseen
    public record Recorded(
            StateRecords.Facts facts,
            SessionRef grantedBy,
            boolean isWrite,
            boolean isRevoked,
            long changeTold,
            boolean modified) {}

    private DelegationRecords() {}

    static void put(Batch batch, Delegation held) {
        XdrWriter out = StateRecords.begin(held);
        out.writeFixed(held.grantedBy().sessionId());
        out.writeUint32(held.grantedBy().slotId());
        out.writeUint32(held.grantedBy().sequenceId());
        out.writeBool(held.kind() == Delegation.Kind.WRITE);
        out.writeBool(held.standing() == Delegation.Standing.REVOKED);
        out.writeUint64(held.changeTold());
        out.writeBool(held.isModified());
        batch.put(StateRecords.key(Keys.DELEGATION, held), out.toByteArray());
    }

    static void delete(Batch batch, Delegation held) {
        batch.delete(StateRecords.key(Keys.DELEGATION, held));
    }

    /// What the record of a delegation says.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static Recorded read(byte[] key, byte[] value) {
        return StateRecords.read(key, value, DelegationRecords::rest);
    }

    private static Recorded rest(StateRecords.Facts facts, XdrReader in) {
        var grantedBy = new SessionRef(
                facts.clientId(), in.readFixedOpaque(Nfs4Limits.SESSION_ID_BYTES), in.readUint32(), in.readUint32());
        return new Recorded(facts, grantedBy, in.readBool(), in.readBool(), in.readUint64(), in.readBool());
    }
}
