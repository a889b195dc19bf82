package pnfs.mds.layout;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import pnfs.layout.grant.LayoutManager;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LayoutStatsArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class LayoutOperations {
    private LayoutOperations() {}

    /// Adds the operations, and sees to it that the layouts of a client end with it.
    ///
    /// @param offered the layout types of the export
    /// @param callsInFlight operations that one client can have under way over all its sessions
    public static void register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            OpenFiles opens,
            Clients clients,
            LayoutManager manager,
            FileLayouts layouts,
            Orphans orphans,
            Recalls recalls,
            List<LayoutType> offered,
            int callsInFlight,
            MeterRegistry meters) {
        var held = new ClientLayouts(clients, inodes, locks, manager, layouts, orphans);
        clients.addHolder(held);
        var obstacles = new LayoutRecalls(locks, manager, held, recalls, clients);
        layouts.tellObstacles(obstacles);
        var bodies = new LayoutBodies(offered, callsInFlight);
        var reports = new LayoutReports(inodes, manager, layouts, bodies, meters);
        table.register(OpCode.LAYOUTERROR, LayoutErrorArgs.class, reports::error);
        table.register(OpCode.LAYOUTSTATS, LayoutStatsArgs.class, reports::statistics);
        table.register(
                OpCode.LAYOUTGET,
                LayoutGetArgs.class,
                new LayoutGet(inodes, locks, opens, clients, manager, layouts, bodies, held, obstacles));
        table.register(
                OpCode.LAYOUTCOMMIT,
                LayoutCommitArgs.class,
                new LayoutCommit(inodes, locks, clients, manager, layouts, bodies));
        table.register(
                OpCode.LAYOUTRETURN,
                LayoutReturnArgs.class,
                new LayoutReturn(inodes, locks, clients, manager, layouts, bodies, held));
        table.register(OpCode.GETDEVICEINFO, GetDeviceInfoArgs.class, new GetDeviceInfo(layouts, bodies));
        table.register(OpCode.GETDEVICELIST, GetDeviceListArgs.class, new GetDeviceList(inodes, layouts, bodies));
    }
}
