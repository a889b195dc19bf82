package pnfs.ds.reservation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import pnfs.ds.region.Memo;

class ReservationRecordTest {
    @Test
    void the_longest_record_fits_into_a_regions_memo_and_is_read_back() {
        Map<Nexus, Long> keys = new LinkedHashMap<>();
        for (int i = 0; i < Reservations.MAX_REGISTRATIONS; i++) {
            keys.put(new Nexus("%0256d".formatted(i), 1), (long) i + 1);
        }
        List<Long> barred = LongStream.range(0, Reservations.MAX_BARRED)
                .map(i -> ~i)
                .boxed()
                .toList();
        var full = new Reservations(7, true, keys, barred, null);

        byte[] record = ReservationRecord.write(full);

        assertThat(record).hasSize(ReservationRecord.MAX_BYTES).hasSizeLessThanOrEqualTo(Memo.MAX_BYTES);
        assertThat(ReservationRecord.read(record)).isEqualTo(full);
    }

    /// It ends before the count of barred keys.
    @Test
    void a_record_of_before_there_were_barred_keys_is_read_as_one_without_any() {
        var registered = new Nexus("iqn.2026-01.org:host", 1);
        var table = new Reservations(
                3,
                true,
                Map.of(registered, 42L),
                List.of(),
                new Reservation(ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, registered));
        byte[] now = ReservationRecord.write(table);

        byte[] before = ofVersion(1, Arrays.copyOf(now, now.length - Integer.BYTES));

        assertThat(ReservationRecord.read(before)).isEqualTo(table);
    }

    @Test
    void a_record_of_a_version_to_come_is_refused_with_what_to_do() {
        byte[] record = ofVersion(3, ReservationRecord.write(Reservations.NONE));

        assertThatThrownBy(() -> ReservationRecord.read(record))
                .isInstanceOf(UnreadableRegistrationsException.class)
                .hasMessageContaining("are of version 3")
                .hasMessageContaining("use the release that wrote them");
    }

    /// With its checksum in place of the last bytes.
    private static byte[] ofVersion(int version, byte[] record) {
        var changed = ByteBuffer.wrap(record.clone()).putShort(Integer.BYTES, (short) version);
        int body = record.length - Integer.BYTES;
        var checksum = new CRC32C();
        checksum.update(changed.array(), 0, body);
        return changed.putInt(body, (int) checksum.getValue()).array();
    }
}
