package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Sink;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.Lun;
import pnfs.wire.scsi.LunList;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.VpdPage;

/// A target with one small disk that does as it is told, and writes down what an initiator must not do to it.
/// Everything is on one loop.
final class ScriptedTarget {
    static final int BLOCK_BYTES = 512;
    static final int BLOCKS = 2048;

    /// What a script may do with a command instead of carrying it out.
    interface Script {
        /// Whether the command is done with.
        boolean takes(Session session, Task task);
    }

    final byte[] disk = new byte[BLOCKS * BLOCK_BYTES];
    final List<String> violations = new ArrayList<>();
    /// Opcodes of the commands that came, in their order.
    final List<Integer> commands = new ArrayList<>();
    /// ISID and TSIH of each login's first request.
    final List<String> logins = new ArrayList<>();
    final List<Integer> taskRequests = new ArrayList<>();
    final List<byte[]> pings = new ArrayList<>();
    final List<Session> sessions = new ArrayList<>();
    final RandomGenerator random;
    LoginKeys wishes = LoginKeys.of("InitialR2T", "No", "MaxRecvDataSegmentLength", "65536");
    Script script = (session, task) -> false;
    int window = 32;
    int loginStatus;
    int maxTransferBlocks;
    boolean wantsSecurity;
    boolean deaf;
    boolean answersTaskRequests = true;
    int abortResponse = TaskManagement.COMPLETE;
    Duration slowest = Duration.ofMillis(2);
    /// Offset and length that the next R2T asks for, instead of what is due.
    int @Nullable [] wrongR2t;
    int mostAtATime;
    int logouts;

    ScriptedTarget(RandomGenerator random) {
        this.random = random;
    }

    ConnectionHandler accept(Connection connection) {
        var session = new Session(connection);
        sessions.add(session);
        return session;
    }

    Session session() {
        return sessions.getLast();
    }

    /// A command and what came of it so far.
    static final class Task {
        final long lun;
        final int tag;
        final int expected;
        final boolean write;
        final byte[] cdb = new byte[Cdb.BYTES];
        final byte[] data;
        int received;
        int askedUpTo;
        int dataSn;
        int transferTag = Bhs.NO_TAG;

        Task(ByteBuffer pdu, int at) {
            lun = Bhs.lun(pdu, at);
            tag = Bhs.initiatorTaskTag(pdu, at);
            expected = Bhs.expectedBytes(pdu, at);
            write = Bhs.has(pdu, at, Bhs.WRITE);
            data = new byte[write ? expected : 0];
            pdu.get(Bhs.cdbAt(at), cdb);
        }

        int opcode() {
            return cdb[0] & 0xff;
        }
    }

    final class Session implements ConnectionHandler, PduReader.Receiver {
        final Connection connection;
        final PduWriter out;
        private final PduReader reader;
        private final Map<Integer, Task> tasks = new LinkedHashMap<>();
        private @Nullable Negotiation negotiation;
        private boolean loggedIn;
        private SessionParameters parameters = SessionParameters.LOGIN;
        private int statSn = 77;
        private int expCmdSn;
        private int transferTags;
        private boolean closed;

        Session(Connection connection) {
            this.connection = connection;
            this.reader = new PduReader(connection, this);
            this.out = new PduWriter(connection);
        }

        @Override
        public void onBytes(ByteBuffer staged) {
            reader.onBytes(staged);
            out.flush();
        }

        @Override
        public void onSinkFull(Sink sink) {
            reader.onSinkFull();
            out.flush();
        }

        @Override
        public void onClosed(String why) {
            closed = true;
        }

        void drop() {
            connection.close("dropped by the script");
        }

        @Override
        public @Nullable Sink place(ByteBuffer header, int at, int bytes) {
            Task task = tasks.get(Bhs.initiatorTaskTag(header, at));
            return task == null || !inOrder(task, header, at, bytes)
                    ? null
                    : Sink.of(ByteBuffer.wrap(task.data, task.received, bytes));
        }

        @Override
        public void placed(ByteBuffer header, int at) {
            dataOut(header, at);
        }

        @Override
        public void pdu(ByteBuffer pdu, int at, ByteBuffer data, int dataAt, int dataBytes) {
            if (deaf && loggedIn) {
                return;
            }
            switch (Bhs.opcode(pdu, at)) {
                case Opcode.LOGIN_REQUEST -> login(pdu, at, LoginKeys.parse(data.slice(dataAt, dataBytes), 64));
                case Opcode.SCSI_COMMAND -> command(pdu, at, data, dataAt, dataBytes);
                case Opcode.DATA_OUT -> {
                    Task task = tasks.get(Bhs.initiatorTaskTag(pdu, at));
                    if (task != null && inOrder(task, pdu, at, dataBytes)) {
                        data.get(dataAt, task.data, task.received, dataBytes);
                        dataOut(pdu, at);
                    }
                }
                case Opcode.NOP_OUT -> nopOut(pdu, at, data.slice(dataAt, dataBytes));
                case Opcode.TASK_REQUEST -> taskRequest(pdu, at);
                case Opcode.LOGOUT_REQUEST -> {
                    logouts++;
                    int answer = begin(Opcode.LOGOUT_RESPONSE, Bhs.FINAL, Bhs.initiatorTaskTag(pdu, at));
                    out.end(answer);
                }
                case Opcode.TEXT_REQUEST -> text(pdu, at);
                default -> violations.add("opcode " + Bhs.opcode(pdu, at));
            }
        }

        private void login(ByteBuffer pdu, int at, LoginKeys keys) {
            expCmdSn = Bhs.cmdSn(pdu, at);
            int flags = Bhs.flags(pdu, at);
            boolean first = negotiation == null;
            if (negotiation == null) {
                logins.add(Long.toHexString(Bhs.isid(pdu, at)) + " " + Bhs.tsih(pdu, at));
                negotiation = new Negotiation(wishes, "Discovery".equals(keys.get("SessionType")));
            }
            LoginKeys answers;
            if (wantsSecurity && first && Bhs.currentStage(pdu, at) == LoginStage.OPERATIONAL) {
                loginStatus = LoginStatus.AUTHENTICATION_FAILURE.wire();
                answers = LoginKeys.EMPTY;
            } else if (Bhs.currentStage(pdu, at) == LoginStage.SECURITY) {
                loginStatus = 0;
                answers = LoginKeys.of("AuthMethod", String.valueOf(keys.get("AuthMethod")));
            } else {
                answers = LoginKeys.of("TargetPortalGroupTag", "1").plus(negotiation.receive(keys));
            }
            int answer = begin(Opcode.LOGIN_RESPONSE, flags, Bhs.initiatorTaskTag(pdu, at));
            Bhs.putSession(out.buffer(), answer, Bhs.isid(pdu, at), 5);
            Bhs.putLoginStatus(out.buffer(), answer, loginStatus);
            out.end(answer, answers.toBytes());
            if (loginStatus == 0 && Bhs.nextStage(pdu, at) == LoginStage.FULL_FEATURE) {
                loggedIn = true;
                out.flush();
                parameters = negotiation.parameters();
                reader.use(parameters);
                out.use(parameters);
            }
        }

        /// SendTargets in two pieces, cut within a key.
        private void text(ByteBuffer pdu, int at) {
            byte[] all = LoginKeys.of(
                            "TargetName",
                            "iqn.a",
                            "TargetAddress",
                            "10.0.0.1:3261,1",
                            "TargetAddress",
                            "[fe80::1]",
                            "TargetName",
                            "iqn.b")
                    .toBytes();
            boolean first = Bhs.targetTransferTag(pdu, at) == Bhs.NO_TAG;
            int cut = 20;
            int answer = begin(Opcode.TEXT_RESPONSE, first ? Bhs.CONTINUE : Bhs.FINAL, Bhs.initiatorTaskTag(pdu, at));
            Bhs.putTargetTransferTag(out.buffer(), answer, first ? 9 : Bhs.NO_TAG);
            out.end(answer, first ? Arrays.copyOf(all, cut) : Arrays.copyOfRange(all, cut, all.length));
        }

        /// Begins an answer with a StatSN of its own.
        int begin(int opcode, int flags, int tag) {
            int at = beginWithoutStatus(opcode, flags, tag);
            Bhs.putStatSn(out.buffer(), at, statSn++);
            return at;
        }

        int beginWithoutStatus(int opcode, int flags, int tag) {
            int at = out.begin(opcode, flags);
            ByteBuffer pdu = out.buffer();
            Bhs.putInitiatorTaskTag(pdu, at, tag);
            Bhs.putTargetTransferTag(pdu, at, Bhs.NO_TAG);
            Bhs.putStatSn(pdu, at, statSn);
            Bhs.putExpCmdSn(pdu, at, expCmdSn);
            Bhs.putMaxCmdSn(pdu, at, expCmdSn + window - 1 - tasks.size());
            return at;
        }

        private void command(ByteBuffer pdu, int at, ByteBuffer data, int dataAt, int dataBytes) {
            var task = new Task(pdu, at);
            commands.add(task.opcode());
            if (Bhs.cmdSn(pdu, at) != expCmdSn) {
                violations.add("CmdSN " + Bhs.cmdSn(pdu, at) + " instead of " + expCmdSn);
            }
            expCmdSn++;
            if (tasks.put(task.tag, task) != null) {
                violations.add("tag used twice");
            }
            mostAtATime = Math.max(mostAtATime, tasks.size());
            if (tasks.size() > window) {
                violations.add("window exceeded");
            }
            if (dataBytes > parameters.swapped().immediateBytes(task.expected)) {
                violations.add("immediate data of " + dataBytes);
            }
            data.get(dataAt, task.data, 0, dataBytes);
            task.received = dataBytes;
            task.askedUpTo = parameters.swapped().unsolicitedBytes(task.expected);
            boolean last = Bhs.has(pdu, at, Bhs.FINAL);
            if (task.write && last != (dataBytes == task.askedUpTo)) {
                violations.add("F does not tell whether unsolicited data follow");
            }
            if (last) {
                goOn(task);
            }
        }

        private boolean inOrder(Task task, ByteBuffer pdu, int at, int bytes) {
            boolean right = task.write
                    && Bhs.targetTransferTag(pdu, at) == task.transferTag
                    && Bhs.bufferOffset(pdu, at) == task.received
                    && Bhs.dataSn(pdu, at) == task.dataSn
                    && bytes <= parameters.maxReceiveBytes()
                    && task.received + bytes <= task.askedUpTo
                    && Bhs.has(pdu, at, Bhs.FINAL) == (task.received + bytes == task.askedUpTo);
            if (!right) {
                violations.add("Data-Out of " + bytes + " at " + Bhs.bufferOffset(pdu, at));
            }
            return right;
        }

        private void dataOut(ByteBuffer pdu, int at) {
            Task task = tasks.get(Bhs.initiatorTaskTag(pdu, at));
            if (task == null) {
                return;
            }
            task.received += Bhs.dataBytes(pdu, at);
            task.dataSn++;
            if (Bhs.has(pdu, at, Bhs.FINAL)) {
                goOn(task);
            }
        }

        /// Asks for more data, or carries the command out, a little later.
        private void goOn(Task task) {
            if (task.received < task.data.length) {
                task.transferTag = ++transferTags;
                task.dataSn = 0;
                int bytes = Math.min(parameters.maxBurstBytes(), task.data.length - task.received);
                task.askedUpTo = task.received + bytes;
                int[] wrong = wrongR2t;
                wrongR2t = null;
                if (wrong != null) {
                    r2t(task.tag, task.transferTag, wrong[0], wrong[1]);
                } else {
                    r2t(task.tag, task.transferTag, task.received, bytes);
                }
                return;
            }
            connection.loop().schedule(random.nextLong(slowest.toNanos()), () -> {
                if (!closed && tasks.get(task.tag) == task && !script.takes(this, task)) {
                    execute(task);
                }
                out.flush();
            });
        }

        void r2t(int tag, int transferTag, int offset, int bytes) {
            int at = beginWithoutStatus(Opcode.R2T, Bhs.FINAL, tag);
            Bhs.putTargetTransferTag(out.buffer(), at, transferTag);
            Bhs.putBufferOffset(out.buffer(), at, offset);
            Bhs.putDesiredBytes(out.buffer(), at, bytes);
            out.end(at);
        }

        void execute(Task task) {
            if (Lun.fromWire(task.lun) != 0) {
                check(task, Sense.LUN_NOT_SUPPORTED);
                return;
            }
            ByteBuffer cdb = ByteBuffer.wrap(task.cdb);
            int at = (int) Cdb.firstBlock(cdb, 0) * BLOCK_BYTES;
            int bytes = (int) Cdb.blocks(cdb, 0) * BLOCK_BYTES;
            switch (task.opcode()) {
                case ScsiOpcode.READ_16 -> dataIn(task, Arrays.copyOfRange(disk, at, at + bytes));
                case ScsiOpcode.WRITE_16 -> {
                    System.arraycopy(task.data, 0, disk, at, bytes);
                    good(task);
                }
                case ScsiOpcode.INQUIRY ->
                    dataIn(
                            task,
                            (task.cdb[1] & 1) == 0
                                    ? new InquiryData(0, 6, 0, "TEST", "disk", "1", List.of()).toBytes()
                                    : new VpdPage.BlockLimits(false, 0, 0, maxTransferBlocks, 0, 0, 0, 0, -1, 0, 0)
                                            .toBytes());
                case ScsiOpcode.SERVICE_ACTION_IN_16 ->
                    dataIn(task, Capacity.of(BLOCKS, BLOCK_BYTES, 3).toBytes());
                case ScsiOpcode.REPORT_LUNS -> dataIn(task, new LunList(List.of(0)).toBytes());
                default -> good(task);
            }
        }

        void good(Task task) {
            status(task, ScsiStatus.GOOD, new byte[0]);
        }

        void check(Task task, Sense sense) {
            var data = ByteBuffer.allocate(2 + Sense.FIXED_BYTES).putShort((short) Sense.FIXED_BYTES);
            sense.putFixed(data, 2);
            status(task, ScsiStatus.CHECK_CONDITION, data.array());
        }

        void status(Task task, int status, byte[] sense) {
            tasks.remove(task.tag);
            int at = begin(Opcode.SCSI_RESPONSE, Bhs.FINAL, task.tag);
            Bhs.putScsiStatus(out.buffer(), at, status);
            out.end(at, sense);
        }

        /// Data in pieces, the status in the last of them or behind it.
        private void dataIn(Task task, byte[] data) {
            int bytes = Math.min(data.length, task.expected);
            boolean collapsed = random.nextBoolean();
            tasks.remove(task.tag);
            for (int sent = 0; sent < bytes; ) {
                int piece = Math.min(bytes - sent, random.nextInt(1, parameters.maxSendBytes() + 1));
                boolean withStatus = collapsed && sent + piece == bytes;
                int at = withStatus
                        ? begin(Opcode.DATA_IN, Bhs.FINAL | Bhs.STATUS | underflow(task, bytes), task.tag)
                        : beginWithoutStatus(Opcode.DATA_IN, Bhs.FINAL, task.tag);
                Bhs.putBufferOffset(out.buffer(), at, sent);
                if (withStatus) {
                    Bhs.putResidual(out.buffer(), at, task.expected - bytes);
                }
                out.end(at, ByteBuffer.wrap(data), sent, piece);
                sent += piece;
            }
            if (!collapsed || bytes == 0) {
                int at = begin(Opcode.SCSI_RESPONSE, Bhs.FINAL | underflow(task, bytes), task.tag);
                Bhs.putResidual(out.buffer(), at, task.expected - bytes);
                out.end(at);
            }
        }

        private static int underflow(Task task, int bytes) {
            return bytes < task.expected ? Bhs.UNDERFLOW : 0;
        }

        private void nopOut(ByteBuffer pdu, int at, ByteBuffer data) {
            var echo = new byte[data.remaining()];
            data.get(0, echo);
            pings.add(echo);
            if (Bhs.initiatorTaskTag(pdu, at) != Bhs.NO_TAG) {
                out.end(begin(Opcode.NOP_IN, Bhs.FINAL, Bhs.initiatorTaskTag(pdu, at)));
            }
        }

        private void taskRequest(ByteBuffer pdu, int at) {
            int function = Bhs.function(pdu, at);
            taskRequests.add(function);
            if (!answersTaskRequests) {
                return;
            }
            int response = TaskManagement.COMPLETE;
            if (function == TaskManagement.ABORT_TASK) {
                response = abortResponse;
                if (response == TaskManagement.COMPLETE) {
                    tasks.remove(Bhs.referencedTaskTag(pdu, at));
                }
            } else {
                tasks.clear();
            }
            int answer = begin(Opcode.TASK_RESPONSE, Bhs.FINAL, Bhs.initiatorTaskTag(pdu, at));
            Bhs.putResponse(out.buffer(), answer, response);
            out.end(answer);
        }

        /// A ping of the target's own, which also opens the window.
        void nopIn(int transferTag, byte[] data) {
            int at = beginWithoutStatus(Opcode.NOP_IN, Bhs.FINAL, Bhs.NO_TAG);
            Bhs.putTargetTransferTag(out.buffer(), at, transferTag);
            out.end(at, data);
            out.flush();
        }

        void asyncMessage(int event, int seconds) {
            int at = begin(Opcode.ASYNC_MESSAGE, Bhs.FINAL, Bhs.NO_TAG);
            Bhs.putAsyncEvent(out.buffer(), at, event);
            Bhs.putAsyncParameter(out.buffer(), at, 3, seconds);
            out.end(at);
            out.flush();
        }
    }
}
