package pnfs.wire.rpc;

import java.io.IOException;
import java.net.InetSocketAddress;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Network;

/// Serves programs to whoever connects. Safe for use by many threads.
public final class RpcServer {
    private final Network network;
    private final RpcPrograms programs;
    private final RpcLimits limits;
    private final RpcCounters counters = new RpcCounters();

    public RpcServer(Network network, RpcPrograms programs, RpcLimits limits) {
        this.network = network;
        this.programs = programs;
        this.limits = limits;
    }

    public Listener listen(InetSocketAddress at, ConnectionLimits connectionLimits) throws IOException {
        return network.listen(
                at, connection -> new RpcConnection(connection, programs, limits, counters), connectionLimits);
    }

    public RpcCounters counters() {
        return counters;
    }
}
