package pnfs.mds.open;

import java.util.function.LongConsumer;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.Orphans;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class OpenOperations {
    private OpenOperations() {}

    /// Registers the room's operations.
    ///
    /// @return closes all that a client has open, for when it ends: takes files' locks, one after the other
    public static LongConsumer register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            FileAttributes attributes,
            FileSpace space,
            Namespace namespace,
            Orphans orphans,
            OpenFiles opens,
            Reclaim reclaim) {
        var open = new Open(inodes, locks, attributes, space, namespace, opens, reclaim);
        var close = new Close(inodes, locks, opens, orphans);
        var stateids = new Stateids(opens);
        table.register(OpCode.OPEN, OpenArgs.class, open);
        table.register(OpCode.CLOSE, CloseArgs.class, close::close);
        table.register(OpCode.OPEN_DOWNGRADE, OpenDowngradeArgs.class, new OpenDowngrade(inodes, locks, opens));
        table.register(OpCode.TEST_STATEID, TestStateidArgs.class, stateids::test);
        table.register(OpCode.FREE_STATEID, FreeStateidArgs.class, stateids::free);
        return close::closeAll;
    }
}
