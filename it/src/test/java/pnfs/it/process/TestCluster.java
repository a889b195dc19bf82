package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;

/// What tests do with files of a cluster.
final class TestCluster {
    static final Cluster.Shape SHAPE = new Cluster.Shape(2, 96L << 20);

    private TestCluster() {}

    static byte[] randomBytes(RandomGenerator random, int length) {
        var bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    static byte[] filled(int length, int value) {
        var bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /// Writes and commits a file of its own.
    static void put(PnfsClient client, String path, byte[] content) throws IOException {
        try (PnfsFile file = client.open(
                path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            file.write(0, ByteBuffer.wrap(content));
            file.fsync();
        }
    }

    static byte[] get(PnfsClient client, String path) throws IOException {
        try (PnfsFile file = client.open(path, StandardOpenOption.READ)) {
            return get(file);
        }
    }

    static byte[] get(PnfsFile file) throws IOException {
        ByteBuffer into = ByteBuffer.allocate((int) file.size());
        while (into.hasRemaining()) {
            assertThat(file.read(into.position(), into)).isPositive();
        }
        return into.array();
    }

    /// Whole arrays of megabytes say nothing in a message; the place of the difference does.
    static void assertSame(byte[] found, byte[] expected) {
        assertThat(found.length).as("length").isEqualTo(expected.length);
        assertThat(Arrays.mismatch(found, expected))
                .as("first byte that differs")
                .isEqualTo(-1);
    }
}
