package pnfs.wire.rpc;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.wire.xdr.XdrException;

/// Record marking, RFC 5531 §11: a record is fragments, each behind a word of its length and, in the top bit,
/// whether it is the last. Data path, confined to its connection.
///
/// A record of one fragment is read where it was staged. Longer ones, and those of several fragments, are put
/// together in a buffer that grows with the bytes that have come, never with those that were announced.
final class RecordReader {
    /// A fragment that ends further away than this is not waited for in the staging buffer.
    private static final int STAGED_BYTES = 16 << 10;

    private final int maxRecordBytes;
    /// The record so far, position at its end; null between records and while one may still be staged whole.
    private @Nullable ByteBuffer assembly;
    /// Bytes of the current fragment still to come; meaningful with an assembly.
    private int fragmentLeft;

    private boolean lastFragment;
    /// Bytes announced so far, marks included, so that empty fragments do not come for free.
    private long announced;

    RecordReader(int maxRecordBytes) {
        this.maxRecordBytes = maxRecordBytes;
    }

    /// Takes the next record from `staged`, or as much as there is of it. Returns a view of the whole record,
    /// valid as long as `staged` is, or null when more bytes are needed. Throws [XdrException] for one over the
    /// limit.
    @Nullable
    ByteBuffer next(ByteBuffer staged) {
        while (true) {
            if (assembly != null && fragmentLeft > 0) {
                append(assembly, staged);
                if (fragmentLeft > 0) {
                    return null;
                }
            }
            if (assembly != null && lastFragment) {
                return finished(assembly);
            }
            if (staged.remaining() < Integer.BYTES) {
                return null;
            }
            int mark = staged.getInt(staged.position());
            int length = mark & ~RpcMessage.LAST_FRAGMENT;
            boolean last = mark < 0;
            if (announced + Integer.BYTES + length > (long) maxRecordBytes + Integer.BYTES) {
                throw new XdrException("record of " + (announced + length) + " bytes or more, over " + maxRecordBytes);
            }
            if (assembly == null && last) {
                if (staged.remaining() >= Integer.BYTES + length) {
                    ByteBuffer record = staged.slice(staged.position() + Integer.BYTES, length);
                    staged.position(staged.position() + Integer.BYTES + length);
                    return record;
                }
                if (length <= STAGED_BYTES) {
                    return null;
                }
            }
            staged.position(staged.position() + Integer.BYTES);
            announced += Integer.BYTES + length;
            fragmentLeft = length;
            lastFragment = last;
            if (assembly == null) {
                assembly = ByteBuffer.allocate(STAGED_BYTES);
            }
        }
    }

    private void append(ByteBuffer record, ByteBuffer staged) {
        int bytes = Math.min(fragmentLeft, staged.remaining());
        ByteBuffer into = record;
        if (into.remaining() < bytes) {
            long wanted = Math.max(2L * into.capacity(), (long) into.position() + bytes);
            into = ByteBuffer.allocate((int) Math.min(wanted, maxRecordBytes)).put(record.flip());
            assembly = into;
        }
        into.put(staged.slice(staged.position(), bytes));
        staged.position(staged.position() + bytes);
        fragmentLeft -= bytes;
    }

    private ByteBuffer finished(ByteBuffer record) {
        assembly = null;
        announced = 0;
        lastFragment = false;
        return record.flip();
    }
}
