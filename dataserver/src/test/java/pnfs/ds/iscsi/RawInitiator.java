package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.Digest;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.LoginStage;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.Lun;

/// The peer of a target in tests: makes PDUs by hand and takes answers apart, without a session's rules of its
/// own, so that it can also break them.
final class RawInitiator {
    static final String NAME = "iqn.2026-01.test:initiator";

    /// A PDU from the target.
    @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
    record Pdu(ByteBuffer header, byte[] data) {
        int opcode() {
            return Bhs.opcode(header, 0);
        }

        boolean has(int flag) {
            return Bhs.has(header, 0, flag);
        }

        LoginKeys keys() {
            return LoginKeys.parse(ByteBuffer.wrap(data), 64);
        }

        /// Key, ASC and ASCQ of a SCSI Response.
        String sense() {
            assertThat(data).as("2 bytes of length, then fixed sense").hasSize(20);
            return "%x/%02x/%02x".formatted(data[4] & 0x0f, data[14], data[15]);
        }
    }

    final FakeConnection connection;
    long isid = 0x00023d000001L;
    int cmdSn = 100;
    int expStatSn;
    private int nextTag = 1;
    private Digest headerDigest = Digest.NONE;
    private Digest dataDigest = Digest.NONE;
    private final CRC32C crc = new CRC32C();
    private final ArrayDeque<Pdu> received = new ArrayDeque<>();

    RawInitiator(FakeConnection connection) {
        this.connection = connection;
    }

    int newTag() {
        return nextTag++;
    }

    static ByteBuffer header(int opcode, int flags) {
        var header = ByteBuffer.allocate(Bhs.BYTES);
        Bhs.begin(header, 0, opcode, flags);
        return header;
    }

    /// A whole PDU as it goes over the wire.
    byte[] bytes(ByteBuffer header, byte[] data) {
        var out = new ByteArrayOutputStream();
        Bhs.putDataBytes(header, 0, data.length);
        out.writeBytes(array(header));
        if (headerDigest != Digest.NONE) {
            out.writeBytes(ByteBuffer.allocate(4)
                    .putInt(Digest.sum(crc, header.clear(), 0))
                    .array());
        }
        int padding = Bhs.padding(data.length);
        out.writeBytes(data);
        out.writeBytes(new byte[padding]);
        if (dataDigest != Digest.NONE && data.length > 0) {
            out.writeBytes(ByteBuffer.allocate(4)
                    .putInt(Digest.sum(crc, ByteBuffer.wrap(data), padding))
                    .array());
        }
        return out.toByteArray();
    }

    static byte[] array(ByteBuffer header) {
        var bytes = new byte[Bhs.BYTES];
        header.get(0, bytes);
        return bytes;
    }

    void send(ByteBuffer header, byte[] data) {
        connection.deliver(bytes(header, data));
    }

    void send(ByteBuffer header) {
        send(header, new byte[0]);
    }

    /// The next PDU that the target has sent; fails when there is none.
    Pdu receive() {
        parse();
        assertThat(received)
                .as("answers; connection closed: " + connection.closed())
                .isNotEmpty();
        return received.removeFirst();
    }

    Pdu receive(int opcode) {
        Pdu pdu = receive();
        assertThat(Opcode.name(pdu.opcode())).isEqualTo(Opcode.name(opcode));
        return pdu;
    }

    boolean hasAnswer() {
        parse();
        return !received.isEmpty();
    }

    private void parse() {
        ByteBuffer in = ByteBuffer.wrap(connection.take());
        while (in.hasRemaining()) {
            var header = new byte[Bhs.BYTES];
            in.get(header);
            var pdu = ByteBuffer.wrap(header);
            if (headerDigest != Digest.NONE) {
                assertThat(in.getInt()).as("header digest").isEqualTo(Digest.sum(crc, ByteBuffer.wrap(header), 0));
            }
            var data = new byte[Bhs.dataBytes(pdu, 0)];
            in.get(data);
            int padding = Bhs.padding(data.length);
            in.position(in.position() + padding);
            if (dataDigest != Digest.NONE && data.length > 0) {
                assertThat(in.getInt()).as("data digest").isEqualTo(Digest.sum(crc, ByteBuffer.wrap(data), padding));
            }
            received.add(new Pdu(pdu, data));
        }
    }

    ByteBuffer loginRequest(int flags) {
        ByteBuffer login = header(Opcode.LOGIN_REQUEST, flags);
        Bhs.setImmediate(login, 0);
        Bhs.putSession(login, 0, isid, 0);
        Bhs.putInitiatorTaskTag(login, 0, 0x4711);
        Bhs.putCmdSn(login, 0, cmdSn);
        return login;
    }

    Pdu login(LoginKeys keys) {
        send(loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE)), keys.toBytes());
        return receive(Opcode.LOGIN_RESPONSE);
    }

    /// Logs in as open-iscsi does, with the keys given added to the names.
    void loginNormally(String target, LoginKeys keys) {
        Pdu response = login(LoginKeys.of(
                        LoginKeys.INITIATOR_NAME, NAME, LoginKeys.TARGET_NAME, target, LoginKeys.SESSION_TYPE, "Normal")
                .plus(keys));
        assertThat(Bhs.loginStatus(response.header, 0)).isZero();
        headerDigest = "CRC32C".equals(response.keys().get("HeaderDigest")) ? Digest.CRC32C : Digest.NONE;
        dataDigest = "CRC32C".equals(response.keys().get("DataDigest")) ? Digest.CRC32C : Digest.NONE;
        expStatSn = Bhs.statSn(response.header, 0) + 1;
    }

    /// A SCSI Command with the next CmdSN and a tag of its own.
    ByteBuffer command(int flags, int expectedBytes, String cdb) {
        ByteBuffer command = header(Opcode.SCSI_COMMAND, flags | Bhs.ATTRIBUTE_SIMPLE);
        Bhs.putLun(command, 0, Lun.toWire(0));
        Bhs.putInitiatorTaskTag(command, 0, newTag());
        Bhs.putExpectedBytes(command, 0, expectedBytes);
        Bhs.putCmdSn(command, 0, cmdSn++);
        Bhs.putExpStatSn(command, 0, expStatSn);
        command.put(Bhs.cdbAt(0), Arrays.copyOf(HexFormat.of().parseHex(cdb.replace(" ", "")), 16));
        return command;
    }

    ByteBuffer write16(int flags, long block, int blocks) {
        return command(flags | Bhs.WRITE, blocks * 4096, "8a00%016x%08x0000".formatted(block, blocks));
    }

    ByteBuffer read16(long block, int blocks) {
        return command(Bhs.FINAL | Bhs.READ, blocks * 4096, "8800%016x%08x0000".formatted(block, blocks));
    }

    ByteBuffer dataOut(int flags, int taskTag, int transferTag, int dataSn, int offset) {
        ByteBuffer out = header(Opcode.DATA_OUT, flags);
        Bhs.putLun(out, 0, Lun.toWire(0));
        Bhs.putInitiatorTaskTag(out, 0, taskTag);
        Bhs.putTargetTransferTag(out, 0, transferTag);
        Bhs.putDataSn(out, 0, dataSn);
        Bhs.putBufferOffset(out, 0, offset);
        return out;
    }

    ByteBuffer taskRequest(int function, int referencedTag) {
        ByteBuffer request = header(Opcode.TASK_REQUEST, Bhs.FINAL | function);
        Bhs.setImmediate(request, 0);
        Bhs.putLun(request, 0, Lun.toWire(0));
        Bhs.putInitiatorTaskTag(request, 0, newTag());
        Bhs.putReferencedTaskTag(request, 0, referencedTag);
        Bhs.putCmdSn(request, 0, cmdSn);
        return request;
    }
}
