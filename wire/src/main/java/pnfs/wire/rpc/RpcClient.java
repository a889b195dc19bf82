package pnfs.wire.rpc;

import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Network;

/// Connects to servers. A connection that is lost fails its calls and stays lost: whether to connect again, and
/// what to ask again, only the caller knows. Safe for use by many threads.
public final class RpcClient {
    private final Network network;
    private final RpcPrograms callbacks;
    private final RpcLimits limits;
    private final RpcCounters counters = new RpcCounters();

    /// `callbacks` are the programs that servers may call on connections made here.
    public RpcClient(Network network, RpcPrograms callbacks, RpcLimits limits) {
        this.network = network;
        this.callbacks = callbacks;
        this.limits = limits;
    }

    /// Completes on the connection's loop, or with an [java.io.IOException] that names the address.
    public CompletableFuture<RpcConnection> connect(InetSocketAddress to, ConnectionLimits connectionLimits) {
        var connected = new CompletableFuture<RpcConnection>();
        network.connect(
                to,
                connection -> {
                    var rpc = new RpcConnection(connection, callbacks, limits, counters);
                    connection.loop().execute(() -> connected.complete(rpc));
                    return rpc;
                },
                connectionLimits,
                connected::completeExceptionally);
        return connected;
    }

    public RpcCounters counters() {
        return counters;
    }
}
