package pnfs.it.conformance;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.rpc.RpcClient;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcLimits;

/// Clients of one server. Gives each test names that no other has.
final class Suite implements AutoCloseable {
    static final RpcCredential ROOT = new RpcCredential.Sys(0, "suite", 0, 0, List.of());
    static final RpcCredential OTHER = new RpcCredential.Sys(0, "shampoo", 1111, 37, List.of());

    private final InetSocketAddress server;
    private final NioNetwork network;
    private final AtomicInteger names = new AtomicInteger();

    Suite(InetSocketAddress server) throws IOException {
        this.server = server;
        this.network = new NioNetwork(1, System::nanoTime);
    }

    InetSocketAddress server() {
        return server;
    }

    /// A name that was not used before.
    String name() {
        return "t" + ProcessHandle.current().pid() + "-" + names.incrementAndGet();
    }

    /// A new connection; its callbacks come to its own [Callbacks].
    Peer connect() {
        var callbacks = new Callbacks();
        try {
            return new Peer(
                    new RpcClient(network, callbacks.programs(), RpcLimits.DEFAULT)
                            .connect(server, ConnectionLimits.CLIENT)
                            .get(),
                    callbacks);
        } catch (ExecutionException | InterruptedException e) {
            throw new AssertionError("cannot connect to " + server, e);
        }
    }

    /// A new client on a connection of its own, with a session and its RECLAIM_COMPLETE.
    Session session() {
        return session(name());
    }

    Session session(String owner) {
        Session session = Owner.exchange(connect(), owner, 1).createSession();
        session.expect(NfsStatus.OK, new ReclaimCompleteArgs(false));
        return session;
    }

    @Override
    public void close() {
        network.close();
    }
}
