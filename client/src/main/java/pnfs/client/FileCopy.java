package pnfs.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;

/// Whole files between the local file system and the cluster, through one buffer of [#BUFFER_BYTES].
public final class FileCopy {
    /// So much is under way to the data servers at once, in pieces.
    public static final int BUFFER_BYTES = 8 << 20;

    private FileCopy() {}

    /// Copies `local` to `path`, replacing what is there, and returns its bytes once they are durable.
    /// `progress` is told of each step's bytes.
    public static long in(Path local, PnfsClient client, String path, LongConsumer progress) throws IOException {
        try (FileChannel source = FileChannel.open(local, StandardOpenOption.READ);
                PnfsFile target = client.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(bufferBytes(source.size()));
            long offset = 0;
            while (fill(source, buffer.clear()) > 0) {
                int bytes = buffer.flip().remaining();
                target.write(offset, buffer);
                offset += bytes;
                progress.accept(bytes);
            }
            target.fsync();
            return offset;
        }
    }

    /// Copies `path` to `local`, replacing what is there; returns the bytes.
    public static long out(PnfsClient client, String path, Path local, LongConsumer progress) throws IOException {
        try (PnfsFile source = client.open(path, StandardOpenOption.READ);
                FileChannel target = FileChannel.open(
                        local,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            return drain(source, target, progress);
        }
    }

    /// Writes all of `source` to `target`; returns the bytes.
    public static long drain(PnfsFile source, WritableByteChannel target, LongConsumer progress) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bufferBytes(source.size()));
        long offset = 0;
        while (true) {
            int bytes = source.read(offset, buffer.clear());
            if (bytes < 0) {
                return offset;
            }
            buffer.flip();
            while (buffer.hasRemaining()) {
                target.write(buffer);
            }
            offset += bytes;
            progress.accept(bytes);
        }
    }

    /// A small file needs no more than itself, but a file that grows meanwhile needs something.
    private static int bufferBytes(long fileBytes) {
        return Math.clamp(fileBytes + 1, 4096, BUFFER_BYTES);
    }

    private static int fill(FileChannel source, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining() && source.read(buffer) >= 0) {
            // A channel may give less than there is room for.
        }
        return buffer.position();
    }
}
