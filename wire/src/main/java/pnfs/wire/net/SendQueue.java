package pnfs.wire.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What waits to be sent on one connection, in order: small things side by side in chunks, large ones where they
/// are. Data path, confined to its loop; once warm it allocates nothing.
///
/// Chunks, and the objects that stand for pieces, belong to the loop's [Pool]: a connection with nothing to send
/// owns none.
final class SendQueue {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final int MAX_PIECES_A_WRITE = 64;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Pool pool;
    /// Pieces in order, linked: an iterator for each write would be garbage.
    private @Nullable Piece first;

    private @Nullable Piece last;
    private long bytes;
    /// Being filled; null when nothing was put anywhere since all was sent.
    private @Nullable Chunk chunk;
    /// The last piece, if it is the end of the chunk and may grow.
    private @Nullable Piece open;

    SendQueue(Pool pool) {
        this.pool = pool;
    }

    /// Whose bytes a piece has.
    private enum Owner {
        /// A chunk's.
        CHUNK,
        /// Given away with the piece.
        PIECE,
        /// Somebody's who keeps them and will have more of them sent.
        OTHER
    }

    /// A range of a buffer.
    private static final class Piece {
        Owner owner = Owner.PIECE;
        ByteBuffer source = NOTHING;

        @Nullable
        Chunk chunk;

        int at;
        int end;

        @Nullable
        Piece next;
    }

    private static final class Chunk {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK_BYTES);
        /// The queue that fills it, and each piece in it.
        int holders;
    }

    /// What the queues of one loop share.
    static final class Pool {
        private static final int KEPT_CHUNKS = 64;
        private static final int KEPT_PIECES = 1024;

        private final ArrayDeque<Chunk> chunks = new ArrayDeque<>();
        private final ArrayDeque<Piece> spare = new ArrayDeque<>();
        /// The present write.
        private final ByteBuffer[] gathered = new ByteBuffer[MAX_PIECES_A_WRITE];
        /// Of buffers that come again and again, as former writes have left them: view `i` is of source `i`.
        private final ByteBuffer[] views = new ByteBuffer[MAX_PIECES_A_WRITE];

        private final @Nullable ByteBuffer[] sources = new ByteBuffer[MAX_PIECES_A_WRITE];
        /// Large pieces of heap memory pass through here on their way.
        private final ByteBuffer staging = ByteBuffer.allocateDirect(Network.STAGING_BYTES);

        private Chunk chunk() {
            Chunk chunk = chunks.pollFirst();
            if (chunk == null) {
                chunk = new Chunk();
            }
            chunk.buffer.clear();
            chunk.holders = 1;
            return chunk;
        }

        private void release(Chunk chunk) {
            if (--chunk.holders == 0 && chunks.size() < KEPT_CHUNKS) {
                chunks.addFirst(chunk);
            }
        }

        private Piece piece(Owner owner, ByteBuffer source, int at, int end) {
            Piece piece = spare.pollFirst();
            if (piece == null) {
                piece = new Piece();
            }
            piece.owner = owner;
            piece.source = source;
            piece.at = at;
            piece.end = end;
            return piece;
        }

        private void release(Piece piece) {
            if (piece.chunk != null) {
                release(piece.chunk);
            }
            piece.source = NOTHING;
            piece.chunk = null;
            piece.next = null;
            if (spare.size() < KEPT_PIECES) {
                spare.addFirst(piece);
            }
        }

        /// A view for place `i` of the present write: a former one over the same memory, if there is one.
        @SuppressWarnings("ReferenceEquality") // the same memory, not the same content
        private ByteBuffer view(int i, ByteBuffer source) {
            int found = i;
            while (found < views.length - 1 && sources[found] != null && sources[found] != source) {
                found++;
            }
            ByteBuffer view = sources[found] == source ? views[found] : source.duplicate();
            sources[found] = sources[i];
            views[found] = views[i];
            sources[i] = source;
            views[i] = view;
            return view;
        }
    }

    boolean isEmpty() {
        return bytes() == 0;
    }

    /// How much waits.
    long bytes() {
        Piece growing = open;
        if (growing != null) {
            int end = growing.source.position();
            bytes += end - growing.end;
            growing.end = end;
        }
        return bytes;
    }

    /// The chunk, with room for so many bytes behind its position: what is put there, moving it, is sent.
    private ByteBuffer room(int wanted) {
        Chunk filling = chunk;
        if (filling == null || filling.buffer.remaining() < wanted) {
            closePiece();
            if (filling != null) {
                pool.release(filling);
            }
            filling = pool.chunk();
            chunk = filling;
        }
        if (open == null) {
            int at = filling.buffer.position();
            Piece piece = pool.piece(Owner.CHUNK, filling.buffer, at, at);
            piece.chunk = filling;
            filling.holders++;
            link(piece);
            open = piece;
        }
        return filling.buffer;
    }

    /// A buffer that is given away, from its position to its limit.
    void add(ByteBuffer given) {
        int length = given.remaining();
        if (length > Connection.COPIED_BYTES) {
            addPiece(Owner.PIECE, given, given.position(), given.limit());
        } else if (length > 0) {
            room(length).put(given);
        }
    }

    /// A range of a buffer that its owner keeps, and leaves as it is until it was sent if it is not copied.
    void add(ByteBuffer kept, int at, int length) {
        if (length > Connection.COPIED_BYTES) {
            addPiece(Owner.OTHER, kept, at, at + length);
        } else if (length > 0) {
            ByteBuffer room = room(length);
            room.put(room.position(), kept, at, length).position(room.position() + length);
        }
    }

    private void addPiece(Owner owner, ByteBuffer source, int at, int end) {
        closePiece();
        link(pool.piece(owner, source, at, end));
        bytes += end - at;
    }

    private void link(Piece piece) {
        if (last == null) {
            first = piece;
        } else {
            last.next = piece;
        }
        last = piece;
    }

    /// The last piece does not grow any more.
    private void closePiece() {
        bytes();
        open = null;
    }

    /// One gathering write. Returns how many bytes were taken.
    long writeTo(GatheringByteChannel channel) throws IOException {
        bytes();
        ByteBuffer[] gathered = pool.gathered;
        ByteBuffer staging = pool.staging.clear();
        int count = 0;
        for (Piece piece = first; piece != null && count < gathered.length; piece = piece.next) {
            if (piece.owner == Owner.PIECE && !piece.source.isDirect()) {
                int staged = staging.position();
                int copied = Math.min(piece.end - piece.at, staging.remaining());
                staging.put(staged, piece.source, piece.at, copied).position(staged + copied);
                gathered[count++] = staging.slice(staged, copied);
                if (copied < piece.end - piece.at) {
                    break;
                }
            } else {
                ByteBuffer view = piece.owner == Owner.PIECE ? piece.source : pool.view(count, piece.source);
                gathered[count++] = view.limit(piece.end).position(piece.at);
            }
        }
        long sent = count == 1 ? channel.write(gathered[0]) : channel.write(gathered, 0, count);
        Arrays.fill(gathered, 0, count, NOTHING);
        drop(sent);
        return sent;
    }

    private void drop(long sent) {
        bytes -= sent;
        long left = sent;
        while (left > 0 && first != null) {
            Piece piece = first;
            int length = piece.end - piece.at;
            if (left < length) {
                piece.at += (int) left;
                return;
            }
            left -= length;
            unlink(piece);
        }
        if (bytes == 0) {
            clear();
        }
    }

    private void unlink(Piece piece) {
        first = piece.next;
        if (piece == last) {
            last = null;
        }
        if (piece == open) {
            open = null;
        }
        pool.release(piece);
    }

    /// Forgets everything.
    void clear() {
        while (first != null) {
            unlink(first);
        }
        bytes = 0;
        if (chunk != null) {
            pool.release(chunk);
            chunk = null;
        }
    }
}
