package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A client sends COMPOUNDs of all kinds to a server that is killed every now and then, with some of what was
/// changed last in its store; then the client sends again what it was not answered, and what it was. Operations in
/// these COMPOUNDs wait, for a disk of the store or of a data server. Each COMPOUND has run once, up to where its
/// answer says, as another server shows that is asked for just that; and no answer differs from the first.
class ExactlyOnceModelTest {
    private static final int SLOTS = 3;
    private static final int STEPS = 40;
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));
    /// What is decided by the changes alone, and not by when the server began.
    private static final List<Keys> KINDS = List.of(
            Keys.SLOT, Keys.INODE, Keys.ENTRY, Keys.COOKIE, Keys.XATTR, Keys.ORPHAN, Keys.OPEN, Keys.LOCK, Keys.RANGE);

    private final Side steady = new Side("steady");
    private final Side killed = new Side("killed");
    /// Transfers that the killed server waits for, and whether it has to.
    private final ArrayDeque<Runnable> transfers = new ArrayDeque<>();

    private boolean slow;

    /// A server in its runs, and the client's end.
    private final class Side {
        final String machine;
        final ManualLoop loop = new ManualLoop();
        private int runs;
        MemoryEngine engine = new MemoryEngine();
        TestServer server;
        TestPeer peer;
        final List<TestSession> slots = new ArrayList<>();

        Side(String machine) {
            this.machine = machine;
            server = start();
            peer = server.connect();
            var known = (ExchangeIdResult) call(TestSession.exchangeIdArgs("client", 1, 0));
            var made = (CreateSessionResult) call(TestSession.createSession(
                    known.clientId(), known.sequence(), CreateSessionFlags.PERSIST, TestSession.FORE));
            for (int slot = 0; slot < SLOTS; slot++) {
                slots.add(TestSession.of(peer, known.clientId(), made.session(), slot));
            }
            int complete = slots.getFirst().send(false, new ReclaimCompleteArgs(false));
            engine.commitAll();
            assertThat(peer.results(complete).status()).isEqualTo(NfsStatus.OK);
        }

        private TestServer start() {
            return new TestServer(engine, loop, new FuzzRooms(Duration.ZERO, ++runs, this::transfer), machine);
        }

        private void transfer(Runnable answer) {
            if (slow && this == killed) {
                transfers.add(answer);
            } else {
                answer.run();
            }
        }

        private OpResult call(OpArgs operation) {
            int xid = peer.send(2, operation);
            engine.commitAll();
            return peer.results(xid).operations().getFirst();
        }

        void kill() {
            transfers.clear();
            engine = engine.crash();
            server = start();
            peer = server.connect();
        }

        /// Others after each COMPOUND that changed something.
        int notes() {
            var sum = new int[1];
            server.store.scan(Keys.SLOT.first(), Keys.SLOT.end(), (_, value) -> {
                sum[0] = 31 * sum[0] + Arrays.hashCode(value);
                return true;
            });
            return sum[0];
        }

        List<Integer> records() {
            return KINDS.stream().map(this::records).toList();
        }

        private int records(Keys kind) {
            var count = new int[1];
            server.store.scan(kind.first(), kind.end(), (_, _) -> count[0]++ >= 0);
            return count[0];
        }
    }

    /// A COMPOUND on its way to the server that is killed.
    private static final class Call {
        final int slot;
        final boolean keep;
        final OpArgs[] operations;
        final byte[] compound;
        int xid;

        @Nullable
        Opaque answer;

        List<NfsStatus> statuses = List.of();

        Call(int slot, boolean keep, OpArgs[] operations, byte[] compound) {
            this.slot = slot;
            this.keep = keep;
            this.operations = operations;
            this.compound = compound;
        }
    }

    @Seeds(100)
    void a_compound_runs_once_however_often_the_server_is_killed(RandomGenerator random) {
        for (int step = 0; step < STEPS; step++) {
            boolean waits = random.nextBoolean();
            List<Call> calls = send(random, waits);
            look(calls);
            while (random.nextInt(3) == 0) {
                answerTransfers(random.nextInt(3));
                killed.engine.commit(random.nextInt(4));
                look(calls);
                killed.kill();
                calls.forEach(call -> sendTo(killed, call, random, waits));
                look(calls);
            }
            answerTransfers(Integer.MAX_VALUE);
            killed.engine.commitAll();
            look(calls);
            calls.forEach(call -> compare(call, waits));
            assertThat(killed.records()).isEqualTo(steady.records());
        }
        assertThat(StoreCheck.run(killed.engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {})
                        .findings())
                .isEmpty();
    }

    /// One that changes nothing is the last: sent again, it may run after another that was sent at the same
    /// time, and then its answer is another.
    private List<Call> send(RandomGenerator random, boolean waits) {
        var calls = new ArrayList<Call>();
        int before = 0;
        for (int slot = random.nextInt(SLOTS); slot >= 0 && (calls.isEmpty() || before != killed.notes()); slot--) {
            before = killed.notes();
            boolean keep = waits || random.nextBoolean(); // or nobody knows how far it came
            OpArgs[] operations = operations(random);
            byte[] compound = TestPeer.encode(
                    2, TestSession.inSession(killed.slots.get(slot).next(keep), operations));
            var call = new Call(slot, keep, operations, compound);
            sendTo(killed, call, random, waits);
            calls.add(call);
        }
        return calls;
    }

    /// Only the last waits for transfers: nothing overtakes it.
    private void sendTo(Side side, Call call, RandomGenerator random, boolean waits) {
        slow = waits && call.slot == 0;
        side.engine.coldWhen(() -> waits && random.nextBoolean());
        call.xid = side.peer.send(call.compound);
    }

    private void answerTransfers(int most) {
        for (int i = 0; i < most && !transfers.isEmpty(); i++) {
            transfers.remove().run();
            killed.loop.run();
        }
    }

    /// The other server is asked for what this has been done of.
    private void compare(Call call, boolean waits) {
        boolean isCut = waits && call.statuses.getLast() == NfsStatus.DELAY;
        int done = isCut ? call.statuses.size() - 2 : call.operations.length;
        int xid = steady.slots.get(call.slot).send(call.keep, Arrays.copyOf(call.operations, done));
        steady.engine.commitAll();
        if (!call.statuses.isEmpty()) {
            List<NfsStatus> expected = statuses(steady.peer.results(xid));
            assertThat(isCut ? call.statuses.subList(0, done + 1) : call.statuses)
                    .isEqualTo(expected);
        }
    }

    /// Some changes, each of which cannot be made twice, mostly.
    private static OpArgs[] operations(RandomGenerator random) {
        var all = new ArrayList<OpArgs>();
        for (int i = random.nextInt(2); i >= 0; i--) {
            all.add(new PutRootFhArgs());
            String name = name(random);
            switch (random.nextInt(9)) {
                case 0 -> all.add(new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY));
                case 1 -> all.add(new RemoveArgs(name));
                case 2 -> all.addAll(List.of(new SaveFhArgs(), new RenameArgs(name, name(random))));
                case 3 -> {
                    all.add(open(name, random));
                    all.addAll(List.of(new SaveFhArgs(), new PutRootFhArgs(), new LinkArgs(name(random))));
                }
                case 4 -> all.addAll(List.of(open(name, random), new CloseArgs(0, Stateid.CURRENT)));
                case 5 -> {
                    all.add(open("of bytes", random)); // nobody has a layout of it, which would be in the way
                    var data = ByteBuffer.wrap("bytes".getBytes(StandardCharsets.UTF_8));
                    all.add(new WriteArgs(Stateid.CURRENT, 0, StableHow.FILE_SYNC, data));
                    all.add(new ReadArgs(Stateid.CURRENT, 0, data.remaining()));
                }
                default -> {
                    all.add(open(name, random));
                    all.addAll(held(random));
                }
            }
            all.add(new GetAttrArgs(Bitmap.of(Attribute.CHANGE, Attribute.SIZE)));
        }
        return all.toArray(OpArgs[]::new);
    }

    private static List<OpArgs> held(RandomGenerator random) {
        var range = new FileRange(random.nextInt(8) * 4096L, (8 + random.nextInt(8)) * 4096L);
        return switch (random.nextInt(4)) {
            case 0 ->
                List.of(new SetXattrArgs(
                        random.nextBoolean() ? SetXattrMode.CREATE : SetXattrMode.REPLACE,
                        name(random),
                        Opaque.ofUtf8("value")));
            case 1 ->
                List.of(
                        new LockArgs(LockType.WRITE, false, range, new Locker.NewOwner(0, Stateid.CURRENT, 0, OWNER)),
                        new LockuArgs(LockType.WRITE, 0, Stateid.CURRENT, new FileRange(0, 4096)));
            default ->
                List.of(
                        new LayoutGetArgs(
                                false, LayoutType.SCSI, Iomode.READ_WRITE, range, 4096, Stateid.CURRENT, 4096),
                        new LayoutCommitArgs(
                                range,
                                false,
                                Stateid.CURRENT,
                                OptionalLong.of(range.offset() + 4095),
                                Optional.empty(),
                                new LayoutBody(
                                        LayoutType.SCSI,
                                        ScsiLayoutCodec.writeUpdate(
                                                List.of(ByteRange.ofLength(range.offset(), 4096))))));
        };
    }

    private static OpArgs open(String name, RandomGenerator random) {
        OpenHow how = random.nextBoolean() ? new OpenHow.Guarded(Fattr.EMPTY) : new OpenHow.NoCreate();
        return new OpenArgs(0, ShareBits.BOTH, 0, OWNER, how, new OpenClaim.ByName(name));
    }

    private static String name(RandomGenerator random) {
        return "name " + random.nextInt(3);
    }

    private void look(List<Call> calls) {
        for (Call call : calls) {
            if (!killed.peer.isAnswered(call.xid)) {
                continue;
            }
            Opaque answer = killed.peer.bytes(call.xid);
            Results results = killed.peer.results(call.xid);
            boolean isLost = results.status() == NfsStatus.RETRY_UNCACHED_REP;
            if (call.answer == null || isLost) {
                if (!isLost) {
                    call.statuses = statuses(results);
                }
                call.answer = answer;
            } else {
                assertThat(answer).isEqualTo(call.answer);
            }
        }
    }

    private static List<NfsStatus> statuses(Results results) {
        return results.operations().stream().map(OpResult::status).toList();
    }
}
