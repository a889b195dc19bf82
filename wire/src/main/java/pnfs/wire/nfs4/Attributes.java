package pnfs.wire.nfs4;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import pnfs.wire.nfs4.Attribute.ValueType;
import pnfs.wire.nfs4.AttributeValue.Ace;
import pnfs.wire.nfs4.AttributeValue.ChangePolicy;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.AttributeValue.FlaggedAcl;
import pnfs.wire.nfs4.AttributeValue.FsLocations;
import pnfs.wire.nfs4.AttributeValue.FsLocationsInfo;
import pnfs.wire.nfs4.AttributeValue.FsStatus;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.AttributeValue.MaskedMode;
import pnfs.wire.nfs4.AttributeValue.ModeUmask;
import pnfs.wire.nfs4.AttributeValue.OpenArguments;
import pnfs.wire.nfs4.AttributeValue.Retention;
import pnfs.wire.nfs4.AttributeValue.SecurityLabel;
import pnfs.wire.nfs4.AttributeValue.SetRetention;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.AttributeValue.Threshold;
import pnfs.wire.xdr.Opaque;

/// Attributes of one file with their values: what a [Fattr] says. Immutable. Types that several attributes
/// share are asked for by attribute (`uint32(MODE)`), the others by name (`size()`); asking for an attribute as
/// another type is our bug ([IllegalArgumentException]), asking for one that is not there is
/// [NoSuchElementException].
public final class Attributes {
    public static final Attributes NONE = builder().build();

    private final Map<Attribute, Object> values;
    private final Bitmap present;

    private Attributes(EnumMap<Attribute, Object> values) {
        this.values = Collections.unmodifiableMap(values);
        this.present = Bitmap.of(values.keySet());
    }

    public static Builder builder() {
        return new Builder();
    }

    public Bitmap present() {
        return present;
    }

    public boolean has(Attribute attribute) {
        return values.containsKey(attribute);
    }

    public boolean bool(Attribute attribute) {
        return value(attribute, ValueType.BOOL, Boolean.class);
    }

    public int uint32(Attribute attribute) {
        return value(attribute, ValueType.UINT32, Integer.class);
    }

    public long uint64(Attribute attribute) {
        return value(attribute, ValueType.UINT64, Long.class);
    }

    public String text(Attribute attribute) {
        return value(attribute, ValueType.TEXT, String.class);
    }

    public NfsTime time(Attribute attribute) {
        return value(attribute, ValueType.TIME, NfsTime.class);
    }

    public SetTime setTime(Attribute attribute) {
        return value(attribute, ValueType.SET_TIME, SetTime.class);
    }

    public Bitmap bitmap(Attribute attribute) {
        return value(attribute, ValueType.BITMAP, Bitmap.class);
    }

    public FlaggedAcl flaggedAcl(Attribute attribute) {
        return value(attribute, ValueType.FLAGGED_ACL, FlaggedAcl.class);
    }

    public Retention retention(Attribute attribute) {
        return value(attribute, ValueType.RETENTION, Retention.class);
    }

    public SetRetention setRetention(Attribute attribute) {
        return value(attribute, ValueType.SET_RETENTION, SetRetention.class);
    }

    public long size() {
        return value(Attribute.SIZE, Attribute.SIZE.type(), Long.class);
    }

    public FileType type() {
        return value(Attribute.TYPE, Attribute.TYPE.type(), FileType.class);
    }

    public Fsid fsid() {
        return value(Attribute.FSID, Attribute.FSID.type(), Fsid.class);
    }

    public NfsStatus readError() {
        return value(Attribute.RDATTR_ERROR, Attribute.RDATTR_ERROR.type(), NfsStatus.class);
    }

    public Opaque fileHandle() {
        return value(Attribute.FILEHANDLE, Attribute.FILEHANDLE.type(), Opaque.class);
    }

    public DeviceNumbers rawDevice() {
        return value(Attribute.RAWDEV, Attribute.RAWDEV.type(), DeviceNumbers.class);
    }

    public FsLocations fsLocations() {
        return value(Attribute.FS_LOCATIONS, Attribute.FS_LOCATIONS.type(), FsLocations.class);
    }

    public FsLocationsInfo fsLocationsInfo() {
        return value(Attribute.FS_LOCATIONS_INFO, Attribute.FS_LOCATIONS_INFO.type(), FsLocationsInfo.class);
    }

    public FsStatus fsStatus() {
        return value(Attribute.FS_STATUS, Attribute.FS_STATUS.type(), FsStatus.class);
    }

    public ChangePolicy changePolicy() {
        return value(Attribute.CHANGE_POLICY, Attribute.CHANGE_POLICY.type(), ChangePolicy.class);
    }

    public ChangeType changeType() {
        return value(Attribute.CHANGE_ATTR_TYPE, Attribute.CHANGE_ATTR_TYPE.type(), ChangeType.class);
    }

    public LayoutBody layoutHint() {
        return value(Attribute.LAYOUT_HINT, Attribute.LAYOUT_HINT.type(), LayoutBody.class);
    }

    public MaskedMode maskedMode() {
        return value(Attribute.MODE_SET_MASKED, Attribute.MODE_SET_MASKED.type(), MaskedMode.class);
    }

    public ModeUmask modeUmask() {
        return value(Attribute.MODE_UMASK, Attribute.MODE_UMASK.type(), ModeUmask.class);
    }

    public SecurityLabel securityLabel() {
        return value(Attribute.SEC_LABEL, Attribute.SEC_LABEL.type(), SecurityLabel.class);
    }

    public OpenArguments openArguments() {
        return value(Attribute.OPEN_ARGUMENTS, Attribute.OPEN_ARGUMENTS.type(), OpenArguments.class);
    }

    public List<Ace> acl() {
        return list(Attribute.ACL);
    }

    public List<Threshold> thresholds() {
        return list(Attribute.MDSTHRESHOLD);
    }

    /// [Attribute#FS_LAYOUT_TYPES] or [Attribute#LAYOUT_TYPES].
    public List<LayoutType> layoutTypes(Attribute attribute) {
        checkType(attribute, ValueType.LAYOUT_TYPES);
        return list(attribute);
    }

    Object value(Attribute attribute) {
        Object value = values.get(attribute);
        if (value == null) {
            throw new NoSuchElementException(attribute + " is not among " + present);
        }
        return value;
    }

    private <T> T value(Attribute attribute, ValueType type, Class<T> javaType) {
        checkType(attribute, type);
        return javaType.cast(value(attribute));
    }

    private <T> List<T> list(Attribute attribute) {
        return elements(value(attribute));
    }

    @SuppressWarnings("unchecked") // the builder's methods and the codec put in no other element type
    static <T> List<T> elements(Object list) {
        return (List<T>) list;
    }

    private static void checkType(Attribute attribute, ValueType type) {
        if (attribute.type() != type) {
            throw new IllegalArgumentException(attribute + " is " + attribute.type() + " and not " + type);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Attributes that && values.equals(that.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }

    /// Confined to one thread.
    public static final class Builder {
        private final EnumMap<Attribute, Object> values = new EnumMap<>(Attribute.class);

        private Builder() {}

        public Builder bool(Attribute attribute, boolean value) {
            return put(attribute, ValueType.BOOL, value);
        }

        public Builder uint32(Attribute attribute, int value) {
            return put(attribute, ValueType.UINT32, value);
        }

        public Builder uint64(Attribute attribute, long value) {
            return put(attribute, ValueType.UINT64, value);
        }

        public Builder text(Attribute attribute, String value) {
            return put(attribute, ValueType.TEXT, value);
        }

        public Builder time(Attribute attribute, NfsTime value) {
            return put(attribute, ValueType.TIME, value);
        }

        public Builder setTime(Attribute attribute, SetTime value) {
            return put(attribute, ValueType.SET_TIME, value);
        }

        public Builder bitmap(Attribute attribute, Bitmap value) {
            return put(attribute, ValueType.BITMAP, value);
        }

        public Builder flaggedAcl(Attribute attribute, FlaggedAcl value) {
            return put(attribute, ValueType.FLAGGED_ACL, value);
        }

        public Builder retention(Attribute attribute, Retention value) {
            return put(attribute, ValueType.RETENTION, value);
        }

        public Builder setRetention(Attribute attribute, SetRetention value) {
            return put(attribute, ValueType.SET_RETENTION, value);
        }

        public Builder size(long value) {
            return put(Attribute.SIZE, Attribute.SIZE.type(), value);
        }

        public Builder type(FileType value) {
            return put(Attribute.TYPE, Attribute.TYPE.type(), value);
        }

        public Builder fsid(Fsid value) {
            return put(Attribute.FSID, Attribute.FSID.type(), value);
        }

        public Builder readError(NfsStatus value) {
            return put(Attribute.RDATTR_ERROR, Attribute.RDATTR_ERROR.type(), value);
        }

        public Builder fileHandle(Opaque value) {
            return put(Attribute.FILEHANDLE, Attribute.FILEHANDLE.type(), value);
        }

        public Builder rawDevice(DeviceNumbers value) {
            return put(Attribute.RAWDEV, Attribute.RAWDEV.type(), value);
        }

        public Builder fsLocations(FsLocations value) {
            return put(Attribute.FS_LOCATIONS, Attribute.FS_LOCATIONS.type(), value);
        }

        public Builder fsLocationsInfo(FsLocationsInfo value) {
            return put(Attribute.FS_LOCATIONS_INFO, Attribute.FS_LOCATIONS_INFO.type(), value);
        }

        public Builder fsStatus(FsStatus value) {
            return put(Attribute.FS_STATUS, Attribute.FS_STATUS.type(), value);
        }

        public Builder changePolicy(ChangePolicy value) {
            return put(Attribute.CHANGE_POLICY, Attribute.CHANGE_POLICY.type(), value);
        }

        public Builder changeType(ChangeType value) {
            return put(Attribute.CHANGE_ATTR_TYPE, Attribute.CHANGE_ATTR_TYPE.type(), value);
        }

        public Builder layoutHint(LayoutBody value) {
            return put(Attribute.LAYOUT_HINT, Attribute.LAYOUT_HINT.type(), value);
        }

        public Builder maskedMode(MaskedMode value) {
            return put(Attribute.MODE_SET_MASKED, Attribute.MODE_SET_MASKED.type(), value);
        }

        public Builder modeUmask(ModeUmask value) {
            return put(Attribute.MODE_UMASK, Attribute.MODE_UMASK.type(), value);
        }

        public Builder securityLabel(SecurityLabel value) {
            return put(Attribute.SEC_LABEL, Attribute.SEC_LABEL.type(), value);
        }

        public Builder openArguments(OpenArguments value) {
            return put(Attribute.OPEN_ARGUMENTS, Attribute.OPEN_ARGUMENTS.type(), value);
        }

        public Builder acl(List<Ace> value) {
            return put(Attribute.ACL, ValueType.ACL, List.copyOf(value));
        }

        public Builder thresholds(List<Threshold> value) {
            return put(Attribute.MDSTHRESHOLD, ValueType.THRESHOLDS, List.copyOf(value));
        }

        public Builder layoutTypes(Attribute attribute, List<LayoutType> value) {
            return put(attribute, ValueType.LAYOUT_TYPES, List.copyOf(value));
        }

        public Attributes build() {
            return new Attributes(new EnumMap<>(values));
        }

        Builder put(Attribute attribute, ValueType type, Object value) {
            checkType(attribute, type);
            values.put(attribute, value);
            return this;
        }
    }
}
