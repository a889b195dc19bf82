package pnfs.wire.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.XdrException;

class RecordReaderPropertyTest {
    private static final int MAX = 100_000;

    @Seeds(200)
    void however_records_are_fragmented_and_the_stream_is_cut_the_same_records_come_out(RandomGenerator random) {
        var sent = new ArrayList<byte[]>();
        var stream = new ByteArrayOutputStream();
        for (int i = random.nextInt(1, 12); i > 0; i--) {
            var record = new byte[random.nextInt(random.nextBoolean() ? 200 : MAX - 200)];
            random.nextBytes(record);
            sent.add(record);
            writeFragments(stream, record, random);
        }

        var received = new ArrayList<byte[]>();
        var reader = new RecordReader(MAX);
        var staged = ByteBuffer.allocate(1 << 17);
        byte[] all = stream.toByteArray();
        for (int at = 0; at < all.length; ) {
            int length = Math.min(all.length - at, random.nextInt(1, random.nextBoolean() ? 20 : 60_000));
            staged.put(all, at, length).flip();
            at += length;
            for (ByteBuffer record = reader.next(staged); record != null; record = reader.next(staged)) {
                received.add(bytes(record));
            }
            assertThat(staged.remaining())
                    .as("what waits in the staging buffer")
                    .isLessThan(17 << 10);
            staged.compact();
        }

        assertThat(received).containsExactlyElementsOf(sent);
    }

    private static void writeFragments(ByteArrayOutputStream stream, byte[] record, RandomGenerator random) {
        int at = 0;
        for (int more = random.nextInt(4); more > 0; more--) {
            int length = random.nextInt(record.length - at + 1);
            writeFragment(stream, record, at, length, 0);
            at += length;
        }
        writeFragment(stream, record, at, record.length - at, RpcMessage.LAST_FRAGMENT);
    }

    private static void writeFragment(ByteArrayOutputStream stream, byte[] record, int at, int length, int last) {
        stream.writeBytes(ByteBuffer.allocate(4).putInt(last | length).array());
        stream.write(record, at, length);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static ByteBuffer words(int... words) {
        var buffer = ByteBuffer.allocate(4 * words.length);
        Arrays.stream(words).forEach(buffer::putInt);
        return buffer.flip();
    }

    @Test
    void a_record_of_the_limit_is_taken_and_one_byte_more_is_refused_by_its_announcement() {
        var staged = ByteBuffer.allocate(MAX + 4).putInt(RpcMessage.LAST_FRAGMENT | MAX);
        assertThat(new RecordReader(MAX).next(staged.rewind())).isNotNull();

        assertThatThrownBy(() -> new RecordReader(MAX).next(words(RpcMessage.LAST_FRAGMENT | (MAX + 1))))
                .isInstanceOf(XdrException.class)
                .hasMessageContaining("over " + MAX);
        assertThatThrownBy(() -> new RecordReader(MAX).next(words(0xffff_ffff))).isInstanceOf(XdrException.class);
    }

    @Test
    void fragments_add_up_and_empty_ones_count_too() {
        var reader = new RecordReader(1000);
        var half = ByteBuffer.allocate(604).putInt(600).rewind();
        assertThat(reader.next(half)).isNull();
        assertThatThrownBy(() -> reader.next(words(600))).isInstanceOf(XdrException.class);

        var empties = new RecordReader(1000);
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 1000; i++) {
                        empties.next(words(0));
                    }
                })
                .isInstanceOf(XdrException.class);
    }

    @Test
    void memory_grows_with_the_bytes_that_came_and_not_with_those_announced() {
        int many = 2000;
        int announced = (1 << 30) - 8;
        var readers = new ArrayList<RecordReader>(List.of());
        var staged = ByteBuffer.allocate(20_000);

        // 2000 GiB, if anybody believed it.
        for (int i = 0; i < many; i++) {
            var reader = new RecordReader(1 << 30);
            reader.next(
                    staged.clear().putInt(RpcMessage.LAST_FRAGMENT | announced).rewind());
            readers.add(reader);
        }

        assertThat(readers).hasSize(many);
    }
}
