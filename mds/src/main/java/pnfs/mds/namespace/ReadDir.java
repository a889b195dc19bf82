package pnfs.mds.namespace;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Operation;
import pnfs.mds.store.CorruptStoreException;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.xdr.XdrWriter;

/// READDIR, RFC 8881 §18.23. A name that is in the directory from the first page to the last is listed exactly
/// once, whatever happens around it: a cookie belongs to its entry for good, and pages go in the order of
/// cookies. So one verifier, the directory's generation, is good for ever.
final class ReadDir implements Operation<ReadDirArgs> {
    private static final int OP_BYTES = 2 * Integer.BYTES; // opcode, status
    private static final int RESULT_BYTES = Long.BYTES + 2 * Integer.BYTES; // verifier, end of the list, eof

    private final Inodes inodes;
    private final Namespace namespace;
    private final FileAttributes attributes;

    ReadDir(Inodes inodes, Namespace namespace, FileAttributes attributes) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.attributes = attributes;
    }

    @Override
    public OpResult run(ReadDirArgs args, CompoundState state) {
        Inode directory = inodes.requireCurrent(state);
        Content.Directory names = directory.directory();
        directory.requireAllowed(Caller.of(state), Rights.READ);
        FileAttributes.Selection selection = attributes.select(args.attributes(), state);
        long verifier = directory.file().generation();
        requireCookie(args, names, verifier);
        var page = new Page(args, selection, state);
        namespace.directories().list(directory, args.cookie(), state, page::add);
        return new ReadDirResult(verifier, page.entries(), page.isLast());
    }

    private static void requireCookie(ReadDirArgs args, Content.Directory names, long verifier) {
        if (args.cookie() == 0) {
            return;
        }
        if (args.cookie() < Content.Directory.FIRST_COOKIE || args.cookie() >= names.nextCookie()) {
            throw new NfsException(
                    NfsStatus.BAD_COOKIE, "cookie " + Long.toUnsignedString(args.cookie()) + " was never given");
        }
        if (args.verifier() != verifier) {
            throw new NfsException(NfsStatus.NOT_SAME, "cookie verifier " + Long.toHexString(args.verifier()));
        }
    }

    private static int opaqueBytes(int length) {
        return Integer.BYTES + ((length + 3) & ~3);
    }

    private static int bitmapBytes(Bitmap bitmap) {
        var out = new XdrWriter();
        AttributeCodec.writeBitmap(out, bitmap);
        return out.position();
    }

    /// What fits into one answer.
    private final class Page {
        private final ReadDirArgs args;
        private final FileAttributes.Selection selection;
        private final CompoundState state;
        /// Of each entry, besides its name and the values of its attributes.
        private final int entryBytes;
        private final List<DirectoryEntry> entries = new ArrayList<>();
        private long bytesLeft;
        /// Of the hint for cookies and names alone; none where the client gave none.
        private long nameBytesLeft;

        private boolean full;

        Page(ReadDirArgs args, FileAttributes.Selection selection, CompoundState state) {
            this.args = args;
            this.selection = selection;
            this.state = state;
            this.entryBytes = Integer.BYTES + bitmapBytes(selection.names());
            long maxBytes = Integer.toUnsignedLong(args.maxBytes());
            this.bytesLeft = Math.min(maxBytes, state.resultBytesLeft() - OP_BYTES) - RESULT_BYTES;
            this.nameBytesLeft =
                    args.directoryBytes() == 0 ? Long.MAX_VALUE : Integer.toUnsignedLong(args.directoryBytes());
            if (bytesLeft < 0) {
                throw tooSmall();
            }
        }

        boolean add(Entry entry) {
            Fattr values = values(entry.file());
            if (values == null) {
                return true;
            }
            var listed = new DirectoryEntry(entry.cookie(), entry.name(), values);
            int nameBytes = Long.BYTES + opaqueBytes(entry.name().getBytes(StandardCharsets.UTF_8).length);
            int bytes = entryBytes + nameBytes + opaqueBytes(values.values().length());
            full = bytes > bytesLeft || (nameBytes > nameBytesLeft && !entries.isEmpty());
            if (!full) {
                entries.add(listed);
                bytesLeft -= bytes;
                nameBytesLeft -= nameBytes;
            } else if (entries.isEmpty()) {
                throw tooSmall();
            }
            return !full;
        }

        /// Null where the file was removed since the listing began. One damaged file does not hide the others from
        /// clients that can be told of it (RFC 8881 §18.23.3), or want names alone.
        private @Nullable Fattr values(FileHandle handle) {
            try {
                Inode file = inodes.find(handle.inode(), state);
                return file == null ? null : selection.of(file);
            } catch (CorruptStoreException damage) {
                Bitmap wanted = selection.names();
                if (!wanted.isEmpty() && !wanted.has(Attribute.RDATTR_ERROR)) {
                    throw damage;
                }
                inodes.damaged().met(damage);
                return wanted.isEmpty() ? Fattr.EMPTY : FileAttributes.unreadable(NfsStatus.IO);
            }
        }

        List<DirectoryEntry> entries() {
            return entries;
        }

        boolean isLast() {
            return !full;
        }

        private NfsException tooSmall() {
            return new NfsException(
                    NfsStatus.TOOSMALL, "no entry fits into " + Integer.toUnsignedString(args.maxBytes()) + " bytes");
        }
    }
}
