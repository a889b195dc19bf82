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
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.Digest;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Logout;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.OperationalKey;
import pnfs.wire.iscsi.RejectReason;
import pnfs.wire.iscsi.SerialNumber;
import pnfs.wire.iscsi.SessionParameters;
import pnfs.wire.iscsi.TaskManagement;
import pnfs.wire.iscsi.TextAssembler;
import pnfs.wire.net.Connection;
import pnfs.wire.net.Loop;
import pnfs.wire.scsi.Lun;

/// A session in its full feature phase, with its one connection (RFC 7143 §4.3): numbers, windows, and every
/// PDU that is not about a command's data, which is [TaskSet]'s. Belongs to the data path; confined to its
/// connection's loop, but for [#end], [#handle] and [#nexus].
///
/// PDUs come over one connection and so in the order of their CmdSN. One that lies outside the window is not
/// answered (RFC 7143 §4.2.2.1); one that leaves a gap inside it could never be followed by the missing one.
final class TargetSession implements PduReceiver {
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
    private final Connection connection;
    private final ScsiNexus nexus;
    private final Kind kind;
    private final SessionParameters parameters;
    private final Outbox outbox;
    private final TaskSet tasks;
    /// Zero until it has its place; guarded by the registry's lock until then.
    private volatile int handle;

    private int expCmdSn;
    private int statSn;
    /// The present PDU is not to be acted on: why, or [#NOTHING].
    private int rejecting;
    private boolean ignoring;

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
            Connection connection,
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
        this.outbox = new Outbox(connection);
        this.tasks = new TaskSet(this, nexus, parameters, outbox);
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
        outbox.useDigests(parameters.headerDigest(), parameters.dataDigest());
        target.scsi().join(nexus);
        schedulePing();
    }

    @Override
    public int maxDataBytes() {
        return parameters.maxReceiveBytes();
    }

    @Override
    public Digest headerDigest() {
        return parameters.headerDigest();
    }

    @Override
    public Digest dataDigest() {
        return parameters.dataDigest();
    }

    @Override
    public void begin(ByteBuffer header, int dataBytes) {
        heard = true;
        pinged = false;
        rejecting = NOTHING;
        ignoring = false;
        switch (Bhs.opcode(header, 0)) {
            case Opcode.SCSI_COMMAND -> {
                if (kind == Kind.DISCOVERY) {
                    rejecting = RejectReason.PROTOCOL_ERROR;
                } else if (isNext(header)) {
                    rejecting = tasks.beginCommand(header, dataBytes);
                }
            }
            case Opcode.DATA_OUT -> tasks.beginDataOut(header, dataBytes);
            case Opcode.NOP_OUT, Opcode.TASK_REQUEST, Opcode.TEXT_REQUEST, Opcode.LOGOUT_REQUEST -> {
                boolean next = isNext(header);
                if (next && kind == Kind.DISCOVERY && Bhs.opcode(header, 0) == Opcode.TASK_REQUEST) {
                    rejecting = RejectReason.PROTOCOL_ERROR;
                }
            }
            case Opcode.LOGIN_REQUEST -> throw new IscsiException("Login Request after login");
            case Opcode.SNACK -> rejecting = RejectReason.PROTOCOL_ERROR; // error recovery level 0 has none
            default -> rejecting = RejectReason.NOT_SUPPORTED;
        }
    }

    /// Takes the CmdSN of a request. False, and the PDU ignored, when it is outside the window.
    private boolean isNext(ByteBuffer header) {
        if (Bhs.isImmediate(header, 0)) {
            return true;
        }
        int number = Bhs.cmdSn(header, 0);
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

    @Override
    public @Nullable ByteBuffer place(ByteBuffer header, int dataBytes) {
        if (ignoring || rejecting != NOTHING) {
            return null;
        }
        return switch (Bhs.opcode(header, 0)) {
            case Opcode.SCSI_COMMAND, Opcode.DATA_OUT -> tasks.place(dataBytes);
            default -> ByteBuffer.allocate(dataBytes);
        };
    }

    @Override
    public void end(ByteBuffer header, ByteBuffer data, Landing landing) {
        if (ignoring) {
            return;
        }
        if (rejecting != NOTHING) {
            reject(header, rejecting);
            return;
        }
        switch (Bhs.opcode(header, 0)) {
            case Opcode.SCSI_COMMAND, Opcode.DATA_OUT -> tasks.end(header, data, landing);
            case Opcode.NOP_OUT -> echo(header, data);
            case Opcode.TASK_REQUEST -> manageTasks(header);
            case Opcode.TEXT_REQUEST -> talk(header, data);
            case Opcode.LOGOUT_REQUEST -> logOut(header);
            default -> throw new IllegalStateException(Opcode.name(Bhs.opcode(header, 0)) + " was let in");
        }
    }

    /// ExpCmdSN and MaxCmdSN: every PDU to the initiator tells them.
    void putWindow(ByteBuffer pdu) {
        Bhs.putExpCmdSn(pdu, 0, expCmdSn);
        Bhs.putMaxCmdSn(pdu, 0, maxCmdSn());
    }

    /// The window, and the StatSN that comes next, without using it up.
    void putNumbers(ByteBuffer pdu) {
        Bhs.putStatSn(pdu, 0, statSn);
        putWindow(pdu);
    }

    /// The window, and a StatSN of its own.
    void putStatus(ByteBuffer pdu) {
        putNumbers(pdu);
        statSn++;
    }

    /// NOP-Out: a ping of the initiator's, or its answer to ours, which has done its work by having come.
    private void echo(ByteBuffer header, ByteBuffer data) {
        int tag = Bhs.initiatorTaskTag(header, 0);
        if (tag == Bhs.NO_TAG) {
            return;
        }
        var copy = ByteBuffer.allocate(Math.min(data.remaining(), parameters.maxSendBytes()));
        copy.put(0, data, data.position(), copy.capacity());
        ByteBuffer pdu = outbox.begin(Opcode.NOP_IN, Bhs.FINAL);
        Bhs.putInitiatorTaskTag(pdu, 0, tag);
        Bhs.putTargetTransferTag(pdu, 0, Bhs.NO_TAG);
        putStatus(pdu);
        outbox.end(pdu, copy);
    }

    private void reject(ByteBuffer header, int reason) {
        ByteBuffer pdu = outbox.begin(Opcode.REJECT, Bhs.FINAL);
        Bhs.putResponse(pdu, 0, reason);
        Bhs.putInitiatorTaskTag(pdu, 0, Bhs.NO_TAG);
        putStatus(pdu);
        outbox.end(pdu, ByteBuffer.allocate(Bhs.BYTES).put(0, header, 0, Bhs.BYTES));
    }

    private void manageTasks(ByteBuffer header) {
        int tag = Bhs.initiatorTaskTag(header, 0);
        int lun = Lun.fromWire(Bhs.lun(header, 0));
        Runnable complete = () -> answerTaskRequest(tag, TaskManagement.COMPLETE);
        boolean unitIsThere = lun >= 0 && lun < target.scsi().units();
        switch (Bhs.function(header, 0)) {
            case TaskManagement.ABORT_TASK -> {
                if (!tasks.abort(Bhs.referencedTaskTag(header, 0), complete)) {
                    answerTaskRequest(tag, TaskManagement.NO_SUCH_TASK);
                }
            }
            case TaskManagement.ABORT_TASK_SET -> tasks.abortAt(lun, complete);
            case TaskManagement.CLEAR_TASK_SET, TaskManagement.LOGICAL_UNIT_RESET -> {
                if (unitIsThere) {
                    reset(lun, complete);
                } else {
                    answerTaskRequest(tag, TaskManagement.NO_SUCH_LUN);
                }
            }
            case TaskManagement.TARGET_WARM_RESET -> reset(IscsiTarget.EVERY_LUN, complete);
            case TaskManagement.TASK_REASSIGN -> answerTaskRequest(tag, TaskManagement.NO_REASSIGNMENT);
            default -> answerTaskRequest(tag, TaskManagement.NOT_SUPPORTED);
        }
    }

    /// Ends the tasks of all sessions at a unit, or at all of them, and has the others told.
    private void reset(int lun, Runnable complete) {
        ScsiTarget scsi = target.scsi();
        target.abortTasks(lun, () -> {
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
        ByteBuffer pdu = outbox.begin(Opcode.TASK_RESPONSE, Bhs.FINAL);
        Bhs.putResponse(pdu, 0, response);
        Bhs.putInitiatorTaskTag(pdu, 0, tag);
        putStatus(pdu);
        outbox.end(pdu);
    }

    /// Ends this session's tasks at a LUN without an answer; `drained` runs when none touches a volume any more.
    void abortTasks(int lun, Runnable drained) {
        if (lun == IscsiTarget.EVERY_LUN) {
            tasks.abortAll(drained);
        } else {
            tasks.abortAt(lun, drained);
        }
    }

    /// The same for a fence, which leaves alone what does not touch the medium.
    void abortForFence(int lun, Runnable drained) {
        tasks.abortForFence(lun, drained);
    }

    private void talk(ByteBuffer header, ByteBuffer data) {
        int tag = Bhs.initiatorTaskTag(header, 0);
        ByteBuffer rest = restOfText;
        if (rest != null && Bhs.targetTransferTag(header, 0) == lastTextTag) {
            sendText(tag, rest);
            return;
        }
        restOfText = null;
        text.add(data);
        if (Bhs.has(header, 0, Bhs.CONTINUE)) {
            ByteBuffer pdu = outbox.begin(Opcode.TEXT_RESPONSE, 0);
            Bhs.putInitiatorTaskTag(pdu, 0, tag);
            Bhs.putTargetTransferTag(pdu, 0, nextTextTag());
            putStatus(pdu);
            outbox.end(pdu);
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
        ByteBuffer pdu = outbox.begin(Opcode.TEXT_RESPONSE, last ? Bhs.FINAL : Bhs.CONTINUE);
        Bhs.putInitiatorTaskTag(pdu, 0, tag);
        Bhs.putTargetTransferTag(pdu, 0, last ? Bhs.NO_TAG : nextTextTag());
        putStatus(pdu);
        outbox.end(pdu, part);
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
        InetSocketAddress here = connection.local();
        String host = here.getAddress().getHostAddress();
        return List.of((host.contains(":") ? "[" + host + "]" : host) + ":" + here.getPort());
    }

    private void logOut(ByteBuffer header) {
        int tag = Bhs.initiatorTaskTag(header, 0);
        if (Bhs.function(header, 0) == Logout.REMOVE_FOR_RECOVERY) {
            answerLogout(tag, Logout.RECOVERY_NOT_SUPPORTED);
            return;
        }
        tasks.abortAll(() -> {
            answerLogout(tag, Logout.CLOSED);
            connection.close("logged out");
        });
    }

    private void answerLogout(int tag, int response) {
        ByteBuffer pdu = outbox.begin(Opcode.LOGOUT_RESPONSE, Bhs.FINAL);
        Bhs.putResponse(pdu, 0, response);
        Bhs.putInitiatorTaskTag(pdu, 0, tag);
        Bhs.putTimes(pdu, 0, parameters.time2WaitSeconds(), parameters.time2RetainSeconds());
        putStatus(pdu);
        outbox.end(pdu);
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
            ByteBuffer pdu = outbox.begin(Opcode.NOP_IN, Bhs.FINAL);
            Bhs.putInitiatorTaskTag(pdu, 0, Bhs.NO_TAG);
            Bhs.putTargetTransferTag(pdu, 0, nextTextTag());
            putNumbers(pdu);
            outbox.end(pdu);
        }
        schedulePing();
    }

    /// Ends the session from any thread. `ended` runs on the session's loop once none of its tasks touches a
    /// volume.
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
