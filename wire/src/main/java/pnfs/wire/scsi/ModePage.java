package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One page of mode parameters (SPC-4 §7.5, SBC-3 §6.5). Immutable.
public sealed interface ModePage {
    int CACHING = 0x08;
    int CONTROL = 0x0a;
    /// Asks for all pages.
    int ALL = 0x3f;
    /// Asks for all subpages of a page.
    int ALL_SUBPAGES = 0xff;

    /// Its number.
    int code();

    /// The whole page, its two header bytes included.
    byte[] toBytes();

    /// 08: whether a write may be answered from a cache that a power failure empties (WCE).
    record Caching(boolean writeCache, boolean readCacheDisabled) implements ModePage {
        private static final int PAGE_BYTES = 0x12;

        @Override
        public int code() {
            return CACHING;
        }

        @Override
        public byte[] toBytes() {
            var page = new byte[2 + PAGE_BYTES];
            page[0] = CACHING;
            page[1] = PAGE_BYTES;
            page[2] = (byte) ((writeCache ? 0x04 : 0) | (readCacheDisabled ? 0x01 : 0));
            return page;
        }
    }

    /// 0A: how tasks are ordered and refused.
    ///
    /// @param descriptorSense whether sense data has descriptor format (D_SENSE)
    /// @param softwareWriteProtect SWP
    /// @param abortedStatus whether a task aborted by another initiator ends TASK ABORTED (TAS) or silently
    /// @param unrestrictedReordering QUEUE ALGORITHM MODIFIER 1: the initiator keeps order where it matters
    record Control(
            boolean descriptorSense,
            boolean softwareWriteProtect,
            boolean abortedStatus,
            boolean unrestrictedReordering)
            implements ModePage {
        private static final int PAGE_BYTES = 0x0a;

        @Override
        public int code() {
            return CONTROL;
        }

        @Override
        public byte[] toBytes() {
            var page = new byte[2 + PAGE_BYTES];
            page[0] = CONTROL;
            page[1] = PAGE_BYTES;
            page[2] = (byte) (descriptorSense ? 0x04 : 0);
            page[3] = (byte) (unrestrictedReordering ? 0x10 : 0);
            page[4] = (byte) (softwareWriteProtect ? 0x08 : 0);
            page[5] = (byte) (abortedStatus ? 0x40 : 0);
            return page;
        }
    }

    /// A page without a record here, or a subpage: its bytes as they came, header included.
    final class Other implements ModePage {
        private final byte[] bytes;

        Other(byte[] bytes) {
            this.bytes = bytes.clone();
        }

        @Override
        public int code() {
            return bytes[0] & 0x3f;
        }

        @Override
        public byte[] toBytes() {
            return bytes.clone();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Other that && Arrays.equals(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }
    }

    /// Takes one page from `in`, moving its position; null when what is left is cut off inside a page.
    static @Nullable ModePage take(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < 4) {
            return null;
        }
        boolean subpage = (in.get(at) & 0x40) != 0;
        int code = in.get(at) & 0x3f;
        int bytes = subpage ? 4 + (in.getShort(at + 2) & 0xffff) : 2 + (in.get(at + 1) & 0xff);
        if (bytes > in.remaining()) {
            return null;
        }
        in.position(at + bytes);
        int first = in.get(at + 2);
        if (!subpage && code == CACHING && bytes == 2 + Caching.PAGE_BYTES) {
            return new Caching((first & 0x04) != 0, (first & 0x01) != 0);
        }
        if (!subpage && code == CONTROL && bytes == 2 + Control.PAGE_BYTES) {
            return new Control(
                    (first & 0x04) != 0,
                    (in.get(at + 4) & 0x08) != 0,
                    (in.get(at + 5) & 0x40) != 0,
                    (in.get(at + 3) & 0xf0) == 0x10);
        }
        var other = new byte[bytes];
        in.get(at, other);
        return new Other(other);
    }
}
