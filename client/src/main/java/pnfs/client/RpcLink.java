package pnfs.client;

import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Network;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.rpc.RpcClient;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// COMPOUND over ONC RPC on one TCP connection, which is made anew when it is lost. Safe for all threads.
final class RpcLink implements MdsLink {
    private static final Logger log = LoggerFactory.getLogger(RpcLink.class);

    private static final int NFS_PROGRAM = 100003;
    private static final int NFS_VERSION = 4;
    private static final int MINOR_VERSION = 2;
    private static final int COMPOUND = 1;
    private static final int EXPECTED_BYTES = 512;

    private final InetSocketAddress server;
    private final RpcClient client;
    private final RpcCredential credential;
    private final Tally tally;
    /// The connection that stands or is being made; null: the next who needs one makes it.
    private final AtomicReference<@Nullable CompletableFuture<RpcConnection>> current = new AtomicReference<>();

    private volatile boolean wasConnected;
    private volatile Runnable whenLost = () -> {};

    /// @param callbacks what the server may call over our connections
    RpcLink(Network network, InetSocketAddress server, Backchannel callbacks, RpcCredential credential, Tally tally) {
        this.server = server;
        this.client = new RpcClient(network, callbacks.programs(), RpcLimits.DEFAULT);
        this.credential = credential;
        this.tally = tally;
    }

    @Override
    public List<OpResult> send(List<OpArgs> compound, Duration limit) throws LinkException, InterruptedIOException {
        RpcConnection connection = await(connection());
        XdrWriter request = RpcConnection.request(NFS_PROGRAM, NFS_VERSION, COMPOUND, credential, EXPECTED_BYTES);
        CompoundCodec.writeCall(request, Opaque.EMPTY, MINOR_VERSION, compound);
        try {
            XdrReader reply = await(connection.call(request, limit));
            return operations(CompoundCodec.readResults(reply), compound);
        } catch (LinkException e) {
            connection.close("no answer");
            throw e;
        } catch (XdrException | NfsException e) {
            connection.close("malformed results");
            throw new LinkException(server + " sent what is no COMPOUND result", e);
        }
    }

    /// A server may refuse a compound without a result of any operation: that is the first one's failure then.
    private static List<OpResult> operations(Results results, List<OpArgs> compound) {
        return results.operations().isEmpty() && results.status() != NfsStatus.OK
                ? List.of(new OpFailure(compound.getFirst().op(), results.status()))
                : results.operations();
    }

    private CompletableFuture<RpcConnection> connection() {
        var mine = new CompletableFuture<RpcConnection>();
        CompletableFuture<RpcConnection> theirs = current.compareAndExchange(null, mine);
        if (theirs != null) {
            return theirs;
        }
        var _ = client.connect(server, ConnectionLimits.DEFAULT).whenComplete((connection, failure) -> {
            if (failure != null) {
                current.compareAndSet(mine, null);
                mine.completeExceptionally(failure);
                return;
            }
            connection.whenClosed(why -> {
                log.debug("connection lost server={} why={}", server, why);
                current.compareAndSet(mine, null);
                whenLost.run();
            });
            if (wasConnected) {
                tally.reconnects.increment();
            }
            wasConnected = true;
            mine.complete(connection);
        });
        return mine;
    }

    private static <T> T await(CompletableFuture<T> future) throws LinkException, InterruptedIOException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new LinkException(Why.of(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the metadata server");
        }
    }

    @Override
    public void whenLost(Runnable then) {
        whenLost = then;
    }

    @Override
    public void close() {
        CompletableFuture<RpcConnection> standing = current.get();
        if (standing != null) {
            var _ = standing.whenComplete((connection, failure) -> {
                if (connection != null) {
                    connection.close("client closed");
                }
            });
        }
    }
}
