package pnfs.wire.nfs4;

/// What a peer may at most put into a field. Checked before anything is allocated; over it is BADXDR, except
/// where a status of its own exists.
public final class Nfs4Limits {
    public static final int FILE_HANDLE_BYTES = 128; // NFS4_FHSIZE
    public static final int OWNER_BYTES = 1024; // NFS4_OPAQUE_LIMIT: owners, server owners, scopes
    public static final int SESSION_ID_BYTES = 16;
    public static final int DEVICE_ID_BYTES = 16;
    /// A longer name is NAMETOOLONG.
    public static final int NAME_BYTES = 255;
    /// A longer name is not even read.
    static final int NAME_BYTES_READ = 4096;
    public static final int LINK_TEXT_BYTES = 4096;
    public static final int TAG_BYTES = 1024;
    static final int TEXT_BYTES = 1024; // owners of files, hosts, implementation names
    static final int BITMAP_WORDS = 32;
    /// The values of one fattr4. An ACL is the only one that grows.
    static final int ATTRIBUTE_BYTES = 64 * 1024;
    static final int ACES = 1024;
    /// READ, WRITE and READ_PLUS: more than any message of ours may have.
    static final int PAYLOAD_BYTES = 64 << 20;
    static final int LAYOUT_BODY_BYTES = 4 << 20;
    static final int LAYOUTS = 1024;
    static final int STATEIDS = 4096;
    static final int SECURITY_FLAVORS = 32;
    static final int GSS_BYTES = 64 * 1024;
    static final int MACHINE_NAME_BYTES = 255;
    static final int GROUPS = 16;
    static final int ALGORITHMS = 32;
    static final int READ_PLUS_CONTENTS = 64 * 1024;
    static final int SERVERS = 256;
    static final int PATH_NAMES = 256;
    static final int DEVICE_ERRORS = 1024;
    static final int DEVICES = 4096;
    static final int NOTIFICATIONS = 1024;
    static final int REFERRING_CALLS = 1024;
    public static final int XATTR_VALUE_BYTES = 64 * 1024; // XATTR_SIZE_MAX of Linux
    /// A longer value is read to the end, to be refused with XATTR2BIG; one that is longer still is not read.
    static final int XATTR_VALUE_BYTES_READ = 1 << 20;
    static final int XATTR_NAMES = 64 * 1024;

    private Nfs4Limits() {}
}
