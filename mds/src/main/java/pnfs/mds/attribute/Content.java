package pnfs.mds.attribute;

import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.xdr.Opaque;

/// What an [Inode] is beyond the attributes that all have: one record for each kind, so that nothing is "unused
/// for this type". Immutable.
public sealed interface Content {
    FileType type();

    /// Bytes as the size attribute shows them.
    long size();

    /// A regular file. Where its bytes lie is the business of [FileSpace].
    ///
    /// @param spaceUsed bytes of storage that belong to it
    /// @param verifier the client's, of an exclusive create; null where the file was made otherwise
    record Regular(long size, long spaceUsed, @Nullable Long verifier) implements Content {
        public Regular {
            if (size < 0 || spaceUsed < 0) {
                throw new IllegalArgumentException("size " + size + ", space used " + spaceUsed);
            }
        }

        @Override
        public FileType type() {
            return FileType.REGULAR;
        }
    }

    /// A directory.
    ///
    /// @param parent where LOOKUPP leads; the root is its own parent
    /// @param entries how many names it holds
    /// @param nextCookie the READDIR cookie its next entry gets; grows, so that a cookie is never given twice
    record Directory(FileHandle parent, long entries, long nextCookie) implements Content {
        /// RFC 8881 §18.23: 0 begins a listing, 1 and 2 are reserved.
        public static final long FIRST_COOKIE = 3;

        private static final long BYTES_PER_ENTRY = 32;

        public Directory {
            if (entries < 0 || nextCookie < FIRST_COOKIE) {
                throw new IllegalArgumentException("entries " + entries + ", next cookie " + nextCookie);
            }
        }

        public static Directory empty(FileHandle parent) {
            return new Directory(parent, 0, FIRST_COOKIE);
        }

        @Override
        public FileType type() {
            return FileType.DIRECTORY;
        }

        /// Grows with the entries and is never 0, as people expect of a directory.
        @Override
        public long size() {
            return (2 + entries) * BYTES_PER_ENTRY;
        }
    }

    /// A symbolic link. The target is the client's to understand: any bytes.
    record Symlink(Opaque target) implements Content {
        @Override
        public FileType type() {
            return FileType.SYMLINK;
        }

        @Override
        public long size() {
            return target.length();
        }
    }

    /// A block or character device; the numbers are unsigned.
    record Device(FileType type, int major, int minor) implements Content {
        public Device {
            if (type != FileType.BLOCK_DEVICE && type != FileType.CHARACTER_DEVICE) {
                throw new IllegalArgumentException("a device of type " + type);
            }
        }

        @Override
        public long size() {
            return 0;
        }
    }

    /// A socket or a FIFO: a place to meet, with nothing in it.
    record Meeting(FileType type) implements Content {
        public Meeting {
            if (type != FileType.SOCKET && type != FileType.FIFO) {
                throw new IllegalArgumentException("a meeting place of type " + type);
            }
        }

        @Override
        public long size() {
            return 0;
        }
    }
}
