package pnfs.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import pnfs.it.process.Cluster;
import pnfs.it.process.Folders;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// What the COMPOUND that clients send most, SEQUENCE+PUTFH+GETATTR, costs a metadata server in a process of
/// its own.
final class CompoundBench {
    private static final int[][] CONNECTIONS_AND_SLOTS = {{1, 1}, {1, 16}, {8, 8}};
    private static final int NFS = 100003;
    private static final int VERSION = 4;
    private static final int MINOR_VERSION = 2;
    private static final int CALL_BYTES = 256;
    private static final int MESSAGE_BYTES = 64 << 10;
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /// What Linux asks for.
    private static final GetAttrArgs GET_ATTRIBUTES = new GetAttrArgs(Bitmap.of(
            Attribute.TYPE,
            Attribute.CHANGE,
            Attribute.SIZE,
            Attribute.FSID,
            Attribute.FILEID,
            Attribute.MODE,
            Attribute.NUMLINKS,
            Attribute.OWNER,
            Attribute.OWNER_GROUP,
            Attribute.RAWDEV,
            Attribute.SPACE_USED,
            Attribute.TIME_ACCESS,
            Attribute.TIME_METADATA,
            Attribute.TIME_MODIFY,
            Attribute.MOUNTED_ON_FILEID));

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

    /// Each connection is a client of its own, with a session that has a slot for each call under way.
    private static List<Supplier<XdrWriter>> calls(RpcConnection connection, int slots)
            throws IOException, InterruptedException {
        var owner = Opaque.ofUtf8("bench-" + connection.connection().id() + "-" + System.nanoTime());
        var exchange = new ExchangeIdArgs(
                1, owner, ExchangeIdFlags.USE_PNFS_MDS, new StateProtection.None(), Optional.empty());
        var client = (ExchangeIdResult) ask(connection, exchange).getFirst();
        var channel = new ChannelAttributes(0, MESSAGE_BYTES, MESSAGE_BYTES, 4096, 16, slots, Optional.empty());
        var create = new CreateSessionArgs(
                client.clientId(), client.sequence(), 0, channel, channel, 1, List.of(new CallbackSecurity.None()));
        Opaque session = ((CreateSessionResult) ask(connection, create).getFirst()).session();
        List<OpResult> root = ask(
                connection,
                new SequenceArgs(session, 1, 0, slots - 1, true),
                new ReclaimCompleteArgs(false),
                new PutRootFhArgs(),
                new GetFhArgs());
        var putRoot = new PutFhArgs(((GetFhResult) root.getLast()).fileHandle());
        var calls = new ArrayList<Supplier<XdrWriter>>();
        for (int slot = 0; slot < slots; slot++) {
            calls.add(new Slot(session, slot, slots - 1, slot == 0 ? 2 : 1, putRoot));
        }
        return calls;
    }

    /// The compounds of one slot, each with the next sequence. Used by one thread at a time.
    private static final class Slot implements Supplier<XdrWriter> {
        private final Opaque session;
        private final int slot;
        private final int highest;
        private final PutFhArgs putRoot;
        private int sequence;

        Slot(Opaque session, int slot, int highest, int sequence, PutFhArgs putRoot) {
            this.session = session;
            this.slot = slot;
            this.highest = highest;
            this.sequence = sequence;
            this.putRoot = putRoot;
        }

        @Override
        public XdrWriter get() {
            return compound(new SequenceArgs(session, sequence++, slot, highest, false), putRoot, GET_ATTRIBUTES);
        }
    }

    private static XdrWriter compound(OpArgs... operations) {
        XdrWriter request = RpcConnection.request(NFS, VERSION, 1, new RpcCredential.None(), CALL_BYTES);
        CompoundCodec.writeCall(request, Opaque.EMPTY, MINOR_VERSION, List.of(operations));
        return request;
    }

    private static List<OpResult> ask(RpcConnection connection, OpArgs... operations)
            throws IOException, InterruptedException {
        try {
            var results = CompoundCodec.readResults(
                    connection.call(compound(operations), LIMIT).get());
            if (results.status() != NfsStatus.OK) {
                throw new IOException("the metadata server refused: " + results);
            }
            return results.operations();
        } catch (ExecutionException e) {
            throw new IOException("no answer from the metadata server", e);
        }
    }
}
