package pnfs.mds.session;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpCodec;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Sessions that outlive the run of the server (CREATE_SESSION4_FLAG_PERSIST, RFC 8881 §2.10.6.5), and for each
/// of their slots the last request that changed something. The first half of a session's id is its client's.
/// Numbers in keys are big-endian, values are XDR.
///
/// ```
/// key    SESSION, fixed<16> session id
/// value  u32 version = 1 | u32 minor version | CREATE_SESSION's arguments | its result      both as on the wire
///
/// key    SLOT, fixed<16> session id | u32 slot
/// value  u32 version = 1 | u32 sequence | u32 flavor | u32 uid | u32 fingerprint            whose request it was
///        | bool kept | reply, if it was, to the end                                         the COMPOUND's result
///
/// key    CALLBACK, fixed<16> session id | u32 slot
/// value  u32 version = 1 | u32 sequence                                                     the last that was seen
/// ```
public final class SessionRecords {
    private static final int VERSION = 1;
    private static final int SESSION_KEY_BYTES = 1 + Nfs4Limits.SESSION_ID_BYTES;
    private static final int SLOT_KEY_BYTES = SESSION_KEY_BYTES + Integer.BYTES;
    private static final int SLOT_BYTES = 64;

    /// How a session came about.
    ///
    /// @param asked with what BACKCHANNEL_CTL and BIND_CONN_TO_SESSION changed since: program and security of
    ///     callbacks, and whether there is to be a backchannel
    record SessionRecord(int minorVersion, CreateSessionArgs asked, CreateSessionResult granted) {
        Opaque id() {
            return granted.session();
        }
    }

    /// A request and its answer.
    ///
    /// @param reply null where it was not kept
    @SuppressWarnings("ArrayRecordComponent") // never compared; the array is written once
    record SlotRecord(int sequence, Principal principal, int fingerprint, byte @Nullable [] reply) {}

    private SessionRecords() {}

    static byte[] key(Opaque session) {
        return Keys.SESSION.of(session.toByteArray());
    }

    /// @param kind SLOT or CALLBACK
    static byte[] key(Keys kind, Opaque session, int slot) {
        return kind.of(ByteBuffer.allocate(SLOT_KEY_BYTES - 1)
                .put(session.toByteArray())
                .putInt(slot)
                .array());
    }

    static byte[] write(SessionRecord session) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        out.writeUint32(session.minorVersion());
        OpCodec.writeArgs(out, session.asked());
        OpCodec.writeResult(out, session.granted());
        return out.toByteArray();
    }

    static byte[] write(SlotRecord slot) {
        byte[] reply = slot.reply();
        var out = new XdrWriter(SLOT_BYTES + (reply == null ? 0 : reply.length));
        out.writeUint32(VERSION);
        out.writeUint32(slot.sequence());
        out.writeUint32(slot.principal().flavor());
        out.writeUint32(slot.principal().uid());
        out.writeUint32(slot.fingerprint());
        out.writeBool(reply != null);
        if (reply != null) {
            out.writeFixed(reply);
        }
        return out.toByteArray();
    }

    static byte[] writeSequence(int sequence) {
        var out = new XdrWriter(2 * Integer.BYTES);
        out.writeUint32(VERSION);
        out.writeUint32(sequence);
        return out.toByteArray();
    }

    static SessionRecord read(byte[] key, byte[] value) {
        Opaque id = sessionOf(key, SESSION_KEY_BYTES);
        return read(value, "session " + id, in -> {
            var session =
                    new SessionRecord(in.readUint32(), (CreateSessionArgs) OpCodec.readArgs(in), (CreateSessionResult)
                            OpCodec.readResult(in));
            if (!session.id().equals(id)) {
                throw new CorruptStoreException("session " + id + " has the record of " + session.id());
            }
            return session;
        });
    }

    static SlotRecord readSlot(byte[] key, byte[] value) {
        return read(
                value,
                nameOfSlot(key),
                in -> new SlotRecord(
                        in.readUint32(),
                        new Principal(in.readUint32(), in.readUint32()),
                        in.readUint32(),
                        in.readBool() ? in.readFixed(in.remaining()) : null));
    }

    static int readSequence(byte[] key, byte[] value) {
        return read(value, nameOfSlot(key), XdrReader::readUint32);
    }

    private static String nameOfSlot(byte[] key) {
        Opaque session = sessionOfSlot(key);
        return "slot " + slotOf(key) + " of session " + session;
    }

    private static <T> T read(byte[] value, String what, Function<XdrReader, T> body) {
        try {
            var in = XdrReader.of(Opaque.of(value));
            int version = in.readUint32();
            if (version != VERSION) {
                throw new CorruptStoreException(what + " has version " + version + ", this server reads " + VERSION);
            }
            T read = body.apply(in);
            in.expectEnd();
            return read;
        } catch (XdrException | NfsException | ClassCastException e) {
            throw new CorruptStoreException(what + " is damaged", e);
        }
    }

    private static Opaque sessionOf(byte[] key, int bytes) {
        if (key.length != bytes) {
            throw new CorruptStoreException("session with a key of " + key.length + " bytes");
        }
        return Opaque.of(Arrays.copyOfRange(key, 1, SESSION_KEY_BYTES));
    }

    /// The session that a record is of.
    ///
    /// @throws CorruptStoreException when the record is not what is written here
    public static Opaque sessionOf(Keys kind, byte[] key, byte[] value) {
        switch (kind) {
            case SESSION -> {
                return read(key, value).id();
            }
            case SLOT -> readSlot(key, value);
            default -> readSequence(key, value);
        }
        return sessionOfSlot(key);
    }

    /// The client of a session.
    public static long clientOf(Opaque session) {
        return ByteBuffer.wrap(session.toByteArray()).getLong();
    }

    /// The session of a record of a slot.
    static Opaque sessionOfSlot(byte[] key) {
        return sessionOf(key, SLOT_KEY_BYTES);
    }

    static int slotOf(byte[] key) {
        return ByteBuffer.wrap(key).getInt(SESSION_KEY_BYTES);
    }
}
