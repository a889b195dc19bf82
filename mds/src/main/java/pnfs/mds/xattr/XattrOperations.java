package pnfs.mds.xattr;

import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class XattrOperations {
    private XattrOperations() {}

    /// Adds the operations, and sees to it that the extended attributes of a file end with it.
    public static void register(OpTable table, MetadataStore store, Inodes inodes, FileLocks locks) {
        var xattrs = new Xattrs(store, inodes, locks);
        inodes.alsoRemove(xattrs::removeAll);
        table.register(OpCode.GETXATTR, GetXattrArgs.class, xattrs::get);
        table.register(OpCode.SETXATTR, SetXattrArgs.class, xattrs::set);
        table.register(OpCode.LISTXATTRS, ListXattrsArgs.class, xattrs::list);
        table.register(OpCode.REMOVEXATTR, RemoveXattrArgs.class, xattrs::remove);
    }
}
