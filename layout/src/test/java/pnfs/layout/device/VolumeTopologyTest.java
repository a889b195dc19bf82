package pnfs.layout.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Piece;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

class VolumeTopologyTest {
    private static final int PAGE = VolumeTopology.PAGE_BYTES;

    @Seeds(200)
    void resolving_a_range_agrees_with_resolving_it_page_by_page(RandomGenerator random) {
        VolumeTopology topology = anyTopology(random);
        List<Piece> model = pages(topology);
        assertThat(topology.capacity()).isEqualTo((long) model.size() * PAGE);
        assertThat(topology.diskStarts())
                .isEqualTo(IntStream.range(0, model.size())
                        .filter(page -> model.get(page).offset() == 0)
                        .mapToObj(page -> (long) page * PAGE)
                        .toList());
        for (int i = 0; i < 20; i++) {
            long offset = random.nextLong(topology.capacity());
            long length = random.nextLong(topology.capacity() - offset + 1);

            List<Piece> pieces = topology.resolve(offset, length);

            long at = offset;
            for (Piece piece : pieces) {
                for (long done = 0; done < piece.length(); ) {
                    long inPage = at % PAGE;
                    Piece page = model.get((int) (at / PAGE));
                    assertThat(piece.region()).isEqualTo(page.region());
                    assertThat(piece.offset() + done).isEqualTo(page.offset() + inPage);
                    long step = Math.min(PAGE - inPage, piece.length() - done);
                    done += step;
                    at += step;
                }
            }
            assertThat(at).isEqualTo(offset + length);
            for (int p = 1; p < pieces.size(); p++) {
                Piece before = pieces.get(p - 1);
                assertThat(before.region().equals(pieces.get(p).region())
                                && before.offset() + before.length()
                                        == pieces.get(p).offset())
                        .as("pieces are as long as they can be")
                        .isFalse();
            }
        }
    }

    @Test
    void what_linux_maps_wrongly_is_no_volume() {
        Leaf disk = disk(1, 16);
        assertThatThrownBy(() -> new Stripe(PAGE, List.of(disk, disk(2, 15))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cut them to one size");
        assertThatThrownBy(() -> new Stripe(PAGE + 512, List.of(disk))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Concat(Collections.nCopies(65, disk)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65");
        assertThatThrownBy(() -> new Slice(disk, 8L * PAGE, 9L * PAGE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> disk.resolve(10L * PAGE, 7L * PAGE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                        new Volume(new DeviceId(1, 1, 1), new Concat(List.of(new Slice(disk, 512, 4096), disk(2, 16)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slice start 512");
    }

    @Test
    void a_disk_that_linux_cannot_find_is_no_volume() {
        var twelve = new Scsi(region(1), 16L * PAGE, Designator.eui64(Opaque.of(new byte[12])));
        var name = new Scsi(
                region(1),
                16L * PAGE,
                new Designator(Designator.CodeSet.UTF8, Designator.Type.NAME, Opaque.ofUtf8("iqn.x")));

        assertThatThrownBy(() -> new Volume(new DeviceId(1, 1, 1), twelve))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("NAA");
        assertThatThrownBy(() -> new Volume(new DeviceId(1, 1, 1), name)).isInstanceOf(IllegalArgumentException.class);
        assertThat(new Volume(new DeviceId(1, 1, 1), disk(1, 4)).capacity()).isEqualTo(4L * PAGE);
    }

    @Seeds(50)
    void a_device_id_is_its_sixteen_bytes(RandomGenerator random) {
        var id = new DeviceId(random.nextLong(), random.nextInt(), random.nextInt());

        assertThat(DeviceId.of(id.bytes())).isEqualTo(id);
        assertThat(Opaque.of(id.bytes())).hasToString(id.toString());
    }

    private static List<Piece> pages(VolumeTopology topology) {
        return switch (topology) {
            case Leaf leaf -> pagesOf(leaf.region(), 0, leaf.capacity());
            case Slice slice -> pagesOf(slice.of().region(), slice.start(), slice.capacity());
            case Concat concat ->
                concat.parts().stream().flatMap(part -> pages(part).stream()).toList();
            case Stripe stripe -> {
                var dealt = new ArrayList<Piece>();
                int unitPages = (int) (stripe.unitBytes() / PAGE);
                int units = (int) (stripe.parts().getFirst().capacity() / stripe.unitBytes());
                for (int unit = 0; unit < units; unit++) {
                    for (Part part : stripe.parts()) {
                        dealt.addAll(pages(part).subList(unit * unitPages, (unit + 1) * unitPages));
                    }
                }
                yield dealt;
            }
        };
    }

    private static List<Piece> pagesOf(RegionId region, long start, long length) {
        return IntStream.range(0, (int) (length / PAGE))
                .mapToObj(i -> new Piece(region, start + (long) i * PAGE, PAGE))
                .toList();
    }

    private static VolumeTopology anyTopology(RandomGenerator random) {
        int pages = 4 + random.nextInt(20);
        var parts = new ArrayList<Part>();
        int count = 1 + random.nextInt(5);
        boolean stripe = random.nextBoolean();
        for (int i = 0; i < count; i++) {
            int size = stripe ? pages : 1 + random.nextInt(20);
            Leaf disk = disk(i, size + random.nextInt(2) * 3);
            parts.add(
                    disk.capacity() == (long) size * PAGE
                            ? disk
                            : new Slice(disk, random.nextInt(4) * (long) PAGE, (long) size * PAGE));
        }
        return switch (random.nextInt(3)) {
            case 0 -> parts.getFirst();
            case 1 -> new Concat(parts);
            default -> stripe ? new Stripe((1L + random.nextInt(4)) * PAGE, parts) : new Concat(parts);
        };
    }

    private static Leaf disk(int number, int pages) {
        return new Scsi(region(number), (long) pages * PAGE, Designator.naa(Opaque.of(new byte[16])));
    }

    private static RegionId region(int number) {
        return new RegionId(new UUID(0, number));
    }
}
