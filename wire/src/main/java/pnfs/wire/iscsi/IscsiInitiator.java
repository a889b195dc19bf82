package pnfs.wire.iscsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Network;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.Lun;
import pnfs.wire.scsi.LunList;
import pnfs.wire.scsi.ReserveInData;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiCommand.ReserveInAction;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.VpdPage;

/// A session with an iSCSI target that outlives its connections (RFC 7143). Methods may be called from any
/// thread; all else happens on one loop, where completions run too.
///
/// *Order.* Commands start in the order in which they were submitted, as far as the target's window and
/// [InitiatorConfig#depth] let them; the target may carry them out in any order. Whoever needs one before the
/// other waits for its completion.
///
/// *Failure.* A lost connection is replaced, with growing pauses, by a new one with the same ISID: the target
/// reinstates the session, and so keeps persistent reservations and ends the old tasks. Commands that were on
/// the wire are then sent again, if that does no harm (READ, WRITE, SYNCHRONIZE CACHE and all that only ask);
/// otherwise they fail, because nobody knows whether they were carried out. After
/// [InitiatorConfig.Times#replacement] without a session waiting commands fail, and further ones fail at once
/// until there is one again. A command without a status in time is aborted, then its unit reset, then the
/// connection given up.
///
/// *Retries.* Unit attentions, BUSY and TASK SET FULL are not shown: the command is sent again. All else is.
public final class IscsiInitiator implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(IscsiInitiator.class);

    /// A unit has not more news than this for one command.
    private static final int MAX_ATTENTIONS = 5;
    /// Longest answer to a command of the control path that is asked for.
    private static final int ALLOCATION_BYTES = 8192;

    private static final ByteBuffer NO_DATA = ByteBuffer.allocate(0);

    /// Where a session is.
    private enum State {
        /// A connection is being made or logs in.
        CONNECTING,
        /// Commands flow.
        UP,
        /// Between two attempts.
        PAUSED,
        /// For good.
        CLOSED;

        EnumSet<State> successors() {
            return switch (this) {
                case CONNECTING -> EnumSet.of(UP, PAUSED, CLOSED);
                case UP -> EnumSet.of(PAUSED, CLOSED);
                case PAUSED -> EnumSet.of(CONNECTING, CLOSED);
                case CLOSED -> EnumSet.noneOf(State.class);
            };
        }
    }

    private final Network network;
    private final Loop loop;
    private final InitiatorConfig config;
    private final CompletableFuture<Void> firstLogin = new CompletableFuture<>();
    private final Queue<ScsiTask> submitted = new ConcurrentLinkedQueue<>();
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicBoolean willDrain = new AtomicBoolean();
    private final Runnable drain = this::drain;

    // Confined to the loop from here on.
    private final ArrayDeque<ScsiTask> waiting = new ArrayDeque<>();
    private final ArrayDeque<ScsiTask> waitingForUnit = new ArrayDeque<>();
    private final long tickNanos;
    private State state = State.CONNECTING;
    private @Nullable InitiatorConnection connection;
    private int firstStage;
    private long backOffNanos;
    private long lostNanos;
    private boolean everUp;
    /// Whether the session has been away too long: commands do not wait for it any more.
    private boolean failFast;

    private String lastFailure = "not logged in yet";
    /// Done with the next login, which ends what the target still has of this session.
    private CompletableFuture<Void> nextLogin = new CompletableFuture<>();
    /// What the target wants between a loss and the next login.
    private long time2WaitNanos;

    private IscsiInitiator(Network network, InitiatorConfig config) {
        this.network = network;
        this.loop = network.loop();
        this.config = config;
        this.firstStage = config.chap() == null ? LoginStage.OPERATIONAL : LoginStage.SECURITY;
        long shortest = Math.min(
                config.times().ping().toNanos(), config.times().command().toNanos());
        this.tickNanos = Math.clamp(shortest / 8, 1_000_000L, 500_000_000L);
    }

    /// Starts a session. Commands may be submitted at once; they wait for the login.
    public static IscsiInitiator open(Network network, InitiatorConfig config) {
        if (config.isDiscovery()) {
            throw new IllegalArgumentException("a session needs a target name; SendTargets finds one");
        }
        var initiator = new IscsiInitiator(network, config);
        initiator.loop.execute(initiator::begin);
        return initiator;
    }

    /// Done when the first login has succeeded. Fails with an [IscsiSessionException] if the target refuses it
    /// for a reason that will not pass (the session is then closed), or none succeeds within
    /// [InitiatorConfig.Times#replacement].
    public CompletableFuture<Void> loggedIn() {
        return firstLogin;
    }

    /// Fails all commands that are pending and logs out. Those that a lost connection left with the target count
    /// as over: whoever closes for good knows that it is gone, or does not care. May be called twice.
    @Override
    public void close() {
        try {
            loop.execute(() -> shut("initiator was closed"));
        } catch (RejectedExecutionException e) {
            log.trace("loop had ended target={}", config.targetName());
        }
    }

    // Data path.

    /// Reads `blocks` blocks from `firstBlock` into the bytes of `into` from its position to its limit, which must
    /// be as many. The buffer belongs to us until `done`; its position does not move.
    public void read(int lun, long firstBlock, int blocks, ByteBuffer into, Completion done) {
        ScsiTask task = task(lun, ScsiTask.Direction.READ, into, done);
        Cdb.putRead16(task.cdb, 0, firstBlock, blocks);
        submit(task);
    }

    /// Writes the bytes of `from` from its position to its limit to `blocks` blocks from `firstBlock`. The bytes
    /// must stay as they are until `done`; the buffer's position does not move.
    public void write(int lun, long firstBlock, int blocks, ByteBuffer from, Completion done) {
        ScsiTask task = task(lun, ScsiTask.Direction.WRITE, from, done);
        Cdb.putWrite16(task.cdb, 0, firstBlock, blocks);
        submit(task);
    }

    /// As [#write], and a crash of the target leaves all of the blocks or none (WRITE ATOMIC): no more of them
    /// than its block limits page tells.
    public void writeAtomic(int lun, long firstBlock, int blocks, ByteBuffer from, Completion done) {
        ScsiTask task = task(lun, ScsiTask.Direction.WRITE, from, done);
        Cdb.putWriteAtomic16(task.cdb, 0, firstBlock, blocks);
        submit(task);
    }

    /// Makes what was written durable: all of the unit.
    public void synchronizeCache(int lun, Completion done) {
        ScsiTask task = task(lun, ScsiTask.Direction.NONE, NO_DATA, done);
        Cdb.putSynchronizeCache16(task.cdb, 0, 0, 0);
        submit(task);
    }

    private static ScsiTask task(int lun, ScsiTask.Direction direction, ByteBuffer data, Completion done) {
        int bytes = data.remaining();
        return new ScsiTask(Lun.toWire(lun), direction, ScsiTask.Repeat.HARMLESS, data, data.position(), bytes, done);
    }

    // Control path.

    public CompletableFuture<Void> testUnitReady(int lun) {
        return ask(lun, new ScsiCommand.TestUnitReady(), answer -> null);
    }

    public CompletableFuture<InquiryData> inquiry(int lun) {
        return ask(lun, ScsiCommand.Inquiry.standard(255), InquiryData::read);
    }

    /// A page of vital product data, by its number in [VpdPage].
    public CompletableFuture<VpdPage> vitalProductData(int lun, int page) {
        return ask(lun, ScsiCommand.Inquiry.page(page, ALLOCATION_BYTES), VpdPage::read);
    }

    public CompletableFuture<Capacity> readCapacity(int lun) {
        return ask(lun, new ScsiCommand.ReadCapacity16(Capacity.LONG_BYTES), Capacity::read);
    }

    /// The numbers of the target's units.
    public CompletableFuture<LunList> reportLuns() {
        return ask(0, new ScsiCommand.ReportLuns(0, ALLOCATION_BYTES), LunList::read);
    }

    public CompletableFuture<ReserveInData.Keys> readReservationKeys(int lun) {
        var command = new ScsiCommand.PersistentReserveIn(ReserveInAction.READ_KEYS, ALLOCATION_BYTES);
        return ask(lun, command, ReserveInData.Keys::read);
    }

    public CompletableFuture<ReserveInData.Reservation> readReservation(int lun) {
        var command = new ScsiCommand.PersistentReserveIn(ReserveInAction.READ_RESERVATION, ALLOCATION_BYTES);
        return ask(lun, command, ReserveInData.Reservation::read);
    }

    /// PERSISTENT RESERVE OUT; not repeated in a new session, because its first attempt may have taken effect.
    ///
    /// @param type as in [pnfs.wire.scsi.ReservationType], 0 for actions that have none
    public CompletableFuture<Void> persistentReserveOut(
            int lun, ReserveOutAction action, int type, ReserveOutParameters parameterList) {
        byte[] list = parameterList.toBytes();
        var command = new ScsiCommand.PersistentReserveOut(action, 0, type, list.length);
        var result = new CompletableFuture<Void>();
        ByteBuffer data = ByteBuffer.wrap(list);
        var task = new ScsiTask(
                Lun.toWire(lun),
                ScsiTask.Direction.WRITE,
                ScsiTask.Repeat.HARMFUL,
                data,
                0,
                list.length,
                (bytes, failure) -> settle(result, failure));
        command.put(task.cdb, 0);
        submit(task);
        return result;
    }

    /// Sends a command that only asks, and reads its answer.
    public <T extends @Nullable Object> CompletableFuture<T> ask(
            int lun, ScsiCommand command, Function<ByteBuffer, T> read) {
        var result = new CompletableFuture<T>();
        int bytes = command.allocationBytes();
        ByteBuffer answer = ByteBuffer.allocate(bytes);
        var direction = bytes == 0 ? ScsiTask.Direction.NONE : ScsiTask.Direction.READ;
        Completion done = (moved, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
                return;
            }
            try {
                result.complete(read.apply(answer.slice(0, moved)));
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        };
        ScsiTask task = task(lun, direction, answer, done);
        command.put(task.cdb, 0);
        submit(task);
        return result;
    }

    private static void settle(CompletableFuture<Void> result, @Nullable RuntimeException failure) {
        if (failure == null) {
            result.complete(null);
        } else {
            result.completeExceptionally(failure);
        }
    }

    // From any thread to the loop.

    private void submit(ScsiTask task) {
        if (pending.incrementAndGet() > config.maxPending()) {
            end(
                    task,
                    0,
                    new IscsiSessionException(
                            config.maxPending() + " commands are pending with " + name() + "; wait for some to end"));
            return;
        }
        submitted.add(task);
        if (willDrain.compareAndSet(false, true)) {
            try {
                loop.execute(drain);
            } catch (RejectedExecutionException e) {
                failSubmitted("network is closed");
            }
        }
    }

    private void drain() {
        willDrain.set(false);
        takeSubmitted();
        pump();
        if (connection != null) {
            connection.flush();
        }
    }

    private void takeSubmitted() {
        if (state == State.CLOSED || failFast) {
            failSubmitted(lastFailure);
            return;
        }
        for (ScsiTask task = submitted.poll(); task != null; task = submitted.poll()) {
            waiting.add(task);
        }
    }

    private void failSubmitted(String why) {
        for (ScsiTask task = submitted.poll(); task != null; task = submitted.poll()) {
            end(task, 0, new IscsiSessionException("no session with " + name() + ": " + why));
        }
    }

    /// The end of a task that no queue and no connection knows any more.
    void end(ScsiTask task, int bytes, @Nullable RuntimeException failure) {
        pending.decrementAndGet();
        task.completion.done(bytes, failure);
    }

    // On the loop.

    /// Starts what can be started.
    void pump() {
        takeSubmitted();
        InitiatorConnection up = connection;
        if (up == null || state != State.UP) {
            return;
        }
        for (ScsiTask task = waiting.peek(); task != null && up.canStart(task); task = waiting.peek()) {
            waiting.remove();
            up.start(task);
        }
    }

    private void begin() {
        lostNanos = loop.nowNanos();
        loop.schedule(tickNanos, this::tick);
        connect();
    }

    private void connect() {
        // All state is confined to one loop, so every connection of the session has to live there.
        network.connect(loop, config.portal(), this::connected, limits(), this::connectFailed);
    }

    private ConnectionHandler connected(Connection made) {
        var next = new InitiatorConnection(made, this, config, firstStage);
        if (state == State.CLOSED) {
            next.closeGently(lastFailure);
        } else {
            connection = next;
        }
        return next;
    }

    private ConnectionLimits limits() {
        // Reading must never wait for the outbound queue: a target that waits for us to read would wait for ever.
        int queueBytes = 256 << 20;
        return ConnectionLimits.DEFAULT
                .withQueue(queueBytes, queueBytes)
                .withStall(config.times().ping().multipliedBy(2));
    }

    private void connectFailed(IOException why) {
        if (state != State.CLOSED) {
            pause(String.valueOf(why.getMessage()));
        }
    }

    void connectionUp(SessionParameters settled) {
        time2WaitNanos = settled.time2WaitSeconds() * 1_000_000_000L;
        backOffNanos = 0;
        failFast = false;
        everUp = true;
        become(State.UP, "logged in");
        firstLogin.complete(null);
        var login = nextLogin;
        nextLogin = new CompletableFuture<>();
        login.complete(null);
    }

    /// @param onWire the tasks whose end is unknown, in their order
    void connectionLost(RuntimeException why, List<ScsiTask> onWire) {
        connection = null;
        String reason = String.valueOf(why.getMessage());
        if (state == State.CLOSED) {
            failAll(onWire, reason);
            return;
        }
        if (state == State.UP) {
            lostNanos = loop.nowNanos();
        }
        if (why instanceof LoginRefusedException refused && wantsSecurityStage(refused)) {
            firstStage = LoginStage.SECURITY;
        } else if (!everUp && !willPass(why)) {
            shut(reason);
            failAll(onWire, reason);
            return;
        }
        pause(reason);
        for (ScsiTask task : onWire.reversed()) {
            if (task.overdue || task.repeat == ScsiTask.Repeat.HARMFUL) {
                end(
                        task,
                        0,
                        new IscsiSessionException(
                                "connection lost while the command was on the wire; whether it took effect is not"
                                        + " known: " + reason,
                                nextLogin));
            } else {
                waiting.addFirst(task);
            }
        }
    }

    private boolean wantsSecurityStage(LoginRefusedException refused) {
        return refused.status() == LoginStatus.AUTHENTICATION_FAILURE.wire() && firstStage == LoginStage.OPERATIONAL;
    }

    /// Whether another attempt may fare better: not if the target does not want us, or speaks otherwise than we
    /// do.
    private static boolean willPass(RuntimeException why) {
        return why instanceof LoginRefusedException refused
                ? LoginStatus.isTransient(refused.status())
                : !(why instanceof IscsiException);
    }

    private void pause(String why) {
        become(State.PAUSED, why);
        lastFailure = why;
        loop.schedule(Math.max(backOffNanos, time2WaitNanos), () -> {
            if (state == State.PAUSED) {
                become(State.CONNECTING, "next attempt");
                connect();
            }
        });
        long first = config.times().firstBackOff().toNanos();
        long last = config.times().lastBackOff().toNanos();
        backOffNanos = Math.min(last, backOffNanos == 0 ? first : 2 * backOffNanos);
    }

    private void tick() {
        if (state == State.CLOSED) {
            return;
        }
        long now = loop.nowNanos();
        waiting.addAll(waitingForUnit);
        waitingForUnit.clear();
        InitiatorConnection current = connection;
        if (current != null) {
            current.tick(now);
        }
        boolean awayTooLong = now - lostNanos >= config.times().replacement().toNanos();
        if (state != State.UP && !failFast && awayTooLong) {
            failFast = true;
            lastFailure = "none for " + config.times().replacement() + ", " + lastFailure;
            firstLogin.completeExceptionally(
                    new IscsiSessionException("no session with " + name() + ": " + lastFailure));
            failWaiting();
        }
        pump();
        if (connection != null) {
            connection.flush();
        }
        loop.schedule(tickNanos, this::tick);
    }

    private void failWaiting() {
        var failing = new ArrayList<>(waiting);
        failing.addAll(waitingForUnit);
        waiting.clear();
        waitingForUnit.clear();
        failAll(failing, lastFailure);
        failSubmitted(lastFailure);
    }

    private void failAll(List<ScsiTask> tasks, String why) {
        for (ScsiTask task : tasks) {
            var over = task.firstSentNanos == 0 ? CompletableFuture.<Void>completedFuture(null) : nextLogin;
            end(task, 0, new IscsiSessionException("no session with " + name() + ": " + why, over));
        }
    }

    private void shut(String why) {
        if (state == State.CLOSED) {
            return;
        }
        become(State.CLOSED, why);
        lastFailure = why;
        firstLogin.completeExceptionally(new IscsiSessionException("no session with " + name() + ": " + why));
        failWaiting();
        if (connection != null) {
            connection.closeGently(why);
        }
        nextLogin.complete(null);
    }

    // Retries.

    /// A unit had news before it carried out the command.
    void retryAfterAttention(ScsiTask task, ScsiException attention) {
        task.attentions++;
        log.debug("unit attention target={} sense={}", config.targetName(), attention.sense());
        if (task.attentions > MAX_ATTENTIONS) {
            end(task, 0, attention);
        } else {
            waiting.addFirst(task);
        }
    }

    /// A unit is busy; asks again with the next tick, for as long as a command may take.
    void retryLater(ScsiTask task, ScsiException busy) {
        if (loop.nowNanos() - task.firstSentNanos >= config.times().command().toNanos()) {
            end(task, 0, busy);
        } else {
            waitingForUnit.add(task);
        }
    }

    /// A reset of its unit took the task with it.
    void retryAfterReset(ScsiTask task) {
        waiting.addFirst(task);
    }

    private void become(State next, String why) {
        if (!state.successors().contains(next)) {
            throw new IllegalStateException("session with " + name() + ": " + state + " -> " + next + ", " + why);
        }
        log.info("session moved target={} from={} to={} why={}", config.targetName(), state, next, why);
        state = next;
    }

    private String name() {
        return config.targetName() + " at " + config.portal();
    }
}
