package pnfs.mds.open;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

class OpenRecordsTest {
    @Seeds(200)
    void an_open_comes_back_as_it_was_written(RandomGenerator random) {
        OpenState open = next(random);
        Batch.Change record = record(open);

        OpenState back = OpenRecords.read(record.key(), value(record));

        assertThat(back.stateid()).isEqualTo(open.stateid());
        assertThat(back.file()).isEqualTo(open.file());
        assertThat(back.owner()).isEqualTo(open.owner());
        assertThat(back.shares()).isEqualTo(open.shares());
    }

    @Seeds(50)
    void an_open_that_lost_its_end_or_has_one_too_many_is_damage(RandomGenerator random) {
        Batch.Change record = record(next(random));
        byte[] value = value(record);

        for (int length = 0; length < value.length; length++) {
            byte[] cut = Arrays.copyOf(value, length);
            assertThatThrownBy(() -> OpenRecords.read(record.key(), cut)).isInstanceOf(CorruptStoreException.class);
        }
        byte[] longer = Arrays.copyOf(value, value.length + Integer.BYTES);
        assertThatThrownBy(() -> OpenRecords.read(record.key(), longer)).isInstanceOf(CorruptStoreException.class);
    }

    @Test
    void a_wrong_version_key_or_share_is_damage() {
        Batch.Change record = record(new OpenState(
                new StateRecords.Facts(new FileHandle(7, 8), 1, 2, 3, 4),
                new OpenOwner(4, Opaque.of(new byte[0])),
                new Shares(3, 1)));
        byte[] newer = value(record).clone();
        newer[3] = 2;
        byte[] shares = value(record).clone();
        shares[shares.length - 2 * Integer.BYTES + 1] = 0x10;

        assertThatThrownBy(() -> OpenRecords.read(record.key(), newer))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessage("state 2 of inode 7 has version 2, this server reads 1");
        assertThatThrownBy(() -> OpenRecords.read(record.key(), shares)).isInstanceOf(CorruptStoreException.class);
        assertThatThrownBy(() -> OpenRecords.read(new byte[9], value(record)))
                .isInstanceOf(CorruptStoreException.class);
    }

    private static OpenState next(RandomGenerator random) {
        long client = random.nextLong();
        var facts = new StateRecords.Facts(
                new FileHandle(random.nextLong(1, Long.MAX_VALUE), random.nextLong()),
                random.nextInt(),
                random.nextLong(),
                random.nextInt() | 1,
                client);
        var owner = new byte[random.nextInt(60)];
        random.nextBytes(owner);
        var shares = new Shares(facts.seqid(), random.nextInt(1, 1 << 12));
        return new OpenState(facts, new OpenOwner(client, Opaque.of(owner)), shares);
    }

    private static Batch.Change record(OpenState open) {
        var batch = new Batch();
        OpenRecords.put(batch, open);
        return batch.changes().getFirst();
    }

    private static byte[] value(Batch.Change record) {
        assertThat(record.value()).isNotNull();
        return record.value();
    }
}
