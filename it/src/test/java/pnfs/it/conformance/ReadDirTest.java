package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.xdr.Opaque;

/// READDIR, RFC 8881 §18.23.
@ExtendWith(SuiteServer.class)
class ReadDirTest {
    private static final Bitmap WANTED =
            Bitmap.of(Attribute.TYPE, Attribute.FILEHANDLE, Attribute.FILEID, Attribute.RDATTR_ERROR);

    private final Session session;
    private final Tree tree;

    ReadDirTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    private ReadDirResult page(Opaque directory, long cookie, long verifier, int bytes) {
        return Session.find(
                ReadDirResult.class,
                session.ok(at(directory, new ReadDirArgs(cookie, verifier, bytes, bytes, WANTED))));
    }

    private List<DirectoryEntry> all(int bytes) {
        var entries = new ArrayList<DirectoryEntry>();
        ReadDirResult page = page(tree.handle, 0, 0, bytes);
        entries.addAll(page.entries());
        while (!page.eof()) {
            page = page(tree.handle, entries.getLast().cookie(), page.verifier(), bytes);
            entries.addAll(page.entries());
        }
        return entries;
    }

    @Test
    void an_empty_directory_has_no_entries_not_even_itself() {
        ReadDirResult nothing = page(tree.handle, 0, 0, 4096);

        assertThat(nothing.entries()).isEmpty();
        assertThat(nothing.eof()).isTrue();
    }

    @Test
    void pages_of_every_size_show_each_name_once() {
        var names = new ArrayList<String>();
        for (int i = 0; i < 40; i++) {
            names.add("entry" + i);
            tree.object("entry" + i, i % 2 == 0 ? FileType.DIRECTORY : FileType.FIFO);
        }

        for (int bytes : new int[] {300, 1000, 8000}) {
            assertThat(all(bytes)).extracting(DirectoryEntry::name).containsExactlyInAnyOrderElementsOf(names);
        }
        assertThat(all(8000))
                .extracting(DirectoryEntry::cookie)
                .doesNotContain(0L, 1L, 2L)
                .doesNotHaveDuplicates();
        assertThat(all(8000))
                .allSatisfy(entry -> assertThat(
                                AttributeCodec.read(entry.attributes()).fileHandle())
                        .isEqualTo(tree.lookup(entry.name())));
    }

    @Test
    void what_is_removed_between_two_pages_hides_nothing_else() {
        for (int i = 0; i < 20; i++) {
            tree.object("entry" + i, FileType.FIFO);
        }
        ReadDirResult first = page(tree.handle, 0, 0, 600);
        for (DirectoryEntry seen : first.entries()) {
            session.ok(tree.here(new RemoveArgs(seen.name())));
        }

        ReadDirResult rest = page(tree.handle, first.entries().getLast().cookie(), first.verifier(), 8000);

        assertThat(first.entries()).isNotEmpty();
        assertThat(first.entries().size() + rest.entries().size()).isEqualTo(20);
        assertThat(rest.eof()).isTrue();
    }

    @Test
    void it_goes_on_only_from_where_it_came_to_and_with_room_for_an_entry() {
        tree.object("entry", FileType.FIFO);
        ReadDirResult page = page(tree.handle, 0, 0, 4096);

        for (long reserved : new long[] {1, 2, -1L}) {
            session.expect(
                    NfsStatus.BAD_COOKIE, tree.here(new ReadDirArgs(reserved, page.verifier(), 4096, 4096, WANTED)));
        }
        for (int bytes : new int[] {0, 15}) {
            session.expect(NfsStatus.TOOSMALL, tree.here(new ReadDirArgs(0, 0, bytes, bytes, WANTED)));
        }
        session.ok(tree.here(new ReadDirArgs(0, 0, 0, 4096, Bitmap.EMPTY)));
        session.expect(NfsStatus.NOFILEHANDLE, new OpArgs[] {new ReadDirArgs(0, 0, 0, 4096, WANTED)});
    }
}
