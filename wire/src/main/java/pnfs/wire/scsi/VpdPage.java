package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Vital product data: what INQUIRY with EVPD answers (SPC-4 §7.8, SBC-3 §6.6). Immutable; a target cuts
/// [#toBytes] at the allocation length, lengths inside stay whole.
public sealed interface VpdPage {
    int SUPPORTED_PAGES = 0x00;
    int UNIT_SERIAL = 0x80;
    int DEVICE_IDENTIFICATION = 0x83;
    int BLOCK_LIMITS = 0xb0;
    int BLOCK_CHARACTERISTICS = 0xb1;
    int PROVISIONING = 0xb2;

    int HEADER_BYTES = 4;

    /// Its number.
    int code();

    /// The whole page, header included.
    byte[] toBytes();

    /// 00: which pages there are, ascending.
    record SupportedPages(List<Integer> codes) implements VpdPage {
        public SupportedPages {
            codes = List.copyOf(codes);
        }

        @Override
        public int code() {
            return SUPPORTED_PAGES;
        }

        @Override
        public byte[] toBytes() {
            var out = ByteBuffer.allocate(HEADER_BYTES + codes.size());
            begin(out, code());
            codes.forEach(code -> out.put(code.byteValue()));
            return out.array();
        }
    }

    /// 80: the unit's serial number, ASCII.
    record UnitSerial(String serial) implements VpdPage {
        @Override
        public int code() {
            return UNIT_SERIAL;
        }

        @Override
        public byte[] toBytes() {
            byte[] ascii = serial.getBytes(StandardCharsets.US_ASCII);
            var out = ByteBuffer.allocate(HEADER_BYTES + ascii.length);
            begin(out, code());
            return out.put(ascii).array();
        }
    }

    /// 83: the names by which the unit is known. A pNFS client finds its disk by the NAA one.
    record DeviceIdentification(List<Designator> designators) implements VpdPage {
        public DeviceIdentification {
            designators = List.copyOf(designators);
        }

        @Override
        public int code() {
            return DEVICE_IDENTIFICATION;
        }

        @Override
        public byte[] toBytes() {
            int length = designators.stream().mapToInt(d -> 4 + d.length()).sum();
            var out = ByteBuffer.allocate(HEADER_BYTES + length);
            begin(out, code());
            designators.forEach(designator -> designator.write(out));
            return out.array();
        }
    }

    /// B0: what a command may ask for. 0 means "no limit told" throughout.
    ///
    /// @param unmapAlignment first aligned block, or -1 if not told
    /// @param writeSameNonZero whether WRITE SAME with a count of 0 is refused
    /// @param maxAtomicBlocks of WRITE ATOMIC, at any block and without a boundary; 0 if there is no such command
    record BlockLimits(
            boolean writeSameNonZero,
            int maxCompareAndWriteBlocks,
            int optimalGranularityBlocks,
            long maxTransferBlocks,
            long optimalTransferBlocks,
            long maxUnmapBlocks,
            long maxUnmapDescriptors,
            long unmapGranularityBlocks,
            long unmapAlignment,
            long maxWriteSameBlocks,
            long maxAtomicBlocks)
            implements VpdPage {
        private static final int PAGE_BYTES = 0x3c;
        private static final int ALIGNMENT_VALID = 0x8000_0000;

        @Override
        public int code() {
            return BLOCK_LIMITS;
        }

        @Override
        public byte[] toBytes() {
            var out = ByteBuffer.allocate(HEADER_BYTES + PAGE_BYTES);
            begin(out, code());
            out.put((byte) (writeSameNonZero ? 1 : 0));
            out.put((byte) maxCompareAndWriteBlocks);
            out.putShort((short) optimalGranularityBlocks);
            out.putInt((int) maxTransferBlocks);
            out.putInt((int) optimalTransferBlocks);
            out.putInt(0); // no prefetch limit
            out.putInt((int) maxUnmapBlocks);
            out.putInt((int) maxUnmapDescriptors);
            out.putInt((int) unmapGranularityBlocks);
            out.putInt(unmapAlignment < 0 ? 0 : ALIGNMENT_VALID | (int) unmapAlignment);
            out.putLong(maxWriteSameBlocks);
            out.putInt((int) maxAtomicBlocks); // at any block, of any length, and without a boundary
            return out.array();
        }

        private static BlockLimits read(ByteBuffer page) {
            // Pages of SBC-2 are shorter: what they do not have reads as "not told".
            ByteBuffer in = ByteBuffer.allocate(PAGE_BYTES);
            in.put(0, page, page.position(), Math.min(page.remaining(), PAGE_BYTES));
            int alignment = in.getInt(28);
            return new BlockLimits(
                    (in.get(0) & 1) != 0,
                    in.get(1) & 0xff,
                    in.getShort(2) & 0xffff,
                    in.getInt(4) & 0xffff_ffffL,
                    in.getInt(8) & 0xffff_ffffL,
                    in.getInt(16) & 0xffff_ffffL,
                    in.getInt(20) & 0xffff_ffffL,
                    in.getInt(24) & 0xffff_ffffL,
                    (alignment & ALIGNMENT_VALID) == 0 ? -1 : alignment & 0x7fff_ffff,
                    Math.max(in.getLong(32), 0),
                    in.getInt(40) & 0xffff_ffffL);
        }
    }

    /// B1: what the medium is like.
    ///
    /// @param rotationRate 1 for one that does not rotate, 0 if not told
    /// @param formFactor 0 if not told
    record BlockCharacteristics(int rotationRate, int formFactor) implements VpdPage {
        public static final int DOES_NOT_ROTATE = 1;
        private static final int PAGE_BYTES = 0x3c;

        @Override
        public int code() {
            return BLOCK_CHARACTERISTICS;
        }

        @Override
        public byte[] toBytes() {
            var out = ByteBuffer.allocate(HEADER_BYTES + PAGE_BYTES);
            begin(out, code());
            out.putShort((short) rotationRate);
            out.put((byte) 0);
            out.put((byte) formFactor);
            return out.array();
        }

        private static BlockCharacteristics read(ByteBuffer page) {
            ByteBuffer in = ByteBuffer.allocate(PAGE_BYTES);
            in.put(0, page, page.position(), Math.min(page.remaining(), PAGE_BYTES));
            return new BlockCharacteristics(in.getShort(0) & 0xffff, in.get(3) & 0x0f);
        }
    }

    /// B2: which commands unmap blocks.
    ///
    /// @param commands [#UNMAP], [#WRITE_SAME_16] and [#WRITE_SAME_10] together
    /// @param readsZeros LBPRZ: 1 if unmapped blocks read as zeros
    /// @param type 0 full, 1 resource, 2 thin
    record Provisioning(int thresholdExponent, int commands, int readsZeros, int type) implements VpdPage {
        public static final int UNMAP = 0x80;
        public static final int WRITE_SAME_16 = 0x40;
        public static final int WRITE_SAME_10 = 0x20;
        /// A type: every block has its place, mapped or not.
        public static final int RESOURCE_PROVISIONED = 1;
        private static final int PAGE_BYTES = 4;

        @Override
        public int code() {
            return PROVISIONING;
        }

        @Override
        public byte[] toBytes() {
            var out = ByteBuffer.allocate(HEADER_BYTES + PAGE_BYTES);
            begin(out, code());
            out.put((byte) thresholdExponent);
            out.put((byte) (commands | (readsZeros << 2)));
            out.put((byte) type);
            return out.array();
        }

        private static Provisioning read(ByteBuffer page) {
            ByteBuffer in = ByteBuffer.allocate(PAGE_BYTES);
            in.put(0, page, page.position(), Math.min(page.remaining(), PAGE_BYTES));
            return new Provisioning(in.get(0) & 0xff, in.get(1) & 0xe0, (in.get(1) >> 2) & 7, in.get(2) & 7);
        }
    }

    /// One name of a unit, of the port it was asked through, or of the device around it (SPC-4 §7.8.5).
    final class Designator {
        // Code sets.
        public static final int BINARY = 1;
        public static final int ASCII = 2;
        public static final int UTF_8 = 3;
        // Associations.
        public static final int LOGICAL_UNIT = 0;
        public static final int TARGET_PORT = 1;
        public static final int TARGET_DEVICE = 2;
        // Types.
        public static final int T10_VENDOR = 1;
        public static final int EUI_64 = 2;
        public static final int NAA = 3;
        public static final int RELATIVE_PORT = 4;
        public static final int TARGET_PORT_GROUP = 5;
        public static final int SCSI_NAME = 8;

        private static final int ISCSI_PROTOCOL = 5;
        private static final int PROTOCOL_VALID = 0x80;

        private final int codeSet;
        private final int association;
        private final int type;
        private final byte[] name;

        /// @param name at most 255 bytes
        public Designator(int codeSet, int association, int type, byte[] name) {
            if (name.length > 255) {
                throw new IllegalArgumentException("designator of " + name.length + " bytes over 255");
            }
            this.codeSet = codeSet;
            this.association = association;
            this.type = type;
            this.name = name.clone();
        }

        /// The IEEE name of a logical unit: 8 or 16 bytes.
        public static Designator naa(byte[] name) {
            return new Designator(BINARY, LOGICAL_UNIT, NAA, name);
        }

        /// Vendor, padded to 8 characters, and something of the vendor's own that tells units apart.
        public static Designator t10(String vendor, String specific) {
            byte[] text = (vendor + " ".repeat(8 - vendor.length()) + specific).getBytes(StandardCharsets.US_ASCII);
            return new Designator(ASCII, LOGICAL_UNIT, T10_VENDOR, text);
        }

        public static Designator relativePort(int number) {
            byte[] name = ByteBuffer.allocate(4).putInt(number).array();
            return new Designator(BINARY, TARGET_PORT, RELATIVE_PORT, name);
        }

        public static Designator targetPortGroup(int group) {
            byte[] name = ByteBuffer.allocate(4).putInt(group).array();
            return new Designator(BINARY, TARGET_PORT, TARGET_PORT_GROUP, name);
        }

        /// An iSCSI name, for a port with `,t,0x` and the portal group; ends with a zero byte and is padded to
        /// four.
        public static Designator scsiName(int association, String name) {
            byte[] text = name.getBytes(StandardCharsets.UTF_8);
            return new Designator(UTF_8, association, SCSI_NAME, Arrays.copyOf(text, (text.length + 4) & ~3));
        }

        public int codeSet() {
            return codeSet;
        }

        public int association() {
            return association;
        }

        public int type() {
            return type;
        }

        public byte[] name() {
            return name.clone();
        }

        private int length() {
            return name.length;
        }

        private void write(ByteBuffer out) {
            boolean ofPort = association != LOGICAL_UNIT;
            out.put((byte) ((ofPort ? ISCSI_PROTOCOL << 4 : 0) | codeSet));
            out.put((byte) ((ofPort ? PROTOCOL_VALID : 0) | (association << 4) | type));
            out.put((byte) 0);
            out.put((byte) name.length);
            out.put(name);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Designator that
                    && codeSet == that.codeSet
                    && association == that.association
                    && type == that.type
                    && Arrays.equals(name, that.name);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(name);
        }

        /// The name as people see it: text where it is text, hex otherwise.
        @Override
        public String toString() {
            return codeSet == BINARY
                    ? HexFormat.of().formatHex(name)
                    : new String(name, StandardCharsets.UTF_8).replace("\0", "");
        }
    }

    /// Reads the page in `in`, from position to limit.
    ///
    /// @throws ScsiFormatException when it is cut short, or a page that has no record here
    static VpdPage read(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < HEADER_BYTES) {
            throw new ScsiFormatException("VPD page of " + in.remaining() + " bytes");
        }
        int code = in.get(at + 1) & 0xff;
        int length = in.getShort(at + 2) & 0xffff;
        if (length > in.remaining() - HEADER_BYTES) {
            throw new ScsiFormatException("VPD page " + Integer.toHexString(code) + " of " + length + " bytes in "
                    + (in.remaining() - HEADER_BYTES));
        }
        ByteBuffer page = in.slice(at + HEADER_BYTES, length);
        return switch (code) {
            case SUPPORTED_PAGES -> {
                var codes = new ArrayList<Integer>(length);
                while (page.hasRemaining()) {
                    codes.add(page.get() & 0xff);
                }
                yield new SupportedPages(codes);
            }
            case UNIT_SERIAL -> new UnitSerial(InquiryData.Ascii.read(page, 0, length));
            case DEVICE_IDENTIFICATION -> new DeviceIdentification(readDesignators(page));
            case BLOCK_LIMITS -> BlockLimits.read(page);
            case BLOCK_CHARACTERISTICS -> BlockCharacteristics.read(page);
            case PROVISIONING -> Provisioning.read(page);
            default -> throw new ScsiFormatException("VPD page " + Integer.toHexString(code) + " is not known");
        };
    }

    private static List<Designator> readDesignators(ByteBuffer page) {
        var designators = new ArrayList<Designator>();
        while (page.remaining() >= 4) {
            int codeSet = page.get() & 0x0f;
            int kind = page.get();
            page.get();
            int length = page.get() & 0xff;
            if (length > page.remaining()) {
                throw new ScsiFormatException("designator of " + length + " bytes in " + page.remaining());
            }
            var name = new byte[length];
            page.get(name);
            designators.add(new Designator(codeSet, (kind >> 4) & 3, kind & 0x0f, name));
        }
        return designators;
    }

    private static void begin(ByteBuffer page, int code) {
        page.put((byte) 0).put((byte) code).putShort((short) (page.capacity() - HEADER_BYTES));
    }
}
