package pnfs.ds.reservation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
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
        assertThat(ReservationRecord.read(record)).contains(full);
    }
}
