package pnfs.ds.iscsi;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.scsi.ScsiNexus;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.wire.iscsi.AsyncEvent;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Logout;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.OperationalKey;
import pnfs.wire.iscsi.PduWriter;
import pnfs.wire.iscsi.RejectReason;
import pnfs.wire.iscsi.SerialNumber;
import pnfs.wire.iscsi.SessionParameters;
import pnfs.wire.iscsi.TaskManagement;
import pnfs.wire.iscsi.TextAssembler;
import pnfs.wire.net.Loop;
import pnfs.wire.scsi.Lun;

/// A session in its full feature phase, with its one connection (RFC 7143 §4.3): numbers, windows, and every
/// PDU that is not about a command's data, which is [TaskSet]'s. Belongs to the data path; confined to its
/// connection's loop, but for [#end], [#handle] and [#nexus].
///
/// PDUs come over one connection and so in the order of their CmdSN. One that lies outside the window is not
/// answered (RFC 7143 §4.2.2.1); one that leaves a gap inside it could never be followed by the missing one.
final class TargetSession implements TargetConnection.Phase {
    private static final Logger log = LoggerFactory.getLogger(TargetSession.class);
    private static final int NOTHING = 0;

    /// What a session is for.
    enum Kind {
        NORMAL,
        /// SendTargets and nothing else.
        DISCOVERY
    }

    /// Where the login has left the sequence numbers.
    record Numbers(int expCmdSn, int statSn) {}

    private final IscsiTarget target;
    private final TargetConnection connection;
    private final ScsiNexus nexus;
    private final Kind kind;
    private final SessionParameters parameters;
    private final PduWriter out;
    private final TaskSet tasks;
    /// Zero until it has its place; guarded by the registry's lock until then.
    private volatile int handle;

    private int expCmdSn;
    private int statSn;
    /// The present PDU is not to be acted on: why, or [#NOTHING].
    private int rejecting;
    private boolean ignoring;
    /// Its header was acted on already.
    private boolean begun;

    private final TextAssembler text = new TextAssembler();
    private @Nullable ByteBuffer restOfText;
    private int lastTextTag;

    private Loop.@Nullable Timer pinger;
    private boolean heard = true;
    private boolean pinged;

    private boolean closed;
    private final List<Runnable> whenEnded = new ArrayList<>();

    TargetSession(
            IscsiTarget target,
            TargetConnection connection,
            Nexus name,
            Kind kind,
            SessionParameters parameters,
            Numbers numbers) {
        this.target = target;
        this.connection = connection;
        this.nexus = new ScsiNexus(name);
        this.kind = kind;
        this.parameters = parameters;
        this.expCmdSn = numbers.expCmdSn();
        this.statSn = numbers.statSn();
        this.out = connection.out();
        this.tasks = new TaskSet(this, nexus, parameters, out);
    }

    IscsiTarget target() {
        return target;
    }

    Loop loop() {
        return connection.loop();
    }

    Nexus nexus() {
        return nexus.name();
    }

    /// TSIH, zero until the session has one.
    int handle() {
        return handle;
    }

    void named(int handle) {
        this.handle = handle;
    }

    /// The login response is out: from here on PDUs come here.
    void start() {
        target.scsi().join(nexus);
        schedulePing();
    }

    @Override
    public boolean place(ByteBuffer header, int at, int bytes, DataSink sink) {
        begin(header, at, bytes);
        if (ignoring || rejecting != NOTHING) {
            sink.skip(bytes);
            return true;
        }
        boolean carriesData = switch (Bhs.opcode(header, at)) {
            case Opcode.SCSI_COMMAND, Opcode.DATA_OUT -> true;
            default -> false;
        };
        if (carriesData && tasks.place(sink, bytes)) {
            return true;
        }
        begun = true;
        return false;
    }

    @Override
    public void placed(ByteBuffer header, int at) {
        if (rejecting != NOTHING) {
            reject(header, at, rejecting);
        } else if (!ignoring) {
            tasks.placed(header, at);
        }
    }

    @Override
    public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (begun) {
            begun = false; // a large one that is shown as a whole
        } else {
            begin(header, at, dataBytes);
        }
        if (rejecting != NOTHING) {
            reject(header, at, rejecting);
        } else if (!ignoring) {
            end(header, at, data, dataAt, dataBytes);
        }
    }

    /// Decides what becomes of a PDU by its header.
    private void begin(ByteBuffer header, int at, int dataBytes) {
        heard = true;
        pinged = false;
        rejecting = NOTHING;
        ignoring = false;
        switch (Bhs.opcode(header, at)) {
            case Opcode.SCSI_COMMAND -> {
                if (kind == Kind.DISCOVERY) {
                    rejecting = RejectReason.PROTOCOL_ERROR;
                } else if (isNext(header, at)) {
                    rejecting = tasks.beginCommand(header, at, dataBytes);
                }
            }
            case Opcode.DATA_OUT -> tasks.beginDataOut(header, at, dataBytes);
            case Opcode.NOP_OUT, Opcode.TASK_REQUEST, Opcode.TEXT_REQUEST, Opcode.LOGOUT_REQUEST -> {
                boolean next = isNext(header, at);
                if (next && kind == Kind.DISCOVERY && Bhs.opcode(header, at) == Opcode.TASK_REQUEST) {
                    rejecting = RejectReason.PROTOCOL_ERROR;
                }
            }
            case Opcode.LOGIN_REQUEST -> throw new IscsiException("Login Request after login");
            case Opcode.SNACK -> rejecting = RejectReason.PROTOCOL_ERROR; // error recovery level 0 has none
            default -> rejecting = RejectReason.NOT_SUPPORTED;
        }
    }

    /// Takes the CmdSN of a request. False, and the PDU ignored, when it is outside the window.
    private boolean isNext(ByteBuffer header, int at) {
        if (Bhs.isImmediate(header, at)) {
            return true;
        }
        int number = Bhs.cmdSn(header, at);
        if (!SerialNumber.isWithin(number, expCmdSn, maxCmdSn())) {
            ignoring = true;
            return false;
        }
        if (number != expCmdSn) {
            throw new IscsiException("CmdSN " + Integer.toUnsignedString(number) + " where "
                    + Integer.toUnsignedString(expCmdSn) + " is next");
        }
        expCmdSn++;
        return true;
    }

    private int maxCmdSn() {
        return expCmdSn + target.settings().commandWindow() - tasks.windowUsed() - 1;
    }

    private void end(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        switch (Bhs.opcode(header, at)) {
            case Opcode.SCSI_COMMAND, Opcode.DATA_OUT -> tasks.end(header, at, data, dataAt, dataBytes);
            case Opcode.NOP_OUT -> echo(header, at, data, dataAt, dataBytes);
            case Opcode.TASK_REQUEST -> manageTasks(header, at);
            case Opcode.TEXT_REQUEST -> talk(header, at, data.slice(dataAt, dataBytes));
            case Opcode.LOGOUT_REQUEST -> logOut(header, at);
            default -> throw new IllegalStateException(Opcode.name(Bhs.opcode(header, at)) + " was let in");
        }
    }

    /// ExpCmdSN and MaxCmdSN: every PDU to the initiator tells them.
    void putWindow(ByteBuffer pdu, int at) {
        Bhs.putExpCmdSn(pdu, at, expCmdSn);
        Bhs.putMaxCmdSn(pdu, at, maxCmdSn());
    }

    /// The window, and the StatSN that comes next, without using it up.
    void putNumbers(ByteBuffer pdu, int at) {
        Bhs.putStatSn(pdu, at, statSn);
        putWindow(pdu, at);
    }

    /// The window, and a StatSN of its own.
    void putStatus(ByteBuffer pdu, int at) {
        putNumbers(pdu, at);
        statSn++;
    }

    /// NOP-Out: a ping of the initiator's, or its answer to ours, which has done its work by having come.
    private void echo(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        int tag = Bhs.initiatorTaskTag(header, at);
        if (tag == Bhs.NO_TAG) {
            return;
        }
        var copy = new byte[Math.min(dataBytes, parameters.maxSendBytes())];
        data.get(dataAt, copy);
        int answer = out.begin(Opcode.NOP_IN, Bhs.FINAL);
        Bhs.putInitiatorTaskTag(out.buffer(), answer, tag);
        Bhs.putTargetTransferTag(out.buffer(), answer, Bhs.NO_TAG);
        putStatus(out.buffer(), answer);
        out.end(answer, copy);
    }

    private void reject(ByteBuffer header, int at, int reason) {
        var bad = new byte[Bhs.BYTES];
        header.get(at, bad);
        int answer = out.begin(Opcode.REJECT, Bhs.FINAL);
        Bhs.putResponse(out.buffer(), answer, reason);
        Bhs.putInitiatorTaskTag(out.buffer(), answer, Bhs.NO_TAG);
        putStatus(out.buffer(), answer);
        out.end(answer, bad);
    }

    private void manageTasks(ByteBuffer header, int at) {
        int tag = Bhs.initiatorTaskTag(header, at);
        int lun = Lun.fromWire(Bhs.lun(header, at));
        Runnable complete = () -> answerTaskRequest(tag, TaskManagement.COMPLETE);
        boolean unitIsThere = lun >= 0 && lun < target.scsi().units();
        switch (Bhs.function(header, at)) {
            case TaskManagement.ABORT_TASK -> {
                if (!tasks.abort(Bhs.referencedTaskTag(header, at), complete)) {
                    answerTaskRequest(tag, TaskManagement.NO_SUCH_TASK);
                }
            }
            case TaskManagement.ABORT_TASK_SET, TaskManagement.CLEAR_TASK_SET, TaskManagement.LOGICAL_UNIT_RESET -> {
                if (!unitIsThere) {
                    answerTaskRequest(tag, TaskManagement.NO_SUCH_LUN);
                } else if (Bhs.function(header, at) == TaskManagement.ABORT_TASK_SET) {
                    tasks.abortAt(lun, complete);
                } else if (Bhs.function(header, at) == TaskManagement.CLEAR_TASK_SET) {
                    target.endTasks(lun, this, () -> loop().execute(complete));
                } else {
                    reset(lun, complete);
                }
            }
            case TaskManagement.TARGET_WARM_RESET -> reset(IscsiTarget.EVERY_LUN, complete);
            case TaskManagement.TARGET_COLD_RESET ->
                reset(IscsiTarget.EVERY_LUN, () -> {
                    answerTaskRequest(tag, TaskManagement.COMPLETE);
                    target.endAll("target cold reset");
                });
            case TaskManagement.TASK_REASSIGN -> answerTaskRequest(tag, TaskManagement.NO_REASSIGNMENT);
            default -> answerTaskRequest(tag, TaskManagement.NOT_SUPPORTED);
        }
    }

    /// Ends the tasks of all sessions at a unit, or at all of them, and has the others told.
    private void reset(int lun, Runnable complete) {
        ScsiTarget scsi = target.scsi();
        target.endTasks(lun, this, () -> {
            for (int unit = 0; unit < scsi.units(); unit++) {
                if (lun == IscsiTarget.EVERY_LUN || lun == unit) {
                    scsi.resetDone(unit, nexus);
                }
            }
            loop().execute(complete);
        });
    }

    private void answerTaskRequest(int tag, int response) {
        if (closed) {
            return;
        }
        int pdu = out.begin(Opcode.TASK_RESPONSE, Bhs.FINAL);
        Bhs.putResponse(out.buffer(), pdu, response);
        Bhs.putInitiatorTaskTag(out.buffer(), pdu, tag);
        putStatus(out.buffer(), pdu);
        out.end(pdu);
        out.flush();
    }

    /// Ends this session's tasks at a LUN, or at all; `drained` runs when none touches a volume any more. An
    /// answer they get where another session wants that.
    void endTasks(int lun, TargetSession by, Runnable drained) {
        if (this == by) {
            tasks.abortAt(lun, drained);
        } else {
            tasks.endAt(lun, drained);
        }
    }

    /// The same for a fence, which leaves alone what does not touch the medium.
    void endTasksForFence(int lun, Runnable drained) {
        tasks.endAtMedium(lun, drained);
    }

    private void talk(ByteBuffer header, int at, ByteBuffer data) {
        int tag = Bhs.initiatorTaskTag(header, at);
        ByteBuffer rest = restOfText;
        if (rest != null && Bhs.targetTransferTag(header, at) == lastTextTag) {
            sendText(tag, rest);
            return;
        }
        restOfText = null;
        text.add(data);
        if (Bhs.has(header, at, Bhs.CONTINUE)) {
            int pdu = out.begin(Opcode.TEXT_RESPONSE, 0);
            Bhs.putInitiatorTaskTag(out.buffer(), pdu, tag);
            Bhs.putTargetTransferTag(out.buffer(), pdu, nextTextTag());
            putStatus(out.buffer(), pdu);
            out.end(pdu);
        } else {
            sendText(
                    tag,
                    ByteBuffer.wrap(
                            answerTo(text.take(LoginKeys.MAX_LOGIN_PAIRS)).toBytes()));
        }
    }

    private int nextTextTag() {
        lastTextTag = lastTextTag + 1 == Bhs.NO_TAG ? 0 : lastTextTag + 1;
        return lastTextTag;
    }

    /// As much of a text as the initiator takes at once; the rest when it asks for it.
    private void sendText(int tag, ByteBuffer whole) {
        ByteBuffer part = whole.slice(whole.position(), Math.min(whole.remaining(), parameters.maxSendBytes()));
        whole.position(whole.position() + part.remaining());
        boolean last = !whole.hasRemaining();
        restOfText = last ? null : whole;
        int pdu = out.begin(Opcode.TEXT_RESPONSE, last ? Bhs.FINAL : Bhs.CONTINUE);
        Bhs.putInitiatorTaskTag(out.buffer(), pdu, tag);
        Bhs.putTargetTransferTag(out.buffer(), pdu, last ? Bhs.NO_TAG : nextTextTag());
        putStatus(out.buffer(), pdu);
        out.end(pdu, part, part.position(), part.remaining());
    }

    private LoginKeys answerTo(LoginKeys keys) {
        LoginKeys answers = LoginKeys.EMPTY;
        for (LoginKeys.Pair pair : keys.pairs()) {
            if (pair.key().equals(LoginKeys.SEND_TARGETS)) {
                answers = answers.plus(targets(pair.value()));
            } else {
                boolean settled = OperationalKey.named(pair.key()) != null;
                answers = answers.plus(pair.key(), settled ? LoginKeys.REJECT : LoginKeys.NOT_UNDERSTOOD);
            }
        }
        return answers;
    }

    /// SendTargets (RFC 7143 Appendix C): us, and where we are.
    private LoginKeys targets(String which) {
        String name = target.settings().targetName();
        LoginKeys found = LoginKeys.EMPTY;
        if (which.equals("All") && kind == Kind.NORMAL) {
            return LoginKeys.of(LoginKeys.SEND_TARGETS, LoginKeys.REJECT); // it is for discovery only
        }
        if (which.equals("All") || which.isEmpty() || which.equals(name)) {
            found = found.plus(LoginKeys.TARGET_NAME, name);
            for (String portal : portals()) {
                found = found.plus(LoginKeys.TARGET_ADDRESS, portal + "," + ScsiTarget.PORTAL_GROUP);
            }
        }
        return found;
    }

    private List<String> portals() {
        if (!target.settings().portals().isEmpty()) {
            return target.settings().portals();
        }
        InetSocketAddress here = connection.connection().local();
        String host = here.getAddress().getHostAddress();
        return List.of((host.contains(":") ? "[" + host + "]" : host) + ":" + here.getPort());
    }

    private void logOut(ByteBuffer header, int at) {
        int tag = Bhs.initiatorTaskTag(header, at);
        if (Bhs.function(header, at) == Logout.REMOVE_FOR_RECOVERY) {
            answerLogout(tag, Logout.RECOVERY_NOT_SUPPORTED);
            return;
        }
        tasks.abortAll(() -> {
            answerLogout(tag, Logout.CLOSED);
            connection.close("logged out");
        });
    }

    private void answerLogout(int tag, int response) {
        int pdu = out.begin(Opcode.LOGOUT_RESPONSE, Bhs.FINAL);
        Bhs.putResponse(out.buffer(), pdu, response);
        Bhs.putInitiatorTaskTag(out.buffer(), pdu, tag);
        Bhs.putTimes(out.buffer(), pdu, parameters.time2WaitSeconds(), parameters.time2RetainSeconds());
        putStatus(out.buffer(), pdu);
        out.end(pdu);
    }

    private void schedulePing() {
        pinger = loop().schedule(target.settings().pingSeconds() * 1_000_000_000L, this::ping);
    }

    /// Asks an initiator that has been silent for a while whether it is there, and gives it as long to answer.
    private void ping() {
        boolean silent = !heard && !tasks.isReceiving();
        heard = false;
        if (silent && pinged) {
            connection.close("initiator does not answer");
            return;
        }
        if (silent) {
            pinged = true;
            int pdu = out.begin(Opcode.NOP_IN, Bhs.FINAL);
            Bhs.putInitiatorTaskTag(out.buffer(), pdu, Bhs.NO_TAG);
            Bhs.putTargetTransferTag(out.buffer(), pdu, nextTextTag());
            putNumbers(out.buffer(), pdu);
            out.end(pdu);
            out.flush();
        }
        schedulePing();
    }

    /// Asks the initiator to log out within so many seconds.
    void dismiss(int seconds) {
        if (closed) {
            return;
        }
        int pdu = out.begin(Opcode.ASYNC_MESSAGE, Bhs.FINAL);
        Bhs.putInitiatorTaskTag(out.buffer(), pdu, Bhs.NO_TAG);
        Bhs.putAsyncEvent(out.buffer(), pdu, AsyncEvent.LOGOUT_REQUEST);
        Bhs.putAsyncParameter(out.buffer(), pdu, 3, seconds);
        putStatus(out.buffer(), pdu);
        out.end(pdu);
        out.flush();
    }

    /// Closes the connection at once: what was put together for it and has not left is lost.
    void cutOff(String why) {
        connection.connection().drop(why);
    }

    /// Ends the session from any thread, behind what it has to say. `ended` runs on the session's loop once
    /// none of its tasks touches a volume.
    void end(String why, Runnable ended) {
        loop().execute(() -> {
            whenEnded.add(ended);
            if (closed) {
                tellEnded();
            } else {
                connection.close(why);
            }
        });
    }

    /// The same, without waiting for an initiator that takes nothing any more: nobody is there to hear it.
    void cutOff(String why, Runnable ended) {
        loop().execute(() -> {
            whenEnded.add(ended);
            if (closed) {
                tellEnded();
            } else {
                cutOff(why);
            }
        });
    }

    @Override
    public void closed(String why) {
        closed = true;
        if (pinger != null) {
            pinger.cancel();
        }
        target.leave(this);
        target.scsi().leave(nexus);
        tasks.connectionLost(this::tellEnded);
        log.info("session ended initiator={} tsih={} why={}", nexus().initiator(), handle, why);
    }

    private void tellEnded() {
        if (tasks.isEmpty()) {
            target.forget(this);
            List<Runnable> told = List.copyOf(whenEnded);
            whenEnded.clear();
            told.forEach(Runnable::run);
        }
    }
}
