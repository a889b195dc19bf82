package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// A connection to the server.
final class Peer {
    private static final int NFS = 100003;
    private static final int VERSION = 4;
    private static final int COMPOUND = 1;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Opaque TAG = Opaque.ofUtf8("suite");

    final RpcConnection rpc;
    final Callbacks callbacks;

    Peer(RpcConnection rpc, Callbacks callbacks) {
        this.rpc = rpc;
        this.callbacks = callbacks;
    }

    /// A COMPOUND of minor version 1 by root.
    Results call(OpArgs... operations) {
        return call(Suite.ROOT, 1, operations);
    }

    Results call(RpcCredential who, int minorVersion, OpArgs... operations) {
        return send(who, minorVersion, operations).join();
    }

    CompletableFuture<Results> send(RpcCredential who, int minorVersion, OpArgs... operations) {
        var arguments = new XdrWriter();
        CompoundCodec.writeCall(arguments, TAG, minorVersion, List.of(operations));
        return send(who, arguments.toByteArray()).thenApply(Peer::results);
    }

    /// Any bytes as the arguments of a COMPOUND. Ends with an [pnfs.wire.rpc.RpcException] where the call is not
    /// accepted.
    CompletableFuture<XdrReader> send(RpcCredential who, byte[] arguments) {
        XdrWriter request = RpcConnection.request(NFS, VERSION, COMPOUND, who, arguments.length);
        request.writeFixed(arguments);
        return rpc.call(request, LIMIT);
    }

    /// The one operation, outside of any session.
    OpResult alone(RpcCredential who, OpArgs operation) {
        Results results = call(who, 1, operation);
        assertThat(results.operations()).hasSize(1);
        return results.operations().getFirst();
    }

    void expectAlone(NfsStatus expected, OpArgs operation) {
        assertThat(alone(Suite.ROOT, operation).status())
                .as(operation.toString())
                .isEqualTo(expected);
    }

    /// Whether the server would not even decode the call, or answered it with BADXDR: it may do either.
    boolean refusesToDecode(byte[] arguments) {
        try {
            Results results = results(send(Suite.ROOT, arguments).join());
            return results.status() == NfsStatus.BADXDR;
        } catch (CompletionException e) {
            return String.valueOf(e.getCause()).contains("GarbageArguments");
        }
    }

    private static Results results(XdrReader in) {
        Results results = CompoundCodec.readResults(in);
        in.expectEnd();
        return results;
    }
}
