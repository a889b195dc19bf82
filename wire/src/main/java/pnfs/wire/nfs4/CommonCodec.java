package pnfs.wire.nfs4;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.Function;
import pnfs.wire.nfs4.AttributeValue.Ace;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Structures that several families share. RFC 7863.
final class CommonCodec {
    private static final int COPIED_BYTES = 1024;

    private CommonCodec() {}

    static void writeStateid(XdrWriter out, Stateid stateid) {
        out.writeUint32(stateid.seqid());
        out.writeFixed(stateid.other());
    }

    static Stateid readStateid(XdrReader in) {
        int seqid = in.readUint32();
        return new Stateid(seqid, in.readFixedOpaque(Stateid.OTHER_BYTES));
    }

    static void writeBitmap(XdrWriter out, Bitmap bitmap) {
        out.writeUint32(bitmap.wordCount());
        for (int i = 0; i < bitmap.wordCount(); i++) {
            out.writeUint32(bitmap.word(i));
        }
    }

    static Bitmap readBitmap(XdrReader in) {
        var words = new int[in.readCount(Nfs4Limits.BITMAP_WORDS, Integer.BYTES)];
        for (int i = 0; i < words.length; i++) {
            words[i] = in.readUint32();
        }
        return Bitmap.owning(words);
    }

    static void writeFattr(XdrWriter out, Fattr fattr) {
        writeBitmap(out, fattr.attributes());
        out.writeOpaque(fattr.values());
    }

    static Fattr readFattr(XdrReader in) {
        var attributes = readBitmap(in);
        return new Fattr(attributes, in.readOpaque(Nfs4Limits.ATTRIBUTE_BYTES));
    }

    static void writeTime(XdrWriter out, NfsTime time) {
        out.writeUint64(time.seconds());
        out.writeUint32(time.nanos());
    }

    static NfsTime readTime(XdrReader in) {
        long seconds = in.readUint64();
        return NfsTime.fromWire(seconds, in.readUint32());
    }

    static void writeChangeInfo(XdrWriter out, ChangeInfo info) {
        out.writeBool(info.atomic());
        out.writeUint64(info.before());
        out.writeUint64(info.after());
    }

    static ChangeInfo readChangeInfo(XdrReader in) {
        boolean atomic = in.readBool();
        long before = in.readUint64();
        return new ChangeInfo(atomic, before, in.readUint64());
    }

    static void writeRange(XdrWriter out, FileRange range) {
        out.writeUint64(range.offset());
        out.writeUint64(range.wireLength());
    }

    static FileRange readRange(XdrReader in) {
        long offset = in.readUint64();
        return FileRange.fromWire(offset, in.readUint64());
    }

    /// An offset or a count of bytes: INVAL over 2^63-1.
    static long readBytes63(XdrReader in) {
        return readBytes63(in, NfsStatus.INVAL);
    }

    static long readBytes63(XdrReader in, NfsStatus tooLarge) {
        long value = in.readUint64();
        if (value < 0) {
            throw new NfsException(tooLarge, "number " + Long.toUnsignedString(value) + " over 2^63-1");
        }
        return value;
    }

    /// A maximum that a peer allows, 32 bits unsigned: what is above 2^31-1 is read as that, being no less than we
    /// send.
    static int readMaximum(XdrReader in) {
        int value = in.readUint32();
        return value < 0 ? Integer.MAX_VALUE : value;
    }

    /// A slot's number: `tooHigh` over 2^31-1, where no table of ours reaches.
    static int readSlot(XdrReader in, NfsStatus tooHigh) {
        int slot = in.readUint32();
        if (slot < 0) {
            throw new NfsException(tooHigh, "slot " + Integer.toUnsignedString(slot));
        }
        return slot;
    }

    static void writeStatus(XdrWriter out, NfsStatus status) {
        out.writeUint32(status.number());
    }

    static NfsStatus readStatus(XdrReader in) {
        return NfsStatus.fromWire(in.readUint32());
    }

    static void writeFileHandle(XdrWriter out, Opaque fileHandle) {
        out.writeOpaque(fileHandle);
    }

    static Opaque readFileHandle(XdrReader in) {
        return in.readOpaque(Nfs4Limits.FILE_HANDLE_BYTES);
    }

    static void writeSessionId(XdrWriter out, Opaque session) {
        writeFixed(out, session, Nfs4Limits.SESSION_ID_BYTES);
    }

    static Opaque readSessionId(XdrReader in) {
        return in.readFixedOpaque(Nfs4Limits.SESSION_ID_BYTES);
    }

    static void writeDeviceId(XdrWriter out, Opaque device) {
        writeFixed(out, device, Nfs4Limits.DEVICE_ID_BYTES);
    }

    static Opaque readDeviceId(XdrReader in) {
        return in.readFixedOpaque(Nfs4Limits.DEVICE_ID_BYTES);
    }

    static void writeOwner(XdrWriter out, StateOwner owner) {
        out.writeUint64(owner.clientId());
        out.writeOpaque(owner.owner());
    }

    static StateOwner readOwner(XdrReader in) {
        long clientId = in.readUint64();
        return new StateOwner(clientId, in.readOpaque(Nfs4Limits.OWNER_BYTES));
    }

    static void writeLayoutBody(XdrWriter out, LayoutBody body) {
        out.writeUint32(body.type().wire());
        out.writeOpaque(body.body());
    }

    static LayoutBody readLayoutBody(XdrReader in) {
        var type = LayoutType.fromWire(in.readUint32());
        return new LayoutBody(type, in.readOpaque(Nfs4Limits.LAYOUT_BODY_BYTES));
    }

    static void writeFsid(XdrWriter out, Fsid fsid) {
        out.writeUint64(fsid.major());
        out.writeUint64(fsid.minor());
    }

    static Fsid readFsid(XdrReader in) {
        long major = in.readUint64();
        return new Fsid(major, in.readUint64());
    }

    static void writeDeviceNumbers(XdrWriter out, DeviceNumbers device) {
        out.writeUint32(device.major());
        out.writeUint32(device.minor());
    }

    static DeviceNumbers readDeviceNumbers(XdrReader in) {
        int major = in.readUint32();
        return new DeviceNumbers(major, in.readUint32());
    }

    static void writeAce(XdrWriter out, Ace ace) {
        out.writeUint32(ace.type());
        out.writeUint32(ace.flags());
        out.writeUint32(ace.mask());
        out.writeString(ace.who());
    }

    static Ace readAce(XdrReader in) {
        int type = in.readUint32();
        int flags = in.readUint32();
        int mask = in.readUint32();
        return new Ace(type, flags, mask, readText(in));
    }

    /// `component4`, RFC 8881 §14: one name of a path. Empty or not UTF-8 is INVAL, too long NAMETOOLONG, a
    /// slash or a zero byte BADCHAR, `.` and `..` BADNAME.
    static String readName(XdrReader in) {
        String name = readNonEmpty(in);
        if (name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
            throw new NfsException(NfsStatus.BADCHAR, "name with a slash or a zero byte");
        }
        if (name.equals(".") || name.equals("..")) {
            throw new NfsException(NfsStatus.BADNAME, "name " + name);
        }
        return name;
    }

    /// `xattrkey4`, RFC 8276 §8.2: any characters but the zero byte.
    static String readXattrName(XdrReader in) {
        String name = readNonEmpty(in);
        if (name.indexOf('\0') >= 0) {
            throw new NfsException(NfsStatus.BADCHAR, "attribute name with a zero byte");
        }
        return name;
    }

    private static String readNonEmpty(XdrReader in) {
        Opaque bytes = in.readOpaque(Nfs4Limits.NAME_BYTES_READ);
        if (bytes.length() == 0) {
            throw new NfsException(NfsStatus.INVAL, "empty name");
        }
        if (bytes.length() > Nfs4Limits.NAME_BYTES) {
            throw new NfsException(NfsStatus.NAMETOOLONG, "name of " + bytes.length() + " bytes");
        }
        return utf8(bytes);
    }

    /// Any other text: INVAL where it is not UTF-8.
    static String readText(XdrReader in) {
        return utf8(in.readOpaque(Nfs4Limits.TEXT_BYTES));
    }

    private static String utf8(Opaque bytes) {
        if (!bytes.isUtf8()) {
            throw new NfsException(NfsStatus.INVAL, "text of " + bytes.length() + " bytes is not UTF-8");
        }
        return bytes.utf8();
    }

    static <T> void writeList(XdrWriter out, List<T> list, BiConsumer<XdrWriter, T> element) {
        out.writeUint32(list.size());
        list.forEach(item -> element.accept(out, item));
    }

    static <T> List<T> readList(XdrReader in, int max, int minElementBytes, Function<XdrReader, T> element) {
        int count = in.readCount(max, minElementBytes);
        var list = new ArrayList<T>(); // grows with what is really there
        for (int i = 0; i < count; i++) {
            list.add(element.apply(in));
        }
        return List.copyOf(list);
    }

    /// An array of at most one, or a bool and what it announces: the same bytes.
    static <T> void writeOptional(XdrWriter out, Optional<T> optional, BiConsumer<XdrWriter, T> element) {
        out.writeBool(optional.isPresent());
        optional.ifPresent(item -> element.accept(out, item));
    }

    static <T> Optional<T> readOptional(XdrReader in, Function<XdrReader, T> element) {
        return in.readBool() ? Optional.of(element.apply(in)) : Optional.empty();
    }

    static void writeOptionalUint64(XdrWriter out, OptionalLong optional) {
        out.writeBool(optional.isPresent());
        optional.ifPresent(out::writeUint64);
    }

    static OptionalLong readOptionalBytes63(XdrReader in) {
        return in.readBool() ? OptionalLong.of(readBytes63(in)) : OptionalLong.empty();
    }

    /// Short payloads are copied, long ones travel as the views they are.
    static void writePayload(XdrWriter out, ByteBuffer data) {
        if (data.remaining() < COPIED_BYTES) {
            out.writeOpaque(data);
        } else {
            out.writeOpaqueView(data);
        }
    }

    static ByteBuffer readPayload(XdrReader in) {
        return in.readOpaqueView(Nfs4Limits.PAYLOAD_BYTES);
    }

    static XdrException unknownArm(String union, int discriminant) {
        return new XdrException(union + " " + Integer.toUnsignedString(discriminant));
    }

    private static void writeFixed(XdrWriter out, Opaque bytes, int length) {
        if (bytes.length() != length) {
            throw new IllegalArgumentException(bytes.length() + " bytes where the grammar has " + length);
        }
        out.writeFixed(bytes);
    }
}
