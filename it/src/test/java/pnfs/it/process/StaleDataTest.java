package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.filled;
import static pnfs.it.process.TestCluster.get;
import static pnfs.it.process.TestCluster.put;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.FileExtent;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;

/// I4 on real processes: blocks that held another file's data never show it.
class StaleDataTest {
    private static final int MIB = 1 << 20;
    private static final int SECRET = 0x5e;

    @TempDir
    Path folder;

    @Test
    void I4_a_file_that_got_the_blocks_of_a_removed_one_reads_as_zeros_until_it_is_written() throws IOException {
        try (Cluster cluster = Cluster.start(folder, new Cluster.Shape(1, 16 * MIB));
                PnfsClient writer = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient reader = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            // Most of the region, so that the next file cannot do without blocks of this one.
            put(writer, "/secret", filled(12 * MIB, SECRET));
            writer.remove("/secret");
            byte[] expected = new byte[8 * MIB];

            try (PnfsFile file = writer.open("/next", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                // Ten bytes wherever the storage ends that the file has: each time more comes, ahead of what may
                // follow.
                long at = 0;
                while (at < expected.length - 10) {
                    file.write(at, ByteBuffer.wrap(filled(10, 1)));
                    System.arraycopy(filled(10, 1), 0, expected, (int) at, 10);
                    at = writer.extents("/next").getLast().file().end();
                }
                file.write(expected.length - 1, ByteBuffer.wrap(filled(1, 2)));
                expected[expected.length - 1] = 2;

                assertThat(unwrittenBytes(writer)).as("storage nobody wrote").isGreaterThan(5L * MIB);
                assertSame(get(file), expected);
                file.fsync();
                assertThat(unwrittenBytes(writer)).as("storage nobody wrote").isGreaterThan(5L * MIB);
                assertSame(get(file), expected);
            }

            assertSame(get(reader, "/next"), expected);
            assertSame(get(through, "/next"), expected);
        }
    }

    private static long unwrittenBytes(PnfsClient client) throws IOException {
        return client.extents("/next").stream()
                .filter(extent -> extent.state() == FileExtent.State.UNWRITTEN)
                .mapToLong(extent -> extent.file().length())
                .sum();
    }
}
