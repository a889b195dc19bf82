package pnfs.wire.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class SendQueuePropertyTest {
    /// Takes any part of what it is given, also nothing.
    private static final class Peer implements GatheringByteChannel {
        final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        private final RandomGenerator random;

        Peer(RandomGenerator random) {
            this.random = random;
        }

        @Override
        public long write(ByteBuffer[] from, int offset, int length) {
            long all = 0;
            for (int i = offset; i < offset + length; i++) {
                all += from[i].remaining();
            }
            long limit = random.nextInt(4) == 0 ? random.nextLong(all + 1) : all;
            long left = limit;
            for (int i = offset; i < offset + length; i++) {
                var bytes = new byte[(int) Math.min(left, from[i].remaining())];
                from[i].get(bytes);
                taken.writeBytes(bytes);
                left -= bytes.length;
            }
            return limit;
        }

        @Override
        public long write(ByteBuffer[] from) {
            return write(from, 0, from.length);
        }

        @Override
        public int write(ByteBuffer from) {
            return (int) write(new ByteBuffer[] {from}, 0, 1);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Seeds(100)
    void everything_leaves_once_and_in_order_whatever_the_peer_takes(RandomGenerator random) throws IOException {
        var pool = new SendQueue.Pool();
        // Two connections of one loop take turns with its chunks.
        var queues = new SendQueue[] {new SendQueue(pool), new SendQueue(pool)};
        var peers = new Peer[] {new Peer(random), new Peer(random)};
        var wanted = new ByteArrayOutputStream[] {new ByteArrayOutputStream(), new ByteArrayOutputStream()};
        var lasting = ByteBuffer.allocateDirect(1 << 20);
        for (int at = 0; at < lasting.capacity(); at++) {
            lasting.put(at, (byte) random.nextInt());
        }

        for (int step = 0; step < 300; step++) {
            int to = random.nextInt(2);
            int length = random.nextInt(3) == 0 ? random.nextInt(100_000) : random.nextInt(200);
            switch (random.nextInt(5)) {
                case 0 -> {
                    int at = random.nextInt(lasting.capacity() - length);
                    var bytes = new byte[length];
                    lasting.get(at, bytes);
                    wanted[to].writeBytes(bytes);
                    queues[to].add(lasting, at, length);
                }
                case 1, 2 -> {
                    ByteBuffer piece =
                            random.nextBoolean() ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
                    var bytes = new byte[length];
                    random.nextBytes(bytes);
                    wanted[to].writeBytes(bytes);
                    queues[to].add(piece.put(0, bytes));
                }
                default -> {
                    if (!queues[to].isEmpty()) {
                        queues[to].writeTo(peers[to]);
                    }
                }
            }
            assertThat(queues[to].bytes()).isEqualTo(wanted[to].size() - peers[to].taken.size());
        }
        for (int i = 0; i < 2; i++) {
            while (!queues[i].isEmpty()) {
                queues[i].writeTo(peers[i]);
            }
            assertThat(peers[i].taken.toByteArray()).isEqualTo(wanted[i].toByteArray());
        }
    }

    @Test
    void small_ranges_are_copied_and_large_ones_are_sent_from_where_they_are() throws IOException {
        var queue = new SendQueue(new SendQueue.Pool());
        var peer = new Peer(new SplittableRandom(7));
        var source = ByteBuffer.allocateDirect(10_000);

        queue.add(source, 0, 100);
        queue.add(source, 0, 10_000);
        for (int at = 0; at < 10_000; at++) {
            source.put(at, (byte) 1);
        }
        while (!queue.isEmpty()) {
            queue.writeTo(peer);
        }

        byte[] taken = peer.taken.toByteArray();
        assertThat(Arrays.copyOf(taken, 100)).containsOnly(0);
        assertThat(Arrays.copyOfRange(taken, 100, 10_100)).containsOnly(1);
        assertThat(source.position()).isZero();
    }

    @Test
    void what_was_forgotten_is_not_sent() {
        var queue = new SendQueue(new SendQueue.Pool());
        queue.add(ByteBuffer.allocate(10));
        queue.add(ByteBuffer.allocateDirect(10_000));

        queue.clear();

        assertThat(queue.isEmpty()).isTrue();
        assertThat(queue.bytes()).isZero();
    }
}
