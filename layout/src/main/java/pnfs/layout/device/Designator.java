package pnfs.layout.device;

import pnfs.wire.xdr.Opaque;

/// How a client finds a logical unit or namespace among its own disks: a designator of the device
/// identification page (VPD 83h) with association "logical unit", RFC 8154 §2.3.1; for NVMe the NGUID or
/// EUI-64, RFC 9561 §2.1.
///
/// @param bytes the designator itself, at most [#MAX_BYTES]
public record Designator(CodeSet codeSet, Type type, Opaque bytes) {
    public static final int MAX_BYTES = 256;

    public Designator {
        if (bytes.length() == 0 || bytes.length() > MAX_BYTES) {
            throw new IllegalArgumentException("designator of " + bytes.length() + " bytes, 1 to " + MAX_BYTES);
        }
    }

    /// The designator of an iSCSI logical unit of ours: NAA, 8 or 16 bytes.
    public static Designator naa(Opaque bytes) {
        return new Designator(CodeSet.BINARY, Type.NAA, bytes);
    }

    /// The designator of an NVMe namespace of ours: NGUID (16 bytes) or EUI-64 (8 bytes).
    public static Designator eui64(Opaque bytes) {
        return new Designator(CodeSet.BINARY, Type.EUI64, bytes);
    }

    /// Whether Linux looks for such a designator: it builds the name of a link in /dev/disk/by-id from it, and
    /// knows NAA and EUI-64 in binary only, of lengths that udev makes links for.
    boolean foundByLinux() {
        return codeSet == CodeSet.BINARY
                && (type == Type.NAA || type == Type.EUI64)
                && (bytes.length() == 8 || bytes.length() == 16);
    }

    /// `pnfs_scsi_code_set`.
    public enum CodeSet {
        BINARY(1),
        ASCII(2),
        UTF8(3);

        private final int wire;

        CodeSet(int wire) {
            this.wire = wire;
        }

        public int wire() {
            return wire;
        }
    }

    /// `pnfs_scsi_designator_type`.
    public enum Type {
        T10(1),
        EUI64(2),
        NAA(3),
        NAME(8);

        private final int wire;

        Type(int wire) {
            this.wire = wire;
        }

        public int wire() {
            return wire;
        }
    }
}
