package pnfs.ds.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;

class VolumeTest {
    private static Volume volume(int blockBytes) {
        var header = RegionHeader.of(UUID.fromString("b3a1c2d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"), blockBytes, 256L * 4096);
        return new Volume(new Region(
                header,
                MemorySegment.ofArray(new byte[256 * 4096]),
                new FakePersistence(),
                Memo.volatileMemo(),
                () -> {}));
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void blocks_are_pieces_of_the_region_and_nothing_beyond_the_last_one_is_covered(int blockBytes) {
        Volume volume = volume(blockBytes);
        long blocks = 256L * 4096 / blockBytes;

        assertThat(volume.blockBytes()).isEqualTo(blockBytes);
        assertThat(volume.blocks()).isEqualTo(blocks);
        assertThat(volume.offsetOf(3)).isEqualTo(3L * blockBytes);
        assertThat(volume.covers(0, blocks)).isTrue();
        assertThat(volume.covers(blocks, 0)).isTrue();
        assertThat(volume.covers(blocks - 1, 2)).isFalse();
        assertThat(volume.covers(blocks + 1, 0)).isFalse();
        assertThat(volume.covers(-1, 1)).isFalse();
        assertThat(volume.covers(Long.MAX_VALUE, 2)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void the_serial_number_is_the_uuid(int blockBytes) {
        assertThat(volume(blockBytes).serial()).isEqualTo("b3a1c2d45e6f4a7b8c9d0e1f2a3b4c5d");
    }
}
