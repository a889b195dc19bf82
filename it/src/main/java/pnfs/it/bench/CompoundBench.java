package pnfs.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import pnfs.it.process.Cluster;
import pnfs.it.process.Folders;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.xdr.XdrWriter;

/// What the COMPOUND that clients send most, SEQUENCE+PUTFH+GETATTR, costs a metadata server in a process of
/// its own.
final class CompoundBench {
    private static final int[][] CONNECTIONS_AND_SLOTS = {{1, 1}, {1, 16}, {8, 8}};

    private CompoundBench() {}

    static List<RpcLoad.Result> run(Duration warmUp, Duration measured) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("pnfs-bench-");
        try (var cluster = Cluster.start(folder, new Cluster.Shape(0, 0))) {
            var loads = new ArrayList<RpcLoad.Result>();
            for (int[] load : CONNECTIONS_AND_SLOTS) {
                loads.add(new RpcLoad(load[0], load[1], warmUp, measured)
                        .drive(
                                cluster.nfs(),
                                CompoundBench::calls,
                                () -> ServerCpu.ofProcess(cluster.mds().pid())));
            }
            return loads;
        } finally {
            Folders.delete(folder);
        }
    }

    private static List<Supplier<XdrWriter>> calls(RpcConnection connection, int slots)
            throws IOException, InterruptedException {
        BenchClient client = BenchClient.begin(connection, slots);
        var root =
                (GetFhResult) client.ask(new PutRootFhArgs(), new GetFhArgs()).getLast();
        return client.compounds(new PutFhArgs(root.fileHandle()), MdsOperation.GET_ATTRIBUTES);
    }
}
