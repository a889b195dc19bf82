package pnfs.it.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import pnfs.client.FileCopy;
import pnfs.client.PnfsFile;

/// SHA-256 of whole files, as hex.
final class Sha256 {
    private Sha256() {}

    static String of(Path local) throws IOException {
        MessageDigest digest = digest();
        try (FileChannel channel = FileChannel.open(local)) {
            var buffer = ByteBuffer.allocateDirect(1 << 20);
            while (channel.read(buffer.clear()) >= 0) {
                digest.update(buffer.flip());
            }
        }
        return hex(digest);
    }

    static String of(PnfsFile file) throws IOException {
        MessageDigest digest = digest();
        FileCopy.drain(file, new Sink(digest), bytes -> {});
        return hex(digest);
    }

    static String of(byte[] bytes) {
        MessageDigest digest = digest();
        digest.update(bytes);
        return hex(digest);
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    private record Sink(MessageDigest digest) implements WritableByteChannel {
        @Override
        public int write(ByteBuffer bytes) {
            int count = bytes.remaining();
            digest.update(bytes);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
