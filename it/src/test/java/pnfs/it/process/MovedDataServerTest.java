package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.filled;
import static pnfs.it.process.TestCluster.get;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;

/// A data server that comes back at another address: the device ids of its layouts stay, and what they stand for
/// is asked again because CB_NOTIFY_DEVICEID says so (RFC 8881 §20.12).
class MovedDataServerTest {
    private static final int BYTES = 1 << 20;

    @Test
    @Timeout(value = 180, unit = TimeUnit.SECONDS)
    void a_file_that_stays_open_is_written_at_the_new_place(@TempDir Path folder) throws IOException {
        try (Cluster cluster = Cluster.start(folder, new Cluster.Shape(1, 64L << 20));
                PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsFile file = client.open("/file", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            assertThat(isWrittenDirectly(client, file, 1)).isTrue();

            cluster.dataServer(0).kill();
            cluster.moveDataServer(0);

            int content = 2;
            while (!isWrittenDirectly(client, file, content)) { // by way of the metadata server meanwhile
                content++;
            }
            assertSame(get(file), filled(BYTES, content));
        }
    }

    private static boolean isWrittenDirectly(PnfsClient client, PnfsFile file, int content) throws IOException {
        long before = client.counters().bytesThroughMds();
        file.write(0, ByteBuffer.wrap(filled(BYTES, content)));
        file.fsync();
        return client.counters().bytesThroughMds() == before;
    }
}
