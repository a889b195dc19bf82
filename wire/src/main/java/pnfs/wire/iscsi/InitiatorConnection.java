package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Sink;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// One connection of an initiator's session, from login to loss: puts commands on the wire within the target's
/// window, and takes data, requests for data and statuses back. Data path, confined to its loop.
///
/// Nothing is ever written outside a task's buffer, nor read from outside it: data must come, and be asked for, in
/// order and within what was announced. Whatever breaks the protocol ends the connection (error recovery level 0).
final class InitiatorConnection implements ConnectionHandler, PduReader.Receiver {
    static final int FIRST_CMD_SN = 1;

    private static final Logger log = LoggerFactory.getLogger(InitiatorConnection.class);

    /// Tags of tasks have the slot in their low bits and the highest bit clear; tags of requests of ours have it
    /// set.
    private static final int SLOT_MASK = InitiatorConfig.MAX_DEPTH - 1;
    private static final int TASK_TAG_MASK = 0x7fff_ffff;
    private static final int REQUEST_TAG = 0x8000_0000;
    private static final int REQUEST_NUMBER_MASK = 0x3fff_ffff;
    /// Write data in our outbound queue is the caller's memory, so this bounds time rather than memory.
    private static final long MAX_WRITE_BYTES_IN_FLIGHT = 64L << 20;

    /// What a connection can be; it only ever goes on to the next.
    private enum Phase {
        LOGIN,
        FULL_FEATURE,
        /// The target wants to be left: nothing new is started, and a logout follows.
        LEAVING,
        CLOSED
    }

    private final Connection connection;
    private final IscsiInitiator session;
    private final InitiatorConfig config;
    private final InitiatorLogin login;
    private final PduReader reader;
    private final PduWriter out;
    private final @Nullable ScsiTask[] slots;
    private final int[] freeSlots;
    private int freeCount;
    private int generation;
    private int requests;
    private Phase phase = Phase.LOGIN;
    private SessionParameters parameters = SessionParameters.LOGIN;
    private int cmdSn = FIRST_CMD_SN;
    private int maxCmdSn = FIRST_CMD_SN - 1;
    private int expStatSn;
    private long writeBytesInFlight;

    /// When the login, or what has the phase LEAVING wait, must be over.
    private long phaseDeadlineNanos;

    private int pingTag = Bhs.NO_TAG;
    private long pingDeadlineNanos;
    private long heardNanos;

    private int recoveryTag = Bhs.NO_TAG;
    private int recoveryFunction;
    private long recoveryDeadlineNanos;
    private @Nullable ScsiTask recovered;

    private boolean logoutSent;
    private @Nullable RuntimeException whyLost;

    InitiatorConnection(Connection connection, IscsiInitiator session, InitiatorConfig config, int firstStage) {
        this.connection = connection;
        this.session = session;
        this.config = config;
        this.login = new InitiatorLogin(config, firstStage);
        this.reader = new PduReader(connection, this);
        this.out = new PduWriter(connection);
        this.slots = new ScsiTask[config.depth()];
        this.freeSlots = new int[config.depth()];
        for (int slot = config.depth() - 1; slot >= 0; slot--) {
            freeSlots[freeCount++] = slot;
        }
        heardNanos = connection.loop().nowNanos();
        phaseDeadlineNanos = heardNanos + config.times().login().toNanos();
        login.request(out);
        out.flush();
    }

    // Bytes come.

    @Override
    public void onBytes(ByteBuffer staged) {
        heardNanos = connection.loop().nowNanos();
        try {
            reader.onBytes(staged);
            session.pump();
            out.flush();
        } catch (IscsiException | LoginRefusedException e) {
            lost(e);
        }
    }

    @Override
    public void onSinkFull(Sink sink) {
        heardNanos = connection.loop().nowNanos();
        try {
            reader.onSinkFull();
            session.pump();
            out.flush();
        } catch (IscsiException e) {
            lost(e);
        }
    }

    /// The connection is gone. Only now is it sure that nobody touches the tasks' buffers any more.
    @Override
    public void onClosed(String why) {
        phase = Phase.CLOSED;
        RuntimeException known = whyLost;
        session.connectionLost(
                known != null ? known : new IscsiSessionException("connection to " + config.portal() + " lost: " + why),
                takeAll());
    }

    private void lost(RuntimeException why) {
        if (phase != Phase.CLOSED) {
            phase = Phase.CLOSED;
            whyLost = why;
            connection.close(String.valueOf(why.getMessage()));
        }
    }

    /// Ends this connection after a logout that is not waited for.
    void closeGently(String why) {
        if (phase == Phase.FULL_FEATURE) {
            sendLogout();
            out.flush();
        }
        lost(new IscsiSessionException(why));
    }

    /// All tasks on the wire in the order they were sent.
    private List<ScsiTask> takeAll() {
        var tasks = new ArrayList<ScsiTask>();
        for (int slot = 0; slot < slots.length; slot++) {
            ScsiTask task = slots[slot];
            if (task != null) {
                slots[slot] = null;
                tasks.add(task);
            }
        }
        int first = cmdSn;
        tasks.sort(Comparator.comparingInt(task -> task.cmdSn - first));
        return tasks;
    }

    @Override
    public @Nullable Sink place(ByteBuffer header, int at, int bytes) {
        if (Bhs.opcode(header, at) != Opcode.DATA_IN) {
            return null;
        }
        ScsiTask task = dataInTask(header, at, bytes);
        return Sink.of(task.data.slice(task.dataAt + task.moved, bytes));
    }

    @Override
    public void placed(ByteBuffer header, int at) {
        dataInArrived(task(Bhs.initiatorTaskTag(header, at)), header, at);
    }

    @Override
    public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (phase == Phase.CLOSED) {
            return;
        }
        if (phase == Phase.LOGIN) {
            loginResponse(header, at, data, dataAt, dataBytes);
            return;
        }
        switch (Bhs.opcode(header, at)) {
            case Opcode.DATA_IN -> {
                ScsiTask task = dataInTask(header, at, dataBytes);
                task.data.put(task.dataAt + task.moved, data, dataAt, dataBytes);
                dataInArrived(task, header, at);
            }
            case Opcode.SCSI_RESPONSE -> response(header, at, data, dataAt, dataBytes);
            case Opcode.R2T -> r2t(header, at);
            case Opcode.NOP_IN -> nopIn(header, at, data, dataAt, dataBytes);
            case Opcode.TASK_RESPONSE -> taskResponse(header, at);
            case Opcode.ASYNC_MESSAGE -> asyncMessage(header, at);
            case Opcode.REJECT -> reject(header, at, data, dataAt, dataBytes);
            case Opcode.LOGOUT_RESPONSE -> throw new IscsiException("target let us log out");
            default -> throw new IscsiException("unexpected " + Opcode.name(Bhs.opcode(header, at)));
        }
    }

    // Login.

    private void loginResponse(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (!login.response(header, at, data, dataAt, dataBytes)) {
            login.request(out);
            return;
        }
        parameters = login.parameters();
        reader.use(parameters);
        out.use(parameters);
        expStatSn = login.expStatSn();
        phase = Phase.FULL_FEATURE;
        window(login.expCmdSn(), login.maxCmdSn());
        session.connectionUp(parameters);
    }

    // Commands.

    /// Whether `task` can be sent now: the target's window, a free slot, and how much is on its way.
    boolean canStart(ScsiTask task) {
        return phase == Phase.FULL_FEATURE
                && freeCount > 0
                && !SerialNumber.isBefore(maxCmdSn, cmdSn)
                && (writeBytesInFlight == 0
                        || task.direction != ScsiTask.Direction.WRITE
                        || writeBytesInFlight + task.bytes <= MAX_WRITE_BYTES_IN_FLIGHT);
    }

    /// Puts a command on the wire, with as much of its data as the session allows unasked.
    void start(ScsiTask task) {
        int slot = freeSlots[--freeCount];
        slots[slot] = task;
        task.tag = ((generation++ * InitiatorConfig.MAX_DEPTH) | slot) & TASK_TAG_MASK;
        task.cmdSn = cmdSn++;
        task.moved = 0;
        task.overdue = false;
        long now = connection.loop().nowNanos();
        task.deadlineNanos = now + config.times().command().toNanos();
        if (task.firstSentNanos == 0) {
            task.firstSentNanos = now;
        }
        boolean write = task.direction == ScsiTask.Direction.WRITE;
        int immediate = write ? parameters.immediateBytes(task.bytes) : 0;
        int unsolicited = write ? parameters.unsolicitedBytes(task.bytes) : 0;
        int flags = Bhs.ATTRIBUTE_SIMPLE
                | (unsolicited > immediate ? 0 : Bhs.FINAL)
                | switch (task.direction) {
                    case NONE -> 0;
                    case READ -> Bhs.READ;
                    case WRITE -> Bhs.WRITE;
                };
        int at = out.begin(Opcode.SCSI_COMMAND, flags);
        ByteBuffer pdu = out.buffer();
        Bhs.putLun(pdu, at, task.lun);
        Bhs.putInitiatorTaskTag(pdu, at, task.tag);
        Bhs.putExpectedBytes(pdu, at, task.bytes);
        Bhs.putCmdSn(pdu, at, task.cmdSn);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        pdu.put(Bhs.cdbAt(at), task.cdb, 0, Cdb.BYTES);
        out.end(at, task.data, task.dataAt, immediate);
        task.moved = immediate;
        if (write) {
            writeBytesInFlight += task.bytes;
            sendData(task, unsolicited - immediate, Bhs.NO_TAG);
        }
    }

    /// Sends the next `bytes` bytes of a write as one sequence of Data-Out PDUs.
    private void sendData(ScsiTask task, int bytes, int transferTag) {
        int end = task.moved + bytes;
        for (int dataSn = 0; task.moved < end; dataSn++) {
            int piece = Math.min(end - task.moved, parameters.maxSendBytes());
            int at = out.begin(Opcode.DATA_OUT, task.moved + piece == end ? Bhs.FINAL : 0);
            ByteBuffer pdu = out.buffer();
            Bhs.putLun(pdu, at, task.lun);
            Bhs.putInitiatorTaskTag(pdu, at, task.tag);
            Bhs.putTargetTransferTag(pdu, at, transferTag);
            Bhs.putExpStatSn(pdu, at, expStatSn);
            Bhs.putDataSn(pdu, at, dataSn);
            Bhs.putBufferOffset(pdu, at, task.moved);
            out.end(at, task.data, task.dataAt + task.moved, piece);
            task.moved += piece;
        }
    }

    void flush() {
        out.flush();
    }

    private ScsiTask task(int tag) {
        int slot = tag & SLOT_MASK;
        ScsiTask task = slot < slots.length ? slots[slot] : null;
        if (task == null || task.tag != tag) {
            throw new IscsiException("no task has the tag " + Integer.toHexString(tag));
        }
        return task;
    }

    private void forget(ScsiTask task) {
        int slot = task.tag & SLOT_MASK;
        slots[slot] = null;
        freeSlots[freeCount++] = slot;
        if (task.direction == ScsiTask.Direction.WRITE) {
            writeBytesInFlight -= task.bytes;
        }
    }

    /// The task that `bytes` bytes of a Data-In belong to, if they are the next ones of its buffer.
    private ScsiTask dataInTask(ByteBuffer header, int at, int bytes) {
        ScsiTask task = task(Bhs.initiatorTaskTag(header, at));
        int offset = Bhs.bufferOffset(header, at);
        if (task.direction != ScsiTask.Direction.READ || offset != task.moved || bytes > task.bytes - task.moved) {
            throw new IscsiException("Data-In of " + bytes + " bytes at " + Integer.toUnsignedString(offset)
                    + ", where the next of " + task.bytes + " is " + task.moved);
        }
        return task;
    }

    private void dataInArrived(ScsiTask task, ByteBuffer header, int at) {
        window(Bhs.expCmdSn(header, at), Bhs.maxCmdSn(header, at));
        task.moved += Bhs.dataBytes(header, at);
        if (Bhs.has(header, at, Bhs.STATUS)) {
            expStatSn = Bhs.statSn(header, at) + 1;
            ended(task, header, at, Sense.NONE);
        }
    }

    private void response(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        status(header, at);
        ScsiTask task = task(Bhs.initiatorTaskTag(header, at));
        int response = Bhs.response(header, at);
        if (response != 0) {
            forget(task);
            session.end(
                    task, 0, new IscsiSessionException("target failed to carry out the command, response " + response));
            return;
        }
        Sense sense = Sense.NONE;
        if (dataBytes > 2) {
            int senseBytes = Math.min(data.getShort(dataAt) & 0xffff, dataBytes - 2);
            sense = Sense.read(data, dataAt + 2, senseBytes);
        }
        ended(task, header, at, sense);
    }

    private void ended(ScsiTask task, ByteBuffer header, int at, Sense sense) {
        int status = Bhs.scsiStatus(header, at);
        switch (status) {
            case ScsiStatus.GOOD, ScsiStatus.CONDITION_MET -> good(task, header, at);
            case ScsiStatus.BUSY, ScsiStatus.TASK_SET_FULL -> {
                forget(task);
                session.retryLater(task, new ScsiException(status, sense));
            }
            case ScsiStatus.TASK_ABORTED -> {
                // Another initiator reset the unit, or fenced us: sent once more it meets a conflict, which says so.
                forget(task);
                var ended = new ScsiException(status, sense);
                if (task.repeat == ScsiTask.Repeat.HARMFUL) {
                    session.end(task, 0, ended);
                } else {
                    session.retryLater(task, ended);
                }
            }
            default -> {
                forget(task);
                var failure = new ScsiException(status, sense);
                if (sense.isUnitAttention()) {
                    session.retryAfterAttention(task, failure);
                } else {
                    session.end(task, 0, failure);
                }
            }
        }
    }

    private void good(ScsiTask task, ByteBuffer header, int at) {
        int residual = Bhs.has(header, at, Bhs.UNDERFLOW) ? Bhs.residual(header, at) : 0;
        boolean sane = residual >= 0 && residual <= task.bytes;
        boolean whole = task.direction != ScsiTask.Direction.READ || task.moved == task.bytes - residual;
        if (!sane || !whole) {
            throw new IscsiException("GOOD for " + task.bytes + " bytes, of which " + task.moved + " were moved and "
                    + Integer.toUnsignedString(residual) + " are said to be missing");
        }
        forget(task);
        session.end(task, task.bytes - residual, null);
    }

    private void r2t(ByteBuffer header, int at) {
        window(Bhs.expCmdSn(header, at), Bhs.maxCmdSn(header, at));
        ScsiTask task = task(Bhs.initiatorTaskTag(header, at));
        if (task.overdue) {
            return; // we have asked for its end; its data stay here
        }
        int offset = Bhs.bufferOffset(header, at);
        int desired = Bhs.desiredBytes(header, at);
        boolean inside = desired > 0 && desired <= parameters.maxBurstBytes() && desired <= task.bytes - task.moved;
        if (task.direction != ScsiTask.Direction.WRITE || offset != task.moved || !inside) {
            throw new IscsiException("R2T for " + Integer.toUnsignedString(desired) + " bytes at "
                    + Integer.toUnsignedString(offset) + ", where the next of " + task.bytes + " is " + task.moved);
        }
        sendData(task, desired, Bhs.targetTransferTag(header, at));
    }

    /// Takes the sequence numbers of a PDU that has a StatSN of its own.
    private void status(ByteBuffer header, int at) {
        expStatSn = Bhs.statSn(header, at) + 1;
        window(Bhs.expCmdSn(header, at), Bhs.maxCmdSn(header, at));
    }

    private void window(int expCmdSn, int newMaxCmdSn) {
        // RFC 7143 §4.2.2.1: a window that ends before its begin is no window, and windows never shrink.
        if (!SerialNumber.isBefore(newMaxCmdSn, expCmdSn - 1) && SerialNumber.isBefore(maxCmdSn, newMaxCmdSn)) {
            maxCmdSn = newMaxCmdSn;
        }
    }

    // Requests of ours and of the target's.

    private int nextRequestTag() {
        return REQUEST_TAG | (requests++ & REQUEST_NUMBER_MASK);
    }

    private void nopIn(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        int tag = Bhs.initiatorTaskTag(header, at);
        int transferTag = Bhs.targetTransferTag(header, at);
        if (tag == Bhs.NO_TAG) {
            window(Bhs.expCmdSn(header, at), Bhs.maxCmdSn(header, at));
        } else {
            status(header, at);
            if (tag != pingTag) {
                throw new IscsiException("NOP-In for " + Integer.toHexString(tag) + ", which we did not ask");
            }
            pingTag = Bhs.NO_TAG;
        }
        if (transferTag != Bhs.NO_TAG) {
            int answerAt = out.begin(Opcode.NOP_OUT, Bhs.FINAL);
            ByteBuffer pdu = out.buffer();
            Bhs.setImmediate(pdu, answerAt);
            Bhs.putLun(pdu, answerAt, Bhs.lun(header, at));
            Bhs.putInitiatorTaskTag(pdu, answerAt, Bhs.NO_TAG);
            Bhs.putTargetTransferTag(pdu, answerAt, transferTag);
            Bhs.putCmdSn(pdu, answerAt, cmdSn);
            Bhs.putExpStatSn(pdu, answerAt, expStatSn);
            // The bytes are shown to us for this call only.
            var echo = new byte[Math.min(dataBytes, parameters.maxSendBytes())];
            data.get(dataAt, echo);
            out.end(answerAt, echo);
        }
    }

    private void sendPing(long now) {
        pingTag = nextRequestTag();
        pingDeadlineNanos = now + config.times().ping().toNanos();
        int at = out.begin(Opcode.NOP_OUT, Bhs.FINAL);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, at);
        Bhs.putInitiatorTaskTag(pdu, at, pingTag);
        Bhs.putTargetTransferTag(pdu, at, Bhs.NO_TAG);
        Bhs.putCmdSn(pdu, at, cmdSn);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        out.end(at);
    }

    private void sendLogout() {
        logoutSent = true;
        int at = out.begin(Opcode.LOGOUT_REQUEST, Bhs.FINAL | Logout.CLOSE_SESSION);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, at);
        Bhs.putInitiatorTaskTag(pdu, at, nextRequestTag());
        Bhs.putCmdSn(pdu, at, cmdSn);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        out.end(at);
    }

    private void asyncMessage(ByteBuffer header, int at) {
        status(header, at);
        int event = Bhs.asyncEvent(header, at);
        log.info("target sent an async message target={} event={}", config.targetName(), event);
        switch (event) {
            case AsyncEvent.SCSI_EVENT -> {}
            case AsyncEvent.LOGOUT_REQUEST, AsyncEvent.RENEGOTIATE -> {
                // What is on the wire may end, for as long as the target gives us; the rest goes to the next session.
                phase = Phase.LEAVING;
                long seconds = Bhs.asyncParameter(header, at, 3);
                phaseDeadlineNanos = connection.loop().nowNanos() + seconds * 1_000_000_000L;
            }
            default -> throw new IscsiException("target drops the session, async event " + event);
        }
    }

    private void reject(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        status(header, at);
        int reason = Bhs.response(header, at);
        boolean ofCommand = dataBytes >= Bhs.BYTES && Bhs.opcode(data, dataAt) == Opcode.SCSI_COMMAND;
        if (!ofCommand) {
            throw new IscsiException("target rejected a PDU of ours, reason " + reason);
        }
        ScsiTask task = task(Bhs.initiatorTaskTag(data, dataAt));
        forget(task);
        session.end(task, 0, new IscsiSessionException("target rejected the command, reason " + reason));
    }

    // Recovery within the session.

    /// Looks at what should have happened by now.
    void tick(long now) {
        switch (phase) {
            case LOGIN -> {
                if (now - phaseDeadlineNanos >= 0) {
                    lost(new IscsiSessionException(
                            "login not answered in " + config.times().login()));
                }
            }
            case FULL_FEATURE -> {
                ping(now);
                overdue(now);
            }
            case LEAVING -> leave(now);
            case CLOSED -> {}
        }
        if (phase != Phase.CLOSED) {
            out.flush();
        }
    }

    private void ping(long now) {
        if (pingTag != Bhs.NO_TAG) {
            if (now - pingDeadlineNanos >= 0) {
                lost(new IscsiSessionException("target gives no sign of life"));
            }
        } else if (now - heardNanos >= config.times().ping().toNanos()) {
            sendPing(now);
        }
    }

    private void leave(long now) {
        boolean idle = freeCount == slots.length;
        boolean late = now - phaseDeadlineNanos >= 0;
        if (logoutSent && late) {
            lost(new IscsiSessionException("logout not answered"));
        } else if (!logoutSent && (idle || late)) {
            sendLogout();
            phaseDeadlineNanos = now + config.times().abort().toNanos();
        }
    }

    private void overdue(long now) {
        if (phase != Phase.FULL_FEATURE) {
            return;
        }
        if (recoveryTag != Bhs.NO_TAG) {
            if (now - recoveryDeadlineNanos >= 0) {
                recoverHarder("no answer");
            }
            return;
        }
        for (ScsiTask task : slots) {
            if (task != null && now - task.deadlineNanos >= 0) {
                task.overdue = true;
                recovered = task;
                sendTaskRequest(TaskManagement.ABORT_TASK, task);
                return;
            }
        }
    }

    private void sendTaskRequest(int function, ScsiTask task) {
        recoveryTag = nextRequestTag();
        recoveryFunction = function;
        recoveryDeadlineNanos =
                connection.loop().nowNanos() + config.times().abort().toNanos();
        log.info(
                "command overdue target={} opcode={} function={}",
                config.targetName(),
                Integer.toHexString(Cdb.opcode(task.cdb, 0)),
                function);
        int at = out.begin(Opcode.TASK_REQUEST, Bhs.FINAL | function);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, at);
        Bhs.putLun(pdu, at, task.lun);
        Bhs.putInitiatorTaskTag(pdu, at, recoveryTag);
        boolean abort = function == TaskManagement.ABORT_TASK;
        Bhs.putReferencedTaskTag(pdu, at, abort ? task.tag : Bhs.NO_TAG);
        Bhs.putCmdSn(pdu, at, cmdSn);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        Bhs.putRefCmdSn(pdu, at, abort ? task.cmdSn : 0);
        out.end(at);
    }

    private void taskResponse(ByteBuffer header, int at) {
        status(header, at);
        if (Bhs.initiatorTaskTag(header, at) != recoveryTag) {
            throw new IscsiException("answer to a task management request that we did not send");
        }
        recoveryTag = Bhs.NO_TAG;
        ScsiTask task = recovered;
        if (task == null || slots[task.tag & SLOT_MASK] != task) {
            return; // its status came while we asked for its end
        }
        int response = Bhs.response(header, at);
        boolean abort = recoveryFunction == TaskManagement.ABORT_TASK;
        if (response == TaskManagement.COMPLETE || (abort && response == TaskManagement.NO_SUCH_TASK)) {
            endRecovered(task, abort);
        } else {
            recoverHarder("response " + response);
        }
    }

    /// The target has forgotten the task, or with a reset all tasks of its unit.
    private void endRecovered(ScsiTask first, boolean abort) {
        for (ScsiTask task : slots) {
            if (task == null || (abort ? task != first : task.lun != first.lun)) {
                continue;
            }
            forget(task);
            if (task.overdue || task.repeat == ScsiTask.Repeat.HARMFUL) {
                session.end(
                        task,
                        0,
                        new IscsiSessionException(
                                "no status in " + config.times().command() + "; the command was aborted"));
            } else {
                session.retryAfterReset(task);
            }
        }
    }

    private void recoverHarder(String why) {
        ScsiTask task = recovered;
        if (recoveryFunction == TaskManagement.ABORT_TASK && task != null) {
            sendTaskRequest(TaskManagement.LOGICAL_UNIT_RESET, task);
        } else {
            lost(new IscsiSessionException("target does not reset its unit: " + why));
        }
    }
}
