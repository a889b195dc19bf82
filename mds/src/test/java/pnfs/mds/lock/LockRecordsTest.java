package pnfs.mds.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import pnfs.mds.lock.ByteRangeLocks.Held;
import pnfs.mds.lock.ByteRangeLocks.Kind;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.FileRange;

class LockRecordsTest {
    @Seeds(200)
    void a_locked_range_comes_back_as_it_was_written(RandomGenerator random) {
        long inode = random.nextLong(1, Long.MAX_VALUE);
        long number = random.nextLong();
        Held<String> held = next(random);
        Batch.Change record = record(inode, number, held);

        assertThat(LockRecords.readRange(record.key(), value(record)))
                .isEqualTo(new LockRecords.RecordedRange(inode, number, held.range(), held.kind()));
        assertThat(LockRecords.stateOfRange(record.key(), value(record))).isEqualTo(number);
    }

    @Seeds(50)
    void a_range_of_another_length_version_or_end_is_damage(RandomGenerator random) {
        Batch.Change record = record(1, 2, next(random));
        byte[] value = value(record);
        byte[] version = value.clone();
        version[0]++;
        byte[] end = value.clone();
        end[2] |= (byte) 0x80;

        for (int length = 0; length < value.length; length++) {
            byte[] cut = Arrays.copyOf(value, length);
            assertThatThrownBy(() -> LockRecords.readRange(record.key(), cut))
                    .isInstanceOf(CorruptStoreException.class);
        }
        for (byte[] damaged : new byte[][] {Arrays.copyOf(value, value.length + 1), version, end}) {
            assertThatThrownBy(() -> LockRecords.readRange(record.key(), damaged))
                    .isInstanceOf(CorruptStoreException.class);
        }
        assertThatThrownBy(() -> LockRecords.readRange(new byte[9], value)).isInstanceOf(CorruptStoreException.class);
    }

    private static Held<String> next(RandomGenerator random) {
        long offset = random.nextLong(Long.MAX_VALUE);
        var range = new FileRange(
                offset, random.nextBoolean() ? Long.MAX_VALUE : random.nextLong(offset, Long.MAX_VALUE) + 1);
        return new Held<>("anna", range, random.nextBoolean() ? Kind.READ : Kind.WRITE);
    }

    private static Batch.Change record(long inode, long number, Held<String> held) {
        var batch = new Batch();
        LockRecords.put(batch, inode, number, held);
        return batch.changes().getFirst();
    }

    private static byte[] value(Batch.Change record) {
        assertThat(record.value()).isNotNull();
        return record.value();
    }
}
