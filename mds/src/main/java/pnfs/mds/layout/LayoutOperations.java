package pnfs.mds.layout;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.Executor;
import pnfs.layout.grant.LayoutManager;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.session.Clients;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LayoutStatsArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class LayoutOperations {
    private LayoutOperations() {}

    /// What others need of this room.
    ///
    /// @param fences to be told of time: see [Fences#sendDue]
    /// @param recalls what an operator wants back
    /// @param layoutGet LAYOUTGET, for who can write zeros before it and registers it
    public record Parts(Fences fences, OrderedRecalls recalls, LayoutGet layoutGet) {}

    /// Adds the operations but for LAYOUTGET, and sees to it that the layouts of a client end with it.
    ///
    /// @param offered the layout types of the export
    /// @param callsInFlight operations that one client can have under way over all its sessions
    /// @param fencer the way to the data servers
    /// @param later runs what was given to it, soon and without locks
    public static Parts register(
            OpTable table,
            MetadataStore store,
            Inodes inodes,
            FileLocks locks,
            OpenFiles opens,
            Clients clients,
            LayoutManager manager,
            FileLayouts layouts,
            Orphans orphans,
            Recalls recalls,
            Fences.Fencer fencer,
            Executor later,
            DeviceWatch watch,
            List<LayoutType> offered,
            int callsInFlight,
            MeterRegistry meters) {
        var bodies = new LayoutBodies(offered, callsInFlight);
        var keys = Fences.keys(store, clients);
        var held = new ClientLayouts(store, clients, inodes, locks, manager, layouts, bodies, orphans, keys);
        opens.states().tellElsewhere(held);
        var fences = new Fences(store, clients, layouts, held, fencer, later, recalls::nowNanos, meters);
        held.forgetStrangers(clients.grace().awaited());
        clients.addHolder(fences);
        clients.addHolder(watch);
        layouts.whenVolumesChange(() -> later.execute(fences::sendDue));
        var obstacles = new LayoutRecalls(locks, manager, held, fences, recalls, clients);
        layouts.tellObstacles(obstacles);
        var reports = new LayoutReports(inodes, locks, manager, fences, bodies, meters);
        table.registerDeferred(OpCode.LAYOUTERROR, LayoutErrorArgs.class, reports::error);
        table.register(OpCode.LAYOUTSTATS, LayoutStatsArgs.class, reports::statistics);
        table.register(
                OpCode.LAYOUTCOMMIT,
                LayoutCommitArgs.class,
                new LayoutCommit(inodes, locks, clients, manager, layouts, bodies));
        table.register(
                OpCode.LAYOUTRETURN,
                LayoutReturnArgs.class,
                new LayoutReturn(inodes, locks, clients, manager, layouts, bodies, held, obstacles));
        table.register(OpCode.GETDEVICEINFO, GetDeviceInfoArgs.class, new GetDeviceInfo(fences, bodies, watch));
        table.register(
                OpCode.GETDEVICELIST, GetDeviceListArgs.class, new GetDeviceList(inodes, layouts, fences, bodies));
        return new Parts(
                fences,
                new OrderedRecalls(inodes, locks, manager, fences, recalls, obstacles),
                new LayoutGet(inodes, locks, opens, clients, manager, layouts, bodies, held, fences, obstacles));
    }
}
