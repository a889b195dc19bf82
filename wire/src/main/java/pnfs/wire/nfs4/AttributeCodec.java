package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readText;
import static pnfs.wire.nfs4.CommonCodec.writeList;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import pnfs.wire.nfs4.Attribute.ValueType;
import pnfs.wire.nfs4.AttributeValue.Ace;
import pnfs.wire.nfs4.AttributeValue.ChangePolicy;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.AttributeValue.FlaggedAcl;
import pnfs.wire.nfs4.AttributeValue.FsLocations;
import pnfs.wire.nfs4.AttributeValue.FsLocationsInfo;
import pnfs.wire.nfs4.AttributeValue.FsStatus;
import pnfs.wire.nfs4.AttributeValue.Location;
import pnfs.wire.nfs4.AttributeValue.LocationItem;
import pnfs.wire.nfs4.AttributeValue.LocationServer;
import pnfs.wire.nfs4.AttributeValue.MaskedMode;
import pnfs.wire.nfs4.AttributeValue.ModeUmask;
import pnfs.wire.nfs4.AttributeValue.OpenArguments;
import pnfs.wire.nfs4.AttributeValue.Retention;
import pnfs.wire.nfs4.AttributeValue.SecurityLabel;
import pnfs.wire.nfs4.AttributeValue.SetRetention;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.AttributeValue.Threshold;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The values inside a [Fattr], in ascending order of the attributes' numbers and of exactly the announced length:
/// Linux turns a surplus byte into EIO. RFC 8881 §3.3.9, §5.
public final class AttributeCodec {
    private static final int ACE_BYTES = 4 * Integer.BYTES;

    private AttributeCodec() {}

    /// ATTRNOTSUPP for an attribute nobody told us about, since its length is unknown; [XdrException] where the
    /// values are not as long as the attributes need.
    public static Attributes read(Fattr fattr) {
        var in = XdrReader.of(fattr.values());
        var attributes = Attributes.builder();
        fattr.attributes().stream().forEach(number -> {
            Attribute attribute = Attribute.of(number)
                    .orElseThrow(() -> new NfsException(NfsStatus.ATTRNOTSUPP, "attribute " + number));
            attributes.put(attribute, attribute.type(), readValue(in, attribute.type()));
        });
        in.expectEnd();
        return attributes.build();
    }

    public static Fattr write(Attributes attributes) {
        var out = new XdrWriter();
        Bitmap present = attributes.present();
        for (int number = present.next(0); number >= 0; number = present.next(number + 1)) {
            Attribute attribute = Attribute.of(number).orElseThrow();
            writeValue(out, attribute.type(), attributes.value(attribute));
        }
        return new Fattr(present, out.toOpaque());
    }

    /// For servers that write values without an [Attributes] between; numbers, bools and strings are XDR's own.
    public static void writeTime(XdrWriter out, NfsTime time) {
        CommonCodec.writeTime(out, time);
    }

    /// As [#writeTime].
    public static void writeBitmap(XdrWriter out, Bitmap bitmap) {
        CommonCodec.writeBitmap(out, bitmap);
    }

    /// As [#writeTime].
    public static void writeLayoutTypes(XdrWriter out, List<LayoutType> types) {
        writeList(out, types, (o, type) -> o.writeUint32(type.wire()));
    }

    private static void writeValue(XdrWriter out, ValueType type, Object value) {
        switch (type) {
            case BOOL -> out.writeBool((Boolean) value);
            case UINT32 -> out.writeUint32((Integer) value);
            case UINT64, LENGTH -> out.writeUint64((Long) value);
            case TEXT -> out.writeString((String) value);
            case TIME -> CommonCodec.writeTime(out, (NfsTime) value);
            case SET_TIME -> writeSetTime(out, (SetTime) value);
            case BITMAP -> CommonCodec.writeBitmap(out, (Bitmap) value);
            case FILE_HANDLE -> CommonCodec.writeFileHandle(out, (Opaque) value);
            case FILE_TYPE -> out.writeUint32(((FileType) value).wire());
            case STATUS -> CommonCodec.writeStatus(out, (NfsStatus) value);
            case FSID -> CommonCodec.writeFsid(out, (AttributeValue.Fsid) value);
            case ACL -> writeList(out, Attributes.<Ace>elements(value), CommonCodec::writeAce);
            case FLAGGED_ACL -> writeFlaggedAcl(out, (FlaggedAcl) value);
            case DEVICE_NUMBERS -> CommonCodec.writeDeviceNumbers(out, (DeviceNumbers) value);
            case FS_LOCATIONS -> writeFsLocations(out, (FsLocations) value);
            case FS_LOCATIONS_INFO -> writeFsLocationsInfo(out, (FsLocationsInfo) value);
            case FS_STATUS -> writeFsStatus(out, (FsStatus) value);
            case CHANGE_POLICY -> writeChangePolicy(out, (ChangePolicy) value);
            case CHANGE_TYPE -> out.writeUint32(((ChangeType) value).wire());
            case LAYOUT_TYPES -> writeLayoutTypes(out, Attributes.elements(value));
            case LAYOUT_HINT -> CommonCodec.writeLayoutBody(out, (AttributeValue.LayoutBody) value);
            case THRESHOLDS -> writeList(out, Attributes.<Threshold>elements(value), AttributeCodec::writeThreshold);
            case RETENTION -> writeRetention(out, (Retention) value);
            case SET_RETENTION -> writeSetRetention(out, (SetRetention) value);
            case MASKED_MODE -> writeMaskedMode(out, (MaskedMode) value);
            case MODE_UMASK -> writeModeUmask(out, (ModeUmask) value);
            case SECURITY_LABEL -> writeSecurityLabel(out, (SecurityLabel) value);
            case OPEN_ARGUMENTS -> writeOpenArguments(out, (OpenArguments) value);
        }
    }

    private static Object readValue(XdrReader in, ValueType type) {
        return switch (type) {
            case BOOL -> in.readBool();
            case UINT32 -> in.readUint32();
            case UINT64 -> in.readUint64();
            case LENGTH -> CommonCodec.readBytes63(in);
            case TEXT -> readText(in);
            case TIME -> CommonCodec.readTime(in);
            case SET_TIME -> readSetTime(in);
            case BITMAP -> CommonCodec.readBitmap(in);
            case FILE_HANDLE -> CommonCodec.readFileHandle(in);
            case FILE_TYPE -> FileType.fromWire(in.readUint32());
            case STATUS -> CommonCodec.readStatus(in);
            case FSID -> CommonCodec.readFsid(in);
            case ACL -> readAces(in);
            case FLAGGED_ACL -> readFlaggedAcl(in);
            case DEVICE_NUMBERS -> CommonCodec.readDeviceNumbers(in);
            case FS_LOCATIONS -> readFsLocations(in);
            case FS_LOCATIONS_INFO -> readFsLocationsInfo(in);
            case FS_STATUS -> readFsStatus(in);
            case CHANGE_POLICY -> readChangePolicy(in);
            case CHANGE_TYPE -> ChangeType.fromWire(in.readUint32());
            case LAYOUT_TYPES -> readLayoutTypes(in);
            case LAYOUT_HINT -> CommonCodec.readLayoutBody(in);
            case THRESHOLDS ->
                readList(in, LayoutType.values().length, 3 * Integer.BYTES, AttributeCodec::readThreshold);
            case RETENTION -> readRetention(in);
            case SET_RETENTION -> readSetRetention(in);
            case MASKED_MODE -> readMaskedMode(in);
            case MODE_UMASK -> readModeUmask(in);
            case SECURITY_LABEL -> readSecurityLabel(in);
            case OPEN_ARGUMENTS -> readOpenArguments(in);
        };
    }

    /// Types that we do not know are left out: nobody could ask for such a layout.
    private static List<LayoutType> readLayoutTypes(XdrReader in) {
        return readList(in, Nfs4Limits.ALGORITHMS, Integer.BYTES, XdrReader::readUint32).stream()
                .flatMap(wire -> Arrays.stream(LayoutType.values()).filter(type -> type.wire() == wire))
                .toList();
    }

    private static void writeSetTime(XdrWriter out, SetTime value) {
        CommonCodec.writeOptional(out, value.time(), CommonCodec::writeTime);
    }

    private static SetTime readSetTime(XdrReader in) {
        return new SetTime(CommonCodec.readOptional(in, CommonCodec::readTime));
    }

    private static List<Ace> readAces(XdrReader in) {
        return readList(in, Nfs4Limits.ACES, ACE_BYTES, CommonCodec::readAce);
    }

    private static void writeFlaggedAcl(XdrWriter out, FlaggedAcl acl) {
        out.writeUint32(acl.flags());
        writeList(out, acl.aces(), CommonCodec::writeAce);
    }

    private static FlaggedAcl readFlaggedAcl(XdrReader in) {
        int flags = in.readUint32();
        return new FlaggedAcl(flags, readAces(in));
    }

    private static void writePath(XdrWriter out, List<String> names) {
        writeList(out, names, XdrWriter::writeString);
    }

    private static List<String> readPath(XdrReader in) {
        return readList(in, Nfs4Limits.PATH_NAMES, Integer.BYTES, CommonCodec::readText);
    }

    private static void writeFsLocations(XdrWriter out, FsLocations locations) {
        writePath(out, locations.root());
        writeList(out, locations.locations(), AttributeCodec::writeLocation);
    }

    private static FsLocations readFsLocations(XdrReader in) {
        var root = readPath(in);
        return new FsLocations(root, readList(in, Nfs4Limits.SERVERS, 2 * Integer.BYTES, AttributeCodec::readLocation));
    }

    private static void writeLocation(XdrWriter out, Location location) {
        writePath(out, location.servers());
        writePath(out, location.root());
    }

    private static Location readLocation(XdrReader in) {
        var servers = readPath(in);
        return new Location(servers, readPath(in));
    }

    private static void writeFsLocationsInfo(XdrWriter out, FsLocationsInfo info) {
        out.writeUint32(info.flags());
        out.writeUint32(info.validForSeconds());
        writePath(out, info.root());
        writeList(out, info.items(), AttributeCodec::writeLocationItem);
    }

    private static FsLocationsInfo readFsLocationsInfo(XdrReader in) {
        int flags = in.readUint32();
        int validForSeconds = in.readUint32();
        var root = readPath(in);
        var items = readList(in, Nfs4Limits.SERVERS, 2 * Integer.BYTES, AttributeCodec::readLocationItem);
        return new FsLocationsInfo(flags, validForSeconds, root, items);
    }

    private static void writeLocationItem(XdrWriter out, LocationItem item) {
        writeList(out, item.servers(), AttributeCodec::writeLocationServer);
        writePath(out, item.root());
    }

    private static LocationItem readLocationItem(XdrReader in) {
        var servers = readList(in, Nfs4Limits.SERVERS, 3 * Integer.BYTES, AttributeCodec::readLocationServer);
        return new LocationItem(servers, readPath(in));
    }

    private static void writeLocationServer(XdrWriter out, LocationServer server) {
        out.writeUint32(server.currency());
        out.writeOpaque(server.info());
        out.writeString(server.server());
    }

    private static LocationServer readLocationServer(XdrReader in) {
        int currency = in.readUint32();
        var info = in.readOpaque(Nfs4Limits.TEXT_BYTES);
        return new LocationServer(currency, info, readText(in));
    }

    private static void writeFsStatus(XdrWriter out, FsStatus status) {
        out.writeBool(status.absent());
        out.writeUint32(status.type());
        out.writeString(status.source());
        out.writeString(status.current());
        out.writeUint32(status.ageSeconds());
        CommonCodec.writeTime(out, status.version());
    }

    private static FsStatus readFsStatus(XdrReader in) {
        boolean absent = in.readBool();
        int type = in.readUint32();
        var source = readText(in);
        var current = readText(in);
        int ageSeconds = in.readUint32();
        return new FsStatus(absent, type, source, current, ageSeconds, CommonCodec.readTime(in));
    }

    private static void writeChangePolicy(XdrWriter out, ChangePolicy policy) {
        out.writeUint64(policy.major());
        out.writeUint64(policy.minor());
    }

    private static ChangePolicy readChangePolicy(XdrReader in) {
        long major = in.readUint64();
        return new ChangePolicy(major, in.readUint64());
    }

    private static void writeThreshold(XdrWriter out, Threshold threshold) {
        out.writeUint32(threshold.type().wire());
        CommonCodec.writeBitmap(out, threshold.hints());
        out.writeOpaque(threshold.values());
    }

    private static Threshold readThreshold(XdrReader in) {
        var type = LayoutType.fromWire(in.readUint32());
        var hints = CommonCodec.readBitmap(in);
        return new Threshold(type, hints, in.readOpaque(Nfs4Limits.TEXT_BYTES));
    }

    private static void writeRetention(XdrWriter out, Retention retention) {
        out.writeUint64(retention.durationSeconds());
        CommonCodec.writeOptional(out, retention.begin(), CommonCodec::writeTime);
    }

    private static Retention readRetention(XdrReader in) {
        long duration = in.readUint64();
        return new Retention(duration, CommonCodec.readOptional(in, CommonCodec::readTime));
    }

    private static void writeSetRetention(XdrWriter out, SetRetention retention) {
        out.writeBool(retention.enable());
        CommonCodec.writeOptionalUint64(out, retention.durationSeconds());
    }

    private static SetRetention readSetRetention(XdrReader in) {
        boolean enable = in.readBool();
        return new SetRetention(enable, in.readBool() ? OptionalLong.of(in.readUint64()) : OptionalLong.empty());
    }

    private static void writeMaskedMode(XdrWriter out, MaskedMode mode) {
        out.writeUint32(mode.value());
        out.writeUint32(mode.mask());
    }

    private static MaskedMode readMaskedMode(XdrReader in) {
        int value = in.readUint32();
        return new MaskedMode(value, in.readUint32());
    }

    private static void writeModeUmask(XdrWriter out, ModeUmask mode) {
        out.writeUint32(mode.mode());
        out.writeUint32(mode.umask());
    }

    private static ModeUmask readModeUmask(XdrReader in) {
        int mode = in.readUint32();
        return new ModeUmask(mode, in.readUint32());
    }

    private static void writeSecurityLabel(XdrWriter out, SecurityLabel label) {
        out.writeUint32(label.labelFormat());
        out.writeUint32(label.policy());
        out.writeOpaque(label.label());
    }

    private static SecurityLabel readSecurityLabel(XdrReader in) {
        int labelFormat = in.readUint32();
        int policy = in.readUint32();
        return new SecurityLabel(labelFormat, policy, in.readOpaque(Nfs4Limits.ATTRIBUTE_BYTES));
    }

    private static void writeOpenArguments(XdrWriter out, OpenArguments arguments) {
        CommonCodec.writeBitmap(out, arguments.shareAccess());
        CommonCodec.writeBitmap(out, arguments.shareDeny());
        CommonCodec.writeBitmap(out, arguments.shareWants());
        CommonCodec.writeBitmap(out, arguments.claims());
        CommonCodec.writeBitmap(out, arguments.createModes());
    }

    private static OpenArguments readOpenArguments(XdrReader in) {
        var shareAccess = CommonCodec.readBitmap(in);
        var shareDeny = CommonCodec.readBitmap(in);
        var shareWants = CommonCodec.readBitmap(in);
        var claims = CommonCodec.readBitmap(in);
        return new OpenArguments(shareAccess, shareDeny, shareWants, claims, CommonCodec.readBitmap(in));
    }
}
