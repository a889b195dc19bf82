package pnfs.mds.namespace;

import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.Gate;
import pnfs.mds.compound.OpTable;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoNoNameArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class NamespaceOperations {
    private NamespaceOperations() {}

    public static void register(
            OpTable table, Inodes inodes, Namespace namespace, FileAttributes attributes, Orphans orphans, Gate gate) {
        var lookup = new Lookup(inodes, namespace, gate);
        var secinfo = new Secinfo(inodes, namespace);
        table.register(OpCode.LOOKUP, LookupArgs.class, lookup::down);
        table.register(OpCode.LOOKUPP, LookuppArgs.class, lookup::up);
        table.register(OpCode.CREATE, CreateArgs.class, new Create(inodes, namespace, attributes));
        table.register(OpCode.LINK, LinkArgs.class, new Link(inodes, namespace));
        table.register(OpCode.REMOVE, RemoveArgs.class, new Remove(inodes, namespace, orphans));
        table.register(OpCode.RENAME, RenameArgs.class, new Rename(inodes, namespace, orphans));
        table.register(OpCode.READLINK, ReadLinkArgs.class, new ReadLink(inodes));
        table.register(OpCode.READDIR, ReadDirArgs.class, new ReadDir(inodes, namespace, attributes));
        table.register(OpCode.SECINFO, SecinfoArgs.class, secinfo::byName);
        table.register(OpCode.SECINFO_NO_NAME, SecinfoNoNameArgs.class, secinfo::withoutName);
    }
}
