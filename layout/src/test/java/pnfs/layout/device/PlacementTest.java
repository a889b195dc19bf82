package pnfs.layout.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.wire.xdr.Opaque;

class PlacementTest {
    private static final long UNIT = 8L << 20;
    private final List<Volume> volumes = List.of(volume(1), volume(2), volume(3));
    private final Placement placement = new Placement(UNIT, volumes);

    @Test
    void consecutive_pieces_of_a_file_go_round_all_volumes() {
        List<Volume> first = LongStream.range(0, 6)
                .mapToObj(piece -> placement.candidates(77, piece * UNIT + 5).getFirst())
                .toList();

        assertThat(first.subList(0, 3)).containsExactlyInAnyOrderElementsOf(volumes);
        assertThat(first.subList(3, 6)).isEqualTo(first.subList(0, 3));
        assertThat(placement.pieceEnd(5)).isEqualTo(UNIT);
        assertThat(placement.pieceEnd(UNIT)).isEqualTo(2 * UNIT);
    }

    @Test
    void small_files_spread_evenly_whatever_the_step_of_their_ids() {
        for (long step : new long[] {1, 2, 3, 4, 6, 64, 1000}) {
            for (Volume volume : volumes) {
                long here = LongStream.range(0, 3000)
                        .filter(i ->
                                placement.candidates(i * step, 0).getFirst().equals(volume))
                        .count();

                assertThat(here)
                        .as("files on one of three volumes, ids in steps of %d", step)
                        .isBetween(950L, 1050L);
            }
        }
    }

    @Test
    void a_full_volume_is_followed_by_every_other_one() {
        assertThat(placement.candidates(5, 0)).containsExactlyInAnyOrderElementsOf(volumes);
        assertThat(new Placement(UNIT, List.of()).candidates(5, 0)).isEmpty();
    }

    @Test
    void with_one_volume_a_file_is_not_cut_into_pieces() {
        assertThat(new Placement(UNIT, List.of(volume(1))).pieceEnd(0)).isEqualTo(Long.MAX_VALUE);
    }

    private static Volume volume(int number) {
        return new Volume(
                new DeviceId(number, 1, 1),
                new Scsi(new RegionId(new UUID(0, number)), 1L << 30, Designator.naa(Opaque.of(new byte[16]))));
    }
}
