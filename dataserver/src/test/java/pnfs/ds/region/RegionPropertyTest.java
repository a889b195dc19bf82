package pnfs.ds.region;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class RegionPropertyTest {
    private static final int SIZE = 1 << 20;
    private static final long[] EDGES = {
        Long.MIN_VALUE, Long.MIN_VALUE + 1, -1, 0, 1, SIZE - 1, SIZE, SIZE + 1, Long.MAX_VALUE - SIZE, Long.MAX_VALUE
    };

    private static Region region(byte[] bytes) {
        var header = RegionHeader.of(new UUID(1, 2), 4096, SIZE);
        return new Region(
                header, MemorySegment.ofArray(bytes), InlinePersistence.none(), Memo.volatileMemo(), () -> {});
    }

    private static long anyLong(RandomGenerator random) {
        return switch (random.nextInt(3)) {
            case 0 -> EDGES[random.nextInt(EDGES.length)];
            case 1 -> random.nextLong(-10, SIZE + 10);
            default -> random.nextLong();
        };
    }

    @Seeds(200)
    void a_range_is_inside_exactly_when_unbounded_arithmetic_says_so(RandomGenerator random) {
        Region region = region(new byte[SIZE]);

        for (int i = 0; i < 200; i++) {
            long offset = anyLong(random);
            long length = anyLong(random);
            boolean inside = offset >= 0
                    && length >= 0
                    && BigInteger.valueOf(offset)
                                    .add(BigInteger.valueOf(length))
                                    .compareTo(BigInteger.valueOf(SIZE))
                            <= 0;

            assertThat(region.covers(offset, length))
                    .as("%d+%d", offset, length)
                    .isEqualTo(inside);
        }
    }

    @Seeds(100)
    void writes_land_where_an_array_says_and_nowhere_else(RandomGenerator random) {
        var bytes = new byte[SIZE];
        var model = new byte[SIZE];
        Region region = region(bytes);

        for (int i = 0; i < 30; i++) {
            int offset = random.nextInt(SIZE);
            var payload = new byte[random.nextInt(Math.min(SIZE - offset, 70_000) + 1)];
            random.nextBytes(payload);
            System.arraycopy(payload, 0, model, offset, payload.length);
            if (random.nextBoolean()) {
                assertThat(region.write(offset, ByteBuffer.wrap(payload))).isTrue();
            } else {
                ByteBuffer view = region.view(offset, payload.length);
                assertThat(view.remaining()).isEqualTo(payload.length);
                view.put(payload);
            }
        }

        assertThat(Arrays.mismatch(bytes, model)).as("first byte that differs").isEqualTo(-1);
    }

    @Test
    void what_lies_outside_is_never_handed_out() {
        Region region = region(new byte[SIZE]);

        assertThatThrownBy(() -> region.view(SIZE - 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.view(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.view(Long.MAX_VALUE, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.write(SIZE, ByteBuffer.allocate(1)))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.readable(SIZE - 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.persist(SIZE - 1, 2, durable -> {}))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Seeds(100)
    void a_header_page_says_again_what_it_was_told(RandomGenerator random) {
        int block = random.nextBoolean() ? 512 : 4096;
        long blocks = random.nextLong(RegionHeader.MIN_SIZE_BYTES / block, RegionHeader.MAX_SIZE_BYTES / block + 1);
        var header = RegionHeader.of(new UUID(random.nextLong(), random.nextLong()), block, blocks * block);

        assertThat(RegionHeader.fromPage(header.toPage())).isEqualTo(new RegionHeader.Page.Valid(header));
        assertThat(header.naa().toBytes()[0] >> 4).isEqualTo(6);
    }

    @Test
    void a_name_ends_like_its_uuid() {
        var uuid = UUID.fromString("b3a1c2d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d");

        assertThat(Naa.of(uuid)).hasToString("602706e45e6f4a7b8c9d0e1f2a3b4c5d");
    }
}
