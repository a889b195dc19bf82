package pnfs.wire.nfs4;

import java.util.Optional;

/// File attributes and their numbers: RFC 8881 §5.6 to §5.8, RFC 7862 §12.2, RFC 8275, RFC 8276; those from
/// [#OFFLINE] on as Linux 7.2 numbers them.
public enum Attribute {
    SUPPORTED_ATTRS(0, ValueType.BITMAP, Access.READ),
    TYPE(1, ValueType.FILE_TYPE, Access.READ),
    FH_EXPIRE_TYPE(2, ValueType.UINT32, Access.READ),
    CHANGE(3, ValueType.UINT64, Access.READ),
    SIZE(4, ValueType.LENGTH, Access.READ_WRITE),
    LINK_SUPPORT(5, ValueType.BOOL, Access.READ),
    SYMLINK_SUPPORT(6, ValueType.BOOL, Access.READ),
    NAMED_ATTR(7, ValueType.BOOL, Access.READ),
    FSID(8, ValueType.FSID, Access.READ),
    UNIQUE_HANDLES(9, ValueType.BOOL, Access.READ),
    LEASE_TIME(10, ValueType.UINT32, Access.READ), // seconds
    RDATTR_ERROR(11, ValueType.STATUS, Access.READ),
    ACL(12, ValueType.ACL, Access.READ_WRITE),
    ACLSUPPORT(13, ValueType.UINT32, Access.READ),
    ARCHIVE(14, ValueType.BOOL, Access.READ_WRITE),
    CANSETTIME(15, ValueType.BOOL, Access.READ),
    CASE_INSENSITIVE(16, ValueType.BOOL, Access.READ),
    CASE_PRESERVING(17, ValueType.BOOL, Access.READ),
    CHOWN_RESTRICTED(18, ValueType.BOOL, Access.READ),
    FILEHANDLE(19, ValueType.FILE_HANDLE, Access.READ),
    FILEID(20, ValueType.UINT64, Access.READ),
    FILES_AVAIL(21, ValueType.UINT64, Access.READ),
    FILES_FREE(22, ValueType.UINT64, Access.READ),
    FILES_TOTAL(23, ValueType.UINT64, Access.READ),
    FS_LOCATIONS(24, ValueType.FS_LOCATIONS, Access.READ),
    HIDDEN(25, ValueType.BOOL, Access.READ_WRITE),
    HOMOGENEOUS(26, ValueType.BOOL, Access.READ),
    MAXFILESIZE(27, ValueType.UINT64, Access.READ),
    MAXLINK(28, ValueType.UINT32, Access.READ),
    MAXNAME(29, ValueType.UINT32, Access.READ),
    MAXREAD(30, ValueType.UINT64, Access.READ), // Linux takes 1024 bytes where it is missing
    MAXWRITE(31, ValueType.UINT64, Access.READ), // the same
    MIMETYPE(32, ValueType.TEXT, Access.READ_WRITE),
    MODE(33, ValueType.UINT32, Access.READ_WRITE),
    NO_TRUNC(34, ValueType.BOOL, Access.READ),
    NUMLINKS(35, ValueType.UINT32, Access.READ),
    OWNER(36, ValueType.TEXT, Access.READ_WRITE), // user@domain, or a decimal number
    OWNER_GROUP(37, ValueType.TEXT, Access.READ_WRITE),
    QUOTA_AVAIL_HARD(38, ValueType.UINT64, Access.READ),
    QUOTA_AVAIL_SOFT(39, ValueType.UINT64, Access.READ),
    QUOTA_USED(40, ValueType.UINT64, Access.READ),
    RAWDEV(41, ValueType.DEVICE_NUMBERS, Access.READ),
    SPACE_AVAIL(42, ValueType.UINT64, Access.READ),
    SPACE_FREE(43, ValueType.UINT64, Access.READ),
    SPACE_TOTAL(44, ValueType.UINT64, Access.READ),
    SPACE_USED(45, ValueType.UINT64, Access.READ),
    SYSTEM(46, ValueType.BOOL, Access.READ_WRITE),
    TIME_ACCESS(47, ValueType.TIME, Access.READ),
    TIME_ACCESS_SET(48, ValueType.SET_TIME, Access.WRITE),
    TIME_BACKUP(49, ValueType.TIME, Access.READ_WRITE),
    TIME_CREATE(50, ValueType.TIME, Access.READ_WRITE),
    TIME_DELTA(51, ValueType.TIME, Access.READ),
    TIME_METADATA(52, ValueType.TIME, Access.READ),
    TIME_MODIFY(53, ValueType.TIME, Access.READ),
    TIME_MODIFY_SET(54, ValueType.SET_TIME, Access.WRITE),
    MOUNTED_ON_FILEID(55, ValueType.UINT64, Access.READ),
    DIR_NOTIF_DELAY(56, ValueType.TIME, Access.READ),
    DIRENT_NOTIF_DELAY(57, ValueType.TIME, Access.READ),
    DACL(58, ValueType.FLAGGED_ACL, Access.READ_WRITE),
    SACL(59, ValueType.FLAGGED_ACL, Access.READ_WRITE),
    CHANGE_POLICY(60, ValueType.CHANGE_POLICY, Access.READ),
    FS_STATUS(61, ValueType.FS_STATUS, Access.READ),
    FS_LAYOUT_TYPES(62, ValueType.LAYOUT_TYPES, Access.READ), // its presence is what makes a client use pNFS
    LAYOUT_HINT(63, ValueType.LAYOUT_HINT, Access.WRITE),
    LAYOUT_TYPES(64, ValueType.LAYOUT_TYPES, Access.READ),
    LAYOUT_BLKSIZE(65, ValueType.UINT32, Access.READ), // bytes; Linux wants it for block and SCSI layouts
    LAYOUT_ALIGNMENT(66, ValueType.UINT32, Access.READ),
    FS_LOCATIONS_INFO(67, ValueType.FS_LOCATIONS_INFO, Access.READ),
    MDSTHRESHOLD(68, ValueType.THRESHOLDS, Access.READ),
    RETENTION_GET(69, ValueType.RETENTION, Access.READ),
    RETENTION_SET(70, ValueType.SET_RETENTION, Access.WRITE),
    RETENTEVT_GET(71, ValueType.RETENTION, Access.READ),
    RETENTEVT_SET(72, ValueType.SET_RETENTION, Access.WRITE),
    RETENTION_HOLD(73, ValueType.UINT64, Access.READ_WRITE),
    MODE_SET_MASKED(74, ValueType.MASKED_MODE, Access.WRITE),
    SUPPATTR_EXCLCREAT(75, ValueType.BITMAP, Access.READ),
    FS_CHARSET_CAP(76, ValueType.UINT32, Access.READ),
    CLONE_BLKSIZE(77, ValueType.UINT32, Access.READ),
    SPACE_FREED(78, ValueType.UINT64, Access.READ),
    CHANGE_ATTR_TYPE(79, ValueType.CHANGE_TYPE, Access.READ),
    SEC_LABEL(80, ValueType.SECURITY_LABEL, Access.READ_WRITE),
    MODE_UMASK(81, ValueType.MODE_UMASK, Access.WRITE),
    XATTR_SUPPORT(82, ValueType.BOOL, Access.READ),
    OFFLINE(83, ValueType.BOOL, Access.READ),
    TIME_DELEG_ACCESS(84, ValueType.TIME, Access.WRITE),
    TIME_DELEG_MODIFY(85, ValueType.TIME, Access.WRITE),
    OPEN_ARGUMENTS(86, ValueType.OPEN_ARGUMENTS, Access.READ);

    /// What a value is; each has one reader, one writer and one accessor.
    public enum ValueType {
        BOOL,
        UINT32,
        UINT64, // as it stands
        LENGTH, // bytes, at most 2^63-1
        TEXT,
        TIME,
        SET_TIME,
        BITMAP,
        FILE_HANDLE,
        FILE_TYPE,
        STATUS,
        FSID,
        ACL,
        FLAGGED_ACL,
        DEVICE_NUMBERS,
        FS_LOCATIONS,
        FS_LOCATIONS_INFO,
        FS_STATUS,
        CHANGE_POLICY,
        CHANGE_TYPE,
        LAYOUT_TYPES,
        LAYOUT_HINT,
        THRESHOLDS,
        RETENTION,
        SET_RETENTION,
        MASKED_MODE,
        MODE_UMASK,
        SECURITY_LABEL,
        OPEN_ARGUMENTS
    }

    /// READ: GETATTR, READDIR, VERIFY. WRITE: SETATTR, CREATE, OPEN.
    public enum Access {
        READ,
        WRITE,
        READ_WRITE
    }

    private static final Attribute[] ALL = values();

    private final int number;
    private final ValueType type;
    private final Access access;

    Attribute(int number, ValueType type, Access access) {
        this.number = number;
        this.type = type;
        this.access = access;
    }

    public int number() {
        return number;
    }

    public ValueType type() {
        return type;
    }

    public boolean isReadable() {
        return access != Access.WRITE;
    }

    public boolean isWritable() {
        return access != Access.READ;
    }

    /// Empty where nobody told us what the number means.
    public static Optional<Attribute> of(int number) {
        return number >= 0 && number < ALL.length ? Optional.of(ALL[number]) : Optional.empty(); // no gaps
    }
}
