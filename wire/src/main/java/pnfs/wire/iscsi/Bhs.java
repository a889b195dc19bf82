package pnfs.wire.iscsi;

import java.nio.ByteBuffer;

/// The basic header segment: the 48 bytes in front of every iSCSI PDU (RFC 7143 §11.2). Data path: static
/// accessors over the buffer that holds the header, `at` being the index of its first byte. The buffer must be
/// big-endian, which is how Java makes them. A field of one PDU stands where another has a different one; the
/// ruler tells which:
///
///      0 | I opcode   | F and flags    | response, reason | SCSI status |
///      4 | AHS words  | data segment length, three bytes                |
///      8 | LUN                          or ISID and TSIH in login       |
///     16 | initiator task tag                                           | 20 | target transfer tag          or
///     expected bytes (command), referenced tag (task), CID (login, logout) 24 | CmdSN to the target
///     StatSN to the initiator         | 28 | ExpStatSN to the target      ExpCmdSN to the initiator       | 32
///     | CDB (command, 16 bytes)      or RefCmdSN (task), MaxCmdSN    | 36 | DataSN, R2TSN, ExpDataSN     or
///     login status, async event    | 40 | buffer offset                or Time2Wait, Time2Retain       | 44 |
///     residual count               or desired length (R2T)         |
///
/// Sequence numbers, tags and counts are 32 bits as they stand: compare sequence numbers with [SerialNumber].
public final class Bhs {
    public static final int BYTES = 48;
    /// The largest data segment a header can announce.
    public static final int MAX_DATA_BYTES = 0xff_ffff;
    /// Initiator or target tag that stands for "none".
    public static final int NO_TAG = 0xffff_ffff;

    // Flags of byte 1. FINAL is in every PDU; the others belong to the PDU in their comment.
    public static final int FINAL = 0x80;
    public static final int READ = 0x40; // SCSI Command
    public static final int WRITE = 0x20; // SCSI Command
    public static final int ACKNOWLEDGE = 0x40; // Data-In, only at error recovery level 1 and up
    public static final int OVERFLOW = 0x04; // SCSI Response, Data-In with STATUS
    public static final int UNDERFLOW = 0x02; // SCSI Response, Data-In with STATUS
    public static final int STATUS = 0x01; // Data-In
    public static final int TRANSIT = 0x80; // Login
    public static final int CONTINUE = 0x40; // Login, Text

    // Task attributes, low bits of a SCSI Command's flags.
    public static final int ATTRIBUTE_UNTAGGED = 0;
    public static final int ATTRIBUTE_SIMPLE = 1;
    public static final int ATTRIBUTE_ORDERED = 2;
    public static final int ATTRIBUTE_HEAD_OF_QUEUE = 3;
    public static final int ATTRIBUTE_ACA = 4;

    private static final int IMMEDIATE = 0x40;
    private static final int OPCODE_MASK = 0x3f;

    private static final int FLAGS_AT = 1;
    private static final int RESPONSE_AT = 2;
    private static final int SCSI_STATUS_AT = 3;
    private static final int LENGTHS_AT = 4; // AHS words in the first byte, data bytes in the other three
    private static final int LUN_AT = 8;
    private static final int ISID_AT = 8;
    private static final int TSIH_AT = 14;
    private static final int INITIATOR_TASK_TAG_AT = 16;
    private static final int TARGET_TRANSFER_TAG_AT = 20;
    private static final int EXPECTED_BYTES_AT = 20;
    private static final int REFERENCED_TASK_TAG_AT = 20;
    private static final int CID_AT = 20;
    private static final int CMD_SN_AT = 24;
    private static final int STAT_SN_AT = 24;
    private static final int EXP_STAT_SN_AT = 28;
    private static final int EXP_CMD_SN_AT = 28;
    private static final int CDB_AT = 32;
    private static final int MAX_CMD_SN_AT = 32;
    private static final int REF_CMD_SN_AT = 32;
    private static final int DATA_SN_AT = 36;
    private static final int LOGIN_STATUS_AT = 36;
    private static final int ASYNC_EVENT_AT = 36;
    private static final int ASYNC_VCODE_AT = 37;
    private static final int ASYNC_PARAMETERS_AT = 38;
    private static final int BUFFER_OFFSET_AT = 40;
    private static final int BIDIRECTIONAL_RESIDUAL_AT = 40;
    private static final int TIME2WAIT_AT = 40;
    private static final int TIME2RETAIN_AT = 42;
    private static final int RESIDUAL_AT = 44;
    private static final int DESIRED_BYTES_AT = 44;

    private Bhs() {}

    /// Starts a header at `at`: clears all 48 bytes, then sets opcode and flags.
    public static void begin(ByteBuffer pdu, int at, int opcode, int flags) {
        for (int i = 0; i < BYTES; i += Long.BYTES) {
            pdu.putLong(at + i, 0);
        }
        pdu.put(at, (byte) opcode);
        pdu.put(at + FLAGS_AT, (byte) flags);
    }

    public static int opcode(ByteBuffer pdu, int at) {
        return pdu.get(at) & OPCODE_MASK;
    }

    /// Whether a request is for immediate delivery: it then does not advance CmdSN.
    public static boolean isImmediate(ByteBuffer pdu, int at) {
        return (pdu.get(at) & IMMEDIATE) != 0;
    }

    public static void setImmediate(ByteBuffer pdu, int at) {
        pdu.put(at, (byte) (pdu.get(at) | IMMEDIATE));
    }

    public static int flags(ByteBuffer pdu, int at) {
        return pdu.get(at + FLAGS_AT) & 0xff;
    }

    public static void putFlags(ByteBuffer pdu, int at, int flags) {
        pdu.put(at + FLAGS_AT, (byte) flags);
    }

    public static boolean has(ByteBuffer pdu, int at, int flag) {
        return (pdu.get(at + FLAGS_AT) & flag) != 0;
    }

    /// The task attribute of a SCSI Command.
    public static int attribute(ByteBuffer pdu, int at) {
        return pdu.get(at + FLAGS_AT) & 0x07;
    }

    /// The function of a Task Management Request, or the reason of a Logout Request.
    public static int function(ByteBuffer pdu, int at) {
        return pdu.get(at + FLAGS_AT) & 0x7f;
    }

    /// Stage the sender is in, bits 3-2 of a login PDU's flags.
    public static int currentStage(ByteBuffer pdu, int at) {
        return (pdu.get(at + FLAGS_AT) >> 2) & 3;
    }

    /// Stage the sender wants to be in, bits 1-0; has a meaning only with [#TRANSIT].
    public static int nextStage(ByteBuffer pdu, int at) {
        return pdu.get(at + FLAGS_AT) & 3;
    }

    /// Response of a SCSI, task or logout response; reason of a Reject; highest version in login PDUs.
    public static int response(ByteBuffer pdu, int at) {
        return pdu.get(at + RESPONSE_AT) & 0xff;
    }

    public static void putResponse(ByteBuffer pdu, int at, int response) {
        pdu.put(at + RESPONSE_AT, (byte) response);
    }

    /// SCSI status of a SCSI Response, or of a Data-In with [#STATUS]; lowest or active version in login PDUs.
    public static int scsiStatus(ByteBuffer pdu, int at) {
        return pdu.get(at + SCSI_STATUS_AT) & 0xff;
    }

    public static void putScsiStatus(ByteBuffer pdu, int at, int status) {
        pdu.put(at + SCSI_STATUS_AT, (byte) status);
    }

    /// Bytes of additional header segments that follow the 48.
    public static int ahsBytes(ByteBuffer pdu, int at) {
        return (pdu.get(at + LENGTHS_AT) & 0xff) * 4;
    }

    /// Bytes of the data segment, without its padding.
    public static int dataBytes(ByteBuffer pdu, int at) {
        return pdu.getInt(at + LENGTHS_AT) & MAX_DATA_BYTES;
    }

    /// Sets the data segment's length, and that there are no additional header segments.
    public static void putDataBytes(ByteBuffer pdu, int at, int bytes) {
        pdu.putInt(at + LENGTHS_AT, bytes & MAX_DATA_BYTES);
    }

    public static long lun(ByteBuffer pdu, int at) {
        return pdu.getLong(at + LUN_AT);
    }

    public static void putLun(ByteBuffer pdu, int at, long lun) {
        pdu.putLong(at + LUN_AT, lun);
    }

    /// The initiator's half of a session's name in login PDUs: 48 bits, in the low end of the long.
    public static long isid(ByteBuffer pdu, int at) {
        return pdu.getLong(at + ISID_AT) >>> 16;
    }

    /// The target's half of a session's name in login PDUs; 0 asks for a new session.
    public static int tsih(ByteBuffer pdu, int at) {
        return pdu.getShort(at + TSIH_AT) & 0xffff;
    }

    public static void putSession(ByteBuffer pdu, int at, long isid, int tsih) {
        pdu.putLong(at + ISID_AT, (isid << 16) | (tsih & 0xffff));
    }

    public static int initiatorTaskTag(ByteBuffer pdu, int at) {
        return pdu.getInt(at + INITIATOR_TASK_TAG_AT);
    }

    public static void putInitiatorTaskTag(ByteBuffer pdu, int at, int tag) {
        pdu.putInt(at + INITIATOR_TASK_TAG_AT, tag);
    }

    public static int targetTransferTag(ByteBuffer pdu, int at) {
        return pdu.getInt(at + TARGET_TRANSFER_TAG_AT);
    }

    public static void putTargetTransferTag(ByteBuffer pdu, int at, int tag) {
        pdu.putInt(at + TARGET_TRANSFER_TAG_AT, tag);
    }

    /// How many bytes a SCSI Command expects to move, unsigned.
    public static int expectedBytes(ByteBuffer pdu, int at) {
        return pdu.getInt(at + EXPECTED_BYTES_AT);
    }

    public static void putExpectedBytes(ByteBuffer pdu, int at, int bytes) {
        pdu.putInt(at + EXPECTED_BYTES_AT, bytes);
    }

    /// The task that a Task Management Request is about.
    public static int referencedTaskTag(ByteBuffer pdu, int at) {
        return pdu.getInt(at + REFERENCED_TASK_TAG_AT);
    }

    public static void putReferencedTaskTag(ByteBuffer pdu, int at, int tag) {
        pdu.putInt(at + REFERENCED_TASK_TAG_AT, tag);
    }

    /// Connection id of a login or logout request.
    public static int cid(ByteBuffer pdu, int at) {
        return pdu.getShort(at + CID_AT) & 0xffff;
    }

    public static void putCid(ByteBuffer pdu, int at, int cid) {
        pdu.putShort(at + CID_AT, (short) cid);
    }

    public static int cmdSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + CMD_SN_AT);
    }

    public static void putCmdSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + CMD_SN_AT, number);
    }

    public static int statSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + STAT_SN_AT);
    }

    public static void putStatSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + STAT_SN_AT, number);
    }

    public static int expStatSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + EXP_STAT_SN_AT);
    }

    public static void putExpStatSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + EXP_STAT_SN_AT, number);
    }

    public static int expCmdSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + EXP_CMD_SN_AT);
    }

    public static void putExpCmdSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + EXP_CMD_SN_AT, number);
    }

    public static int maxCmdSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + MAX_CMD_SN_AT);
    }

    public static void putMaxCmdSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + MAX_CMD_SN_AT, number);
    }

    public static int refCmdSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + REF_CMD_SN_AT);
    }

    public static void putRefCmdSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + REF_CMD_SN_AT, number);
    }

    /// Index of a SCSI Command's 16-byte CDB.
    public static int cdbAt(int at) {
        return at + CDB_AT;
    }

    /// DataSN of Data-Out and Data-In, R2TSN of R2T, ExpDataSN of SCSI Response, Task Request and Reject.
    public static int dataSn(ByteBuffer pdu, int at) {
        return pdu.getInt(at + DATA_SN_AT);
    }

    public static void putDataSn(ByteBuffer pdu, int at, int number) {
        pdu.putInt(at + DATA_SN_AT, number);
    }

    /// Status class (high byte) and detail (low byte) of a Login Response: see [LoginStatus].
    public static int loginStatus(ByteBuffer pdu, int at) {
        return pdu.getShort(at + LOGIN_STATUS_AT) & 0xffff;
    }

    public static void putLoginStatus(ByteBuffer pdu, int at, int status) {
        pdu.putShort(at + LOGIN_STATUS_AT, (short) status);
    }

    /// What an Async Message tells: see [AsyncEvent].
    public static int asyncEvent(ByteBuffer pdu, int at) {
        return pdu.get(at + ASYNC_EVENT_AT) & 0xff;
    }

    public static void putAsyncEvent(ByteBuffer pdu, int at, int event) {
        pdu.put(at + ASYNC_EVENT_AT, (byte) event);
    }

    public static int asyncVendorCode(ByteBuffer pdu, int at) {
        return pdu.get(at + ASYNC_VCODE_AT) & 0xff;
    }

    /// Parameter 1, 2 or 3 of an Async Message.
    public static int asyncParameter(ByteBuffer pdu, int at, int number) {
        return pdu.getShort(at + ASYNC_PARAMETERS_AT + 2 * (number - 1)) & 0xffff;
    }

    public static void putAsyncParameter(ByteBuffer pdu, int at, int number, int value) {
        pdu.putShort(at + ASYNC_PARAMETERS_AT + 2 * (number - 1), (short) value);
    }

    /// Where a data PDU or an R2T stands in the command's buffer, unsigned.
    public static int bufferOffset(ByteBuffer pdu, int at) {
        return pdu.getInt(at + BUFFER_OFFSET_AT);
    }

    public static void putBufferOffset(ByteBuffer pdu, int at, int offset) {
        pdu.putInt(at + BUFFER_OFFSET_AT, offset);
    }

    public static int bidirectionalResidual(ByteBuffer pdu, int at) {
        return pdu.getInt(at + BIDIRECTIONAL_RESIDUAL_AT);
    }

    /// Seconds of a Logout Response: before the first attempt to come back.
    public static int time2WaitSeconds(ByteBuffer pdu, int at) {
        return pdu.getShort(at + TIME2WAIT_AT) & 0xffff;
    }

    /// Seconds of a Logout Response: how long tasks are kept.
    public static int time2RetainSeconds(ByteBuffer pdu, int at) {
        return pdu.getShort(at + TIME2RETAIN_AT) & 0xffff;
    }

    public static void putTimes(ByteBuffer pdu, int at, int waitSeconds, int retainSeconds) {
        pdu.putShort(at + TIME2WAIT_AT, (short) waitSeconds);
        pdu.putShort(at + TIME2RETAIN_AT, (short) retainSeconds);
    }

    /// Bytes missing ([#UNDERFLOW]) or too many ([#OVERFLOW]), unsigned.
    public static int residual(ByteBuffer pdu, int at) {
        return pdu.getInt(at + RESIDUAL_AT);
    }

    public static void putResidual(ByteBuffer pdu, int at, int bytes) {
        pdu.putInt(at + RESIDUAL_AT, bytes);
    }

    /// How much data an R2T asks for, unsigned.
    public static int desiredBytes(ByteBuffer pdu, int at) {
        return pdu.getInt(at + DESIRED_BYTES_AT);
    }

    public static void putDesiredBytes(ByteBuffer pdu, int at, int bytes) {
        pdu.putInt(at + DESIRED_BYTES_AT, bytes);
    }

    /// Bytes to add to a segment of `bytes` so that it ends on a multiple of four.
    public static int padding(int bytes) {
        return -bytes & 3;
    }
}
