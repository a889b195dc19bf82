package pnfs.mds.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpCodec;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.xdr.XdrWriter;

class ReadDirPropertyTest {
    private static final Bitmap NOTHING = Bitmap.EMPTY;
    private static final Bitmap FILEID = Bitmap.of(Attribute.FILEID);
    private static final int OPCODE_AND_STATUS = 8;

    private final FileRooms rooms = FileRooms.committing();

    @Test
    void a_directory_of_a_hundred_thousand_names_is_listed_whole_and_each_is_found() {
        int files = 100_000;
        for (int i = 0; i < files; i++) {
            rooms.on(rooms.root, new OpArgs.CreateArgs(new CreateObject.Fifo(), "file" + i, Fattr.EMPTY));
        }

        var seen = new HashSet<Long>();
        long cookie = 0;
        long verifier = 0;
        boolean more = true;
        while (more) {
            var page = (ReadDirResult) list(cookie, verifier, 0, 1 << 20, FILEID);
            for (DirectoryEntry entry : page.entries()) {
                seen.add(AttributeCodec.read(entry.attributes()).uint64(Attribute.FILEID));
                cookie = entry.cookie();
            }
            verifier = page.verifier();
            more = !page.eof();
        }

        assertThat(seen).hasSize(files);
        for (int i = 0; i < files; i += 997) {
            assertThat(seen).contains(rooms.at("file" + i).inode());
        }
        assertThat(rooms.on(rooms.root, new OpArgs.LookupArgs("file" + files)).status())
                .isEqualTo(NfsStatus.NOENT);
    }

    /// Names come, go and change between the pages; whoever stays is seen once, and nobody twice.
    @Seeds(200)
    void a_file_that_stays_is_listed_exactly_once_whatever_happens_between_pages(RandomGenerator random) {
        Map<String, Long> there = new HashMap<>();
        for (int i = 0; i < 30; i++) {
            make("f" + i, there);
        }
        Set<Long> stayed = new HashSet<>(there.values());
        List<Long> seen = new ArrayList<>();

        long cookie = 0;
        long verifier = 0;
        boolean more = true;
        while (more) {
            var page = (ReadDirResult) list(cookie, verifier, 0, 60 + random.nextInt(300), FILEID);
            for (DirectoryEntry entry : page.entries()) {
                seen.add(AttributeCodec.read(entry.attributes()).uint64(Attribute.FILEID));
                cookie = entry.cookie();
            }
            verifier = page.verifier();
            more = !page.eof();
            for (int i = random.nextInt(4); i > 0; i--) {
                change(random, there, stayed);
            }
        }

        assertThat(seen).doesNotHaveDuplicates().containsAll(stayed);
    }

    private void change(RandomGenerator random, Map<String, Long> there, Set<Long> stayed) {
        String name = "f" + random.nextInt(40);
        Long file = there.get(name);
        if (file == null) {
            make(name, there);
        } else if (random.nextBoolean()) {
            assertThat(rooms.on(rooms.root, new OpArgs.RemoveArgs(name)).status())
                    .isEqualTo(NfsStatus.OK);
            there.remove(name);
            stayed.remove(file);
        } else {
            String other = "f" + random.nextInt(40);
            rename(name, other);
            Long replaced = there.get(other);
            if (!other.equals(name) && replaced != null) {
                stayed.remove(replaced);
            }
            there.remove(name);
            there.put(other, file);
        }
    }

    /// RFC 8881 §18.23.3: maxcount bounds all of READDIR4resok.
    @Seeds(200)
    void no_page_is_larger_than_asked_and_none_is_needlessly_small(RandomGenerator random) {
        for (int i = 0; i < 12; i++) {
            make("n".repeat(1 + random.nextInt(40)) + i, new HashMap<>());
        }
        Bitmap attributes = random.nextBoolean()
                ? NOTHING
                : Bitmap.of(Attribute.TYPE, Attribute.OWNER, Attribute.RDATTR_ERROR, Attribute.MOUNTED_ON_FILEID);
        int maxBytes = 16 + random.nextInt(500);

        OpResult result = list(0, 0, 0, maxBytes, attributes);

        var whole = (ReadDirResult) list(0, 0, 0, 1 << 16, attributes);
        if (result instanceof ReadDirResult page) {
            int shown = page.entries().size();
            assertThat(bytes(page)).isLessThanOrEqualTo(maxBytes);
            assertThat(page.eof()).isEqualTo(shown == whole.entries().size());
            if (!page.eof()) {
                var oneMore = new ReadDirResult(page.verifier(), whole.entries().subList(0, shown + 1), false);
                assertThat(bytes(oneMore)).isGreaterThan(maxBytes);
            }
        } else {
            assertThat(result.status()).isEqualTo(NfsStatus.TOOSMALL);
            var one = new ReadDirResult(0, whole.entries().subList(0, 1), false);
            assertThat(bytes(one)).isGreaterThan(maxBytes);
        }
    }

    @Test
    void the_hint_for_names_and_cookies_ends_a_page_but_never_empties_it() {
        for (int i = 0; i < 10; i++) {
            make("0123" + i, new HashMap<>());
        }

        assertThat(((ReadDirResult) list(0, 0, 1, 4096, NOTHING)).entries()).hasSize(1);
        // a cookie of 8 bytes, a length of 4, a name of 5 and its padding
        assertThat(((ReadDirResult) list(0, 0, 60, 4096, NOTHING)).entries()).hasSize(3);
        assertThat(((ReadDirResult) list(0, 0, 0, 4096, NOTHING)).entries()).hasSize(10);
    }

    @Test
    void an_empty_directory_is_one_empty_page() {
        FileHandle empty = rooms.create("empty", new CreateObject.Directory());

        var page = (ReadDirResult) rooms.on(empty, new ReadDirArgs(0, 0, 0, 16, NOTHING));

        assertThat(page.entries()).isEmpty();
        assertThat(page.eof()).isTrue();
        assertThat(rooms.on(empty, new ReadDirArgs(0, 0, 0, 15, NOTHING)).status())
                .isEqualTo(NfsStatus.TOOSMALL);
    }

    @Test
    void a_cookie_that_was_never_given_or_comes_with_another_verifier_is_refused() {
        make("a", new HashMap<>());
        var page = (ReadDirResult) list(0, 0, 0, 4096, NOTHING);
        long cookie = page.entries().getLast().cookie();

        assertThat(list(1, page.verifier(), 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(2, page.verifier(), 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(-1, page.verifier(), 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(cookie + 1, page.verifier(), 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(cookie, page.verifier() + 1, 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.NOT_SAME);
        assertThat(list(cookie, page.verifier(), 0, 4096, NOTHING).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void the_cookie_of_a_removed_name_still_leads_on() {
        Map<String, Long> there = new HashMap<>();
        make("a", there);
        make("b", there);
        var page = (ReadDirResult) list(0, 0, 1, 4096, NOTHING);
        rooms.on(rooms.root, new OpArgs.RemoveArgs("a"));

        var rest = (ReadDirResult) list(page.entries().getFirst().cookie(), page.verifier(), 0, 4096, NOTHING);

        assertThat(rest.entries()).extracting(DirectoryEntry::name).containsExactly("b");
    }

    private OpResult list(long cookie, long verifier, int directoryBytes, int maxBytes, Bitmap attributes) {
        return rooms.on(rooms.root, new ReadDirArgs(cookie, verifier, directoryBytes, maxBytes, attributes));
    }

    private void make(String name, Map<String, Long> there) {
        there.put(name, rooms.create(name, new CreateObject.Fifo()).inode());
    }

    private void rename(String from, String to) {
        CompoundState state = rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(rooms.root);
        CompoundRunner.save(state);
        assertThat(rooms.run(state, new OpArgs.RenameArgs(from, to)).getFirst().status())
                .isEqualTo(NfsStatus.OK);
    }

    private static int bytes(ReadDirResult page) {
        var out = new XdrWriter();
        OpCodec.writeResult(out, page);
        return out.position() - OPCODE_AND_STATUS;
    }
}
