package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.RemoveResult;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// Exactly-once execution, RFC 8881 §2.10.6: a client that retries, lies and loses count, beside a model that
/// keeps every reply there ever was.
class SlotModelTest {
    private static final int SLOTS = 3;
    /// Over what a slot keeps without being asked.
    private static final int LARGE = 600;

    private static final RpcCredential OTHER = new RpcCredential.Sys(0, "other", 5, 5, List.of());
    private static final RpcCredential OWN = new RpcCredential.Sys(0, "test", 0, 0, List.of());

    private final MemoryEngine engine = new MemoryEngine();
    private final Map<String, Integer> executions = new HashMap<>();
    private final TestServer server = new TestServer(engine, new ManualLoop(), this::register);
    private final TestPeer peer = server.connect();

    /// What the model knows of a slot: its last request, and the reply once that has left.
    private static final class SlotModel {
        int sequence;
        OpArgs @Nullable [] request;
        boolean kept;
        int xid;
    }

    private void register(OpTable table) {
        table.register(OpCode.REMOVE, RemoveArgs.class, (args, state) -> {
                    executions.merge(args.name(), 1, Integer::sum);
                    var batch = new Batch();
                    batch.put(Keys.INODE.of(1), new byte[] {1});
                    state.dependsOn(server.store.append(batch));
                    return new RemoveResult(new ChangeInfo(true, 1, executions.size()));
                })
                .register(
                        OpCode.GETATTR,
                        GetAttrArgs.class,
                        (args, state) -> new GetAttrResult(new Fattr(Bitmap.EMPTY, Opaque.of(new byte[LARGE]))));
    }

    @Seeds(150)
    void a_request_runs_once_whatever_the_client_sends_again(RandomGenerator random) {
        engine.commitAll();
        int known = peer.send(2, TestSession.exchangeIdArgs("client", 1, 0));
        var id = (OpResult.ExchangeIdResult) peer.results(known).operations().getFirst();
        int created = peer.send(2, TestSession.createSession(id.clientId(), id.sequence(), TestSession.FORE));
        engine.commitAll();
        Opaque session = TestSession.of(peer, id.clientId(), peer.results(created)).id;
        var slots = new SlotModel[SLOTS];
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new SlotModel();
        }

        for (int step = 0; step < 150; step++) {
            int number = random.nextInt(SLOTS);
            SlotModel slot = slots[number];
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> sendNext(slot, session, number, "name " + step, random);
                case 3, 4 -> retry(slot);
                case 5 -> sendWrong(slot, session, number, random);
                case 6 -> retryFalsely(slot, session, number, random);
                default -> engine.commit(random.nextInt(3));
            }
        }

        assertThat(executions.values()).allMatch(times -> times == 1);
    }

    private void sendNext(SlotModel slot, Opaque session, int number, String name, RandomGenerator random) {
        boolean keep = random.nextBoolean();
        boolean large = !keep && random.nextBoolean();
        var sequence = new SequenceArgs(session, slot.sequence + 1, number, SLOTS - 1, keep);
        OpArgs[] request = large
                ? TestSession.inSession(
                        sequence, new PutRootFhArgs(), new GetAttrArgs(Bitmap.EMPTY), new RemoveArgs(name))
                : TestSession.inSession(sequence, new PutRootFhArgs(), new RemoveArgs(name));
        boolean busy = isRunning(slot);

        int xid = peer.send(2, request);

        if (busy) {
            assertThat(peer.results(xid).status()).isEqualTo(NfsStatus.SEQ_MISORDERED);
            assertThat(executions).doesNotContainKey(name);
            return;
        }
        assertThat(executions).containsKey(name);
        slot.sequence++;
        slot.request = request;
        slot.kept = !large;
        slot.xid = xid;
    }

    private void retry(SlotModel slot) {
        if (slot.request == null) {
            return;
        }
        boolean running = isRunning(slot);

        int xid = peer.send(2, slot.request);

        Results results = peer.results(xid);
        if (running) {
            assertThat(results.status()).isEqualTo(NfsStatus.DELAY);
        } else if (slot.kept) {
            assertThat(peer.bytes(xid)).isEqualTo(peer.bytes(slot.xid));
        } else {
            assertThat(results.status()).isEqualTo(NfsStatus.RETRY_UNCACHED_REP);
            assertThat(results.operations().getFirst().status()).isEqualTo(NfsStatus.OK);
            assertThat(results.operations()).hasSize(2);
        }
    }

    private void sendWrong(SlotModel slot, Opaque session, int number, RandomGenerator random) {
        int wrong = slot.sequence + (random.nextBoolean() ? 2 + random.nextInt(9) : -1 - random.nextInt(9));

        Results results = peer.results(peer.send(
                2,
                TestSession.inSession(
                        new SequenceArgs(session, wrong, number, SLOTS - 1, true), new RemoveArgs("never"))));

        assertThat(results.status()).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(executions).doesNotContainKey("never");
    }

    private void retryFalsely(SlotModel slot, Opaque session, int number, RandomGenerator random) {
        if (slot.request == null || isRunning(slot)) {
            return;
        }
        boolean byOther = random.nextBoolean();
        OpArgs[] lie = byOther
                ? slot.request
                : TestSession.inSession(
                        new SequenceArgs(session, slot.sequence, number, SLOTS - 1, true),
                        new PutRootFhArgs(),
                        new RemoveArgs("a lie"));

        peer.as(byOther ? OTHER : OWN);
        int xid = peer.send(2, lie);
        peer.as(OWN);

        assertThat(peer.results(xid).status()).isEqualTo(NfsStatus.SEQ_FALSE_RETRY);
        assertThat(executions).doesNotContainKey("a lie");
    }

    private boolean isRunning(SlotModel slot) {
        return slot.request != null && !peer.isAnswered(slot.xid);
    }
}
