package pnfs.mds.attribute;

import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.OpArgs.AccessArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.NverifyArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.VerifyArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class AttributeOperations {
    private AttributeOperations() {}

    /// Registers all but SETATTR.
    ///
    /// @return SETATTR, for who cannot cut a file inside a block without I/O to register with that
    public static Operation<SetAttrArgs> register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            FileAttributes attributes,
            FileSpace space,
            WriteAccess access) {
        var verify = new Verify(inodes, attributes);
        table.registerDeferred(OpCode.GETATTR, GetAttrArgs.class, new GetAttr(inodes, attributes));
        table.register(OpCode.VERIFY, VerifyArgs.class, verify::same);
        table.register(OpCode.NVERIFY, NverifyArgs.class, verify::notSame);
        table.register(OpCode.ACCESS, AccessArgs.class, new Access(inodes));
        return new SetAttr(inodes, locks, attributes, space, access);
    }
}
