package pnfs.mds.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.testing.Seeds;

class DirectoryRecordsTest {
    private static final long DIRECTORY = 77;
    private static final Entry ENTRY = new Entry("Zürich", new FileHandle(5, -6), 7);

    @Seeds(200)
    void an_entry_comes_back_from_both_of_its_records(RandomGenerator random) {
        String name = "ü".repeat(random.nextInt(127)) + "x";
        var entry = new Entry(
                name,
                new FileHandle(random.nextLong(1, Long.MAX_VALUE), random.nextLong()),
                random.nextLong(3, Long.MAX_VALUE));

        byte[] key = DirectoryRecords.cookieKey(DIRECTORY, entry.cookie());

        assertThat(DirectoryRecords.readEntry(DIRECTORY, name, DirectoryRecords.writeEntry(entry)))
                .isEqualTo(entry);
        assertThat(DirectoryRecords.readCookie(key, DirectoryRecords.writeCookie(entry)))
                .isEqualTo(entry);
    }

    @Test
    void a_record_of_another_length_is_damage() {
        byte[] key = DirectoryRecords.cookieKey(DIRECTORY, 7);
        byte[] entry = DirectoryRecords.writeEntry(ENTRY);
        byte[] cookie = DirectoryRecords.writeCookie(ENTRY);

        for (int length = 0; length < entry.length; length++) {
            byte[] cut = Arrays.copyOf(entry, length);
            assertDamage(() -> DirectoryRecords.readEntry(DIRECTORY, "Zürich", cut));
        }
        assertDamage(() -> DirectoryRecords.readEntry(DIRECTORY, "Zürich", Arrays.copyOf(entry, entry.length + 1)));
        for (int length = 0; length <= cookie.length - "Zürich".length() - 1; length++) {
            byte[] cut = Arrays.copyOf(cookie, length);
            assertDamage(() -> DirectoryRecords.readCookie(key, cut));
        }
        assertDamage(() -> DirectoryRecords.readCookie(key, Arrays.copyOf(cookie, 17 + 256)));
        assertDamage(() -> DirectoryRecords.readCookie(Arrays.copyOf(key, key.length - 1), cookie));
    }

    @Test
    void another_version_or_an_inode_or_cookie_out_of_range_is_damage() {
        assertDamage(() -> DirectoryRecords.readEntry(DIRECTORY, "Zürich", with(0, 2)));
        assertDamage(() -> DirectoryRecords.readEntry(DIRECTORY, "Zürich", with(1, 0x80)));
        assertDamage(() -> DirectoryRecords.readEntry(DIRECTORY, "Zürich", with(17, 0x80)));
    }

    @Test
    void an_orphan_comes_back_and_damage_to_it_is_reported() {
        byte[] key = DirectoryRecords.orphanKey(9);

        assertThat(DirectoryRecords.readOrphan(key, DirectoryRecords.writeOrphan()))
                .isEqualTo(9);
        assertDamage(() -> DirectoryRecords.readOrphan(key, new byte[] {2}));
        assertDamage(() -> DirectoryRecords.readOrphan(key, new byte[0]));
        assertDamage(() -> DirectoryRecords.readOrphan(Arrays.copyOf(key, 3), DirectoryRecords.writeOrphan()));
    }

    private static byte[] with(int at, int value) {
        byte[] entry = DirectoryRecords.writeEntry(ENTRY);
        entry[at] = (byte) value;
        return entry;
    }

    private static void assertDamage(ThrowingCallable reading) {
        assertThatThrownBy(reading).isInstanceOf(CorruptStoreException.class);
    }
}
