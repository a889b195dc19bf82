package pnfs.wire.xdr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class XdrPropertyTest {
    private interface Step {
        void write(XdrWriter out);

        void check(XdrReader in);
    }

    @Seeds(200)
    void what_is_written_is_read_again_and_pieces_join_to_the_same_bytes(RandomGenerator random) {
        var steps = new ArrayList<Step>();
        for (int i = random.nextInt(40); i >= 0; i--) {
            steps.add(step(random));
        }
        var out = new XdrWriter(random.nextInt(600));

        steps.forEach(step -> step.write(out));

        byte[] whole = out.toByteArray();
        assertThat(whole.length % 4).isZero();
        assertThat(out.position()).isEqualTo(whole.length);
        assertThat(join(out.buffers())).isEqualTo(whole);
        var in = new XdrReader(ByteBuffer.wrap(whole));
        steps.forEach(step -> step.check(in));
        in.expectEnd();
    }

    @Test
    void a_count_that_cannot_fit_is_refused_before_anything_is_allocated() {
        var lying = new XdrWriter();
        lying.writeUint32(0x7fff_fff0);
        byte[] bytes = lying.toByteArray();

        assertThatThrownBy(() -> new XdrReader(ByteBuffer.wrap(bytes)).readOpaque(Integer.MAX_VALUE))
                .isInstanceOf(XdrException.class)
                .hasMessageContaining("2147483632");
        assertThatThrownBy(() -> new XdrReader(ByteBuffer.wrap(bytes)).readCount(10, 4))
                .isInstanceOf(XdrException.class)
                .hasMessageContaining("over 10");
    }

    @Test
    void a_string_that_is_not_utf8_and_a_bool_of_two_are_refused() {
        var out = new XdrWriter();
        out.writeOpaque(new byte[] {(byte) 0xc3, 0x28});
        out.writeUint32(2);
        byte[] bytes = out.toByteArray();

        assertThatThrownBy(() -> new XdrReader(ByteBuffer.wrap(bytes)).readString(10))
                .isInstanceOf(XdrException.class);
        assertThatThrownBy(() -> new XdrReader(ByteBuffer.wrap(bytes, 8, 4)).readBool())
                .isInstanceOf(XdrException.class);
    }

    @Test
    void patching_and_truncating_reach_back_behind_views_but_not_into_them() {
        var payload = ByteBuffer.wrap(new byte[] {9, 9, 9, 9, 9, 9});
        var out = new XdrWriter();
        out.writeUint32(1);
        out.writeOpaqueView(payload);
        out.writeUint32(2);
        out.writeOpaqueView(payload);
        out.writeUint32(3);

        out.patchUint32(0, 7);
        out.patchUint32(16, 8);

        assertThat(out.toByteArray())
                .containsExactly(
                        0, 0, 0, 7, 0, 0, 0, 6, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 8, 0, 0, 0, 6, 9, 9, 9, 9, 9, 9, 0, 0,
                        0, 0, 0, 3);
        assertThatThrownBy(() -> out.patchUint32(8, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(payload).as("a view is never written to").isEqualTo(ByteBuffer.wrap(new byte[] {9, 9, 9, 9, 9, 9}));

        out.truncate(20);
        assertThat(out.toByteArray()).containsExactly(0, 0, 0, 7, 0, 0, 0, 6, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 8);
        out.truncate(4);
        out.writeUint64(5);
        assertThat(out.toByteArray()).containsExactly(0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5);
        assertThat(join(out.buffers())).isEqualTo(out.toByteArray());
    }

    @Seeds(200)
    void a_truncated_writer_goes_on_as_one_that_never_wrote_more(RandomGenerator random) {
        var kept = new XdrWriter();
        var out = new XdrWriter();
        for (int i = random.nextInt(20); i >= 0; i--) {
            Step step = step(random);
            step.write(kept);
            step.write(out);
        }
        int position = out.position();
        for (int i = random.nextInt(5); i >= 0; i--) {
            step(random).write(out);
        }

        out.truncate(position);

        assertThat(out.toByteArray()).isEqualTo(kept.toByteArray());
        Step last = step(random);
        last.write(kept);
        last.write(out);
        assertThat(out.toByteArray()).isEqualTo(kept.toByteArray());
        assertThat(join(out.buffers())).isEqualTo(kept.toByteArray());
    }

    private static Step step(RandomGenerator random) {
        var bytes = new byte[random.nextInt(0, 700)];
        random.nextBytes(bytes);
        long number = random.nextLong();
        return switch (random.nextInt(6)) {
            case 0 ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeUint32((int) number);
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readUint32()).isEqualTo((int) number);
                    }
                };
            case 1 ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeUint64(number);
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readUint64()).isEqualTo(number);
                    }
                };
            case 2 ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeOpaque(Opaque.of(bytes));
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readOpaque(700)).isEqualTo(Opaque.of(bytes));
                    }
                };
            case 3 ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeOpaqueView(ByteBuffer.wrap(bytes));
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readOpaqueView(700)).isEqualTo(ByteBuffer.wrap(bytes));
                    }
                };
            case 4 ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeString("Zürich " + number);
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readString(100)).isEqualTo("Zürich " + number);
                    }
                };
            default ->
                new Step() {
                    @Override
                    public void write(XdrWriter out) {
                        out.writeFixed(bytes);
                    }

                    @Override
                    public void check(XdrReader in) {
                        assertThat(in.readFixed(bytes.length)).isEqualTo(bytes);
                    }
                };
        };
    }

    private static byte[] join(List<ByteBuffer> pieces) {
        var all = new ByteArrayOutputStream();
        for (ByteBuffer piece : pieces) {
            var bytes = new byte[piece.remaining()];
            piece.duplicate().get(bytes);
            all.writeBytes(bytes);
        }
        return all.toByteArray();
    }
}
