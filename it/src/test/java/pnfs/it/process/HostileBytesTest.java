package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.get;
import static pnfs.it.process.TestCluster.put;
import static pnfs.it.process.TestCluster.randomBytes;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.Addresses;
import pnfs.client.PnfsClient;

/// Whatever anybody sends to any port, the servers live and others do not notice.
class HostileBytesTest {
    private static final int ROUNDS = 60;
    private static final int COPY_BYTES = 6 << 20;

    @TempDir
    Path folder;

    @Test
    void hostile_bytes_on_every_port_neither_end_a_server_nor_disturb_a_copy() throws Exception {
        try (Cluster cluster = Cluster.start(folder, TestCluster.SHAPE);
                PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
            List<InetSocketAddress> ports = List.of(
                    cluster.nfs(),
                    cluster.control(),
                    Addresses.parse(cluster.dataServer(0).fact("iscsi")),
                    Addresses.parse(cluster.dataServer(1).fact("iscsi")));
            CompletableFuture<Void> attack = CompletableFuture.runAsync(() -> attack(ports));
            int copies = 0;
            while (!attack.isDone() || copies < 3) {
                byte[] content = randomBytes(new Random(copies), COPY_BYTES);
                put(client, "/copy", content);
                assertSame(get(client, "/copy"), content);
                copies++;
            }
            attack.get();

            assertThat(cluster.processes()).allMatch(ServerProcess::isAlive);
            assertThat(client.counters().bytesThroughMds()).isZero();
            assertThat(client.counters().reconnects()).isZero();
        }
    }

    private static void attack(List<InetSocketAddress> ports) {
        var random = new Random(7);
        for (int round = 0; round < ROUNDS; round++) {
            for (InetSocketAddress port : ports) {
                try (var socket = new Socket(port.getAddress(), port.getPort())) {
                    socket.setSoTimeout(20);
                    socket.getOutputStream().write(message(random, round));
                    socket.getOutputStream().flush();
                    socket.getInputStream().read(new byte[4096]);
                } catch (IOException e) {
                    // Closed on us, or silent: both are fine.
                }
            }
        }
    }

    private static byte[] message(RandomGenerator random, int round) {
        return switch (round % 5) {
            case 0 -> randomBytes(random, random.nextInt(1, 64 << 10)); // noise
            case 1 -> ByteBuffer.allocate(8).putInt(0x7fff_ffff).putInt(1).array(); // a record of 2 GiB
            case 2 -> ByteBuffer.allocate(4).putInt(0xffff_ffff).array(); // the same, and the last
            case 3 -> call(random); // an NFS call that stops being one
            default -> login(random); // an iSCSI login with noise for keys
        };
    }

    /// A COMPOUND header, then noise where operations should be.
    private static byte[] call(RandomGenerator random) {
        byte[] noise = randomBytes(random, 400);
        var call = ByteBuffer.allocate(4 + 40 + noise.length);
        call.putInt(0x8000_0000 | (40 + noise.length));
        call.putInt(random.nextInt())
                .putInt(0)
                .putInt(2)
                .putInt(100003)
                .putInt(4)
                .putInt(1);
        call.putInt(0).putInt(0).putInt(0).putInt(0);
        return call.put(noise).array();
    }

    private static byte[] login(RandomGenerator random) {
        byte[] keys = randomBytes(random, 512);
        var login = ByteBuffer.allocate(48 + keys.length);
        login.put(0, (byte) 0x43).put(1, (byte) 0x87).putInt(4, keys.length);
        return login.put(48, keys).array();
    }
}
