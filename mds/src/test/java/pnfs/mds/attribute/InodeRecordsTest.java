package pnfs.mds.attribute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsTime;

class InodeRecordsTest {
    private static final int TYPE_AT = 1;
    private static final int NANOS_AT = 1 + 1 + 8 + 2 + 4 + 4 + 4 + 8 + 8;

    @Seeds(500)
    void an_inode_comes_back_as_it_was_written(RandomGenerator random) {
        Inode inode = RandomInodes.next(random);

        assertThat(InodeRecords.read(inode.id(), InodeRecords.write(inode))).isEqualTo(inode);
    }

    @Seeds(200)
    void an_inode_that_lost_its_end_or_has_one_too_many_is_damage(RandomGenerator random) {
        Inode inode = RandomInodes.next(random);
        byte[] value = InodeRecords.write(inode);

        for (int length = 0; length < Math.min(value.length, 200); length++) {
            byte[] cut = Arrays.copyOf(value, length);
            assertThatThrownBy(() -> InodeRecords.read(inode.id(), cut)).isInstanceOf(CorruptStoreException.class);
        }
        byte[] longer = Arrays.copyOf(value, value.length + 1);
        assertThatThrownBy(() -> InodeRecords.read(inode.id(), longer)).isInstanceOf(CorruptStoreException.class);
    }

    @Seeds(300)
    void random_damage_is_reported_or_reads_as_another_inode_but_never_as_anything_else(RandomGenerator random) {
        Inode inode = RandomInodes.next(random);
        byte[] value = InodeRecords.write(inode);
        value[random.nextInt(value.length)] ^= (byte) (1 + random.nextInt(255));

        try {
            assertThat(InodeRecords.read(inode.id(), value)).isNotEqualTo(inode);
        } catch (CorruptStoreException e) {
            assertThat(e).hasMessageContaining("inode " + inode.id());
        }
    }

    @Test
    void a_version_type_mode_or_time_out_of_range_is_named() {
        var fifo = Inode.create(
                new FileHandle(5, 6),
                new Rights(0644, 1, 2),
                Times.allAt(new NfsTime(3, 4)),
                new Content.Meeting(FileType.FIFO));

        assertThatThrownBy(() -> InodeRecords.read(5, damaged(fifo, 0, 2)))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessage("inode 5: version 2, not 1");
        assertThatThrownBy(() -> InodeRecords.read(5, damaged(fifo, TYPE_AT, 8)))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("ATTRIBUTE_DIRECTORY");
        assertThatThrownBy(() -> InodeRecords.read(5, damaged(fifo, TYPE_AT, 99)))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("99");
        assertThatThrownBy(() -> InodeRecords.read(5, damaged(fifo, NANOS_AT, 0x7f)))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("nanoseconds");
    }

    @Test
    void reserved_numbers_come_back_and_damage_is_reported() {
        assertThat(InodeRecords.readReserved(InodeRecords.writeReserved(4097))).isEqualTo(4097);
        assertThatThrownBy(() -> InodeRecords.readReserved(new byte[3])).isInstanceOf(CorruptStoreException.class);
        assertThatThrownBy(() -> InodeRecords.readReserved(new byte[9])).isInstanceOf(CorruptStoreException.class);
    }

    private static byte[] damaged(Inode inode, int at, int to) {
        byte[] value = InodeRecords.write(inode);
        value[at] = (byte) to;
        return value;
    }
}
