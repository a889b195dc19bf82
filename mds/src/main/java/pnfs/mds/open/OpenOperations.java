package pnfs.mds.open;

import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class OpenOperations {
    private OpenOperations() {}

    /// Adds the operations, and sees to it that what a client has open ends with it.
    public static void register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            FileAttributes attributes,
            FileSpace space,
            Namespace namespace,
            Orphans orphans,
            OpenFiles opens,
            Clients clients) {
        var open = new Open(inodes, locks, attributes, space, namespace, opens, clients);
        var close = new Close(inodes, locks, opens, orphans);
        var stateids = new Stateids(opens.states(), locks);
        table.register(OpCode.OPEN, OpenArgs.class, open);
        table.register(OpCode.CLOSE, CloseArgs.class, close);
        table.register(OpCode.OPEN_DOWNGRADE, OpenDowngradeArgs.class, new OpenDowngrade(inodes, locks, opens));
        table.register(OpCode.TEST_STATEID, TestStateidArgs.class, stateids::test);
        table.register(OpCode.FREE_STATEID, FreeStateidArgs.class, stateids::free);
        clients.addHolder(close);
    }
}
