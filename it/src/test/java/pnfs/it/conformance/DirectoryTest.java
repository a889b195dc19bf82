package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_755;
import static pnfs.it.conformance.Tree.PUT_ROOT;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.put;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpResult.ReadLinkResult;
import pnfs.wire.nfs4.OpResult.RenameResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Names and what they lead to, from LINK to READDIR, as a second client sees them too: RFC 8881 §18.4 to §18.27.
@ExtendWith(SuiteServer.class)
class DirectoryTest {
    private static final Bitmap LINKS = Bitmap.of(Attribute.NUMLINKS);

    private final Suite suite;
    private final Session session;
    private final Tree tree;

    DirectoryTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    private int links(Opaque file) {
        return tree.attributes(file, LINKS).uint32(Attribute.NUMLINKS);
    }

    private void link(Opaque file, String name) {
        session.ok(put(file), new SaveFhArgs(), put(tree.handle), new LinkArgs(name));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DIRECTORY", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void every_kind_but_directories_can_have_a_second_name(FileType type) {
        Opaque object = tree.object("first", type);

        link(object, "second");

        assertThat(tree.lookup("second")).isEqualTo(object);
        assertThat(links(object)).isEqualTo(2);
        session.ok(tree.here(new RemoveArgs("first")));
        assertThat(links(object)).isEqualTo(1);
        session.ok(tree.here(new RemoveArgs("second")));
        session.expect(NfsStatus.STALE, put(object), GET_FH);
    }

    @Test
    void a_directory_is_linked_to_by_its_parent_itself_and_its_children() {
        Opaque directory = tree.directory("directory");
        assertThat(links(directory)).isEqualTo(2);

        tree.directory(directory, "child");
        assertThat(links(directory)).isEqualTo(3);
        tree.object(directory, "file", new CreateObject.Fifo());
        assertThat(links(directory)).isEqualTo(3);
        tree.rename(NfsStatus.OK, directory, "child", tree.handle, "moved");
        assertThat(links(directory)).isEqualTo(2);
    }

    @Test
    void a_directory_that_moved_leads_up_to_where_it_is_now() {
        Opaque from = tree.directory("from");
        Opaque to = tree.directory("to");
        Opaque moving = tree.directory(from, "moving");

        tree.rename(NfsStatus.OK, from, "moving", to, "moved");

        assertThat(Tree.handle(session.ok(put(moving), new LookuppArgs(), GET_FH)))
                .isEqualTo(to);
        session.expect(NfsStatus.NOENT, put(from), new LookupArgs("moving"));
    }

    @Test
    void a_directory_moves_neither_into_itself_nor_below() {
        Opaque a = tree.directory("a");
        Opaque b = tree.directory(a, "b");
        Opaque c = tree.directory(b, "c");

        for (Opaque below : List.of(a, b, c)) {
            tree.rename(NfsStatus.INVAL, tree.handle, "a", below, "swallowed");
        }
        tree.rename(NfsStatus.OK, b, "c", tree.handle, "out");
        assertThat(tree.lookup("out")).isEqualTo(c);
    }

    @Test
    void a_rename_tells_the_change_of_both_directories_and_one_within_of_one() {
        Opaque to = tree.directory("to");
        tree.directory("moving");
        Bitmap change = Bitmap.of(Attribute.CHANGE);

        RenameResult moved =
                Session.find(RenameResult.class, tree.rename(NfsStatus.OK, tree.handle, "moving", to, "moved"));

        assertThat(moved.source().after())
                .isEqualTo(tree.attributes(tree.handle, change).uint64(Attribute.CHANGE))
                .isGreaterThan(moved.source().before());
        assertThat(moved.target().after())
                .isEqualTo(tree.attributes(to, change).uint64(Attribute.CHANGE))
                .isGreaterThan(moved.target().before());
        RenameResult within = Session.find(RenameResult.class, tree.rename(NfsStatus.OK, to, "moved", to, "renamed"));
        assertThat(within.source()).isEqualTo(within.target());
    }

    @Test
    void what_is_replaced_is_gone_and_keeps_its_other_names() {
        Opaque winner = tree.object("winner", FileType.REGULAR);
        Opaque loser = tree.object("loser", FileType.REGULAR);
        link(loser, "other name");

        tree.rename(NfsStatus.OK, tree.handle, "winner", tree.handle, "loser");

        assertThat(tree.lookup("loser")).isEqualTo(winner);
        assertThat(tree.lookup("other name")).isEqualTo(loser);
        assertThat(links(loser)).isEqualTo(1);
        session.expect(NfsStatus.NOENT, tree.here(new LookupArgs("winner")));
    }

    @Test
    void nothing_is_made_in_a_directory_that_is_gone() {
        Opaque gone = tree.directory("gone");
        Opaque file = tree.object("file", FileType.REGULAR);
        session.ok(tree.here(new RemoveArgs("gone")));

        for (OpArgs operation : List.of(
                new CreateArgs(new CreateObject.Directory(), "new", MODE_755),
                new LookupArgs("name"),
                new LookuppArgs(),
                new RemoveArgs("name"),
                new ReadDirArgs(0, 0, 4096, 4096, Bitmap.EMPTY))) {
            session.expect(NfsStatus.STALE, put(gone), operation);
        }
        session.expect(NfsStatus.STALE, put(file), new SaveFhArgs(), put(gone), new LinkArgs("new"));
        tree.rename(NfsStatus.STALE, tree.handle, "file", gone, "new");
    }

    @ParameterizedTest
    @ValueSource(strings = {"target", "/abs/olute", "../up/./and//down/", "\u00e4\u00f6\u00fc", " "})
    void a_symbolic_link_says_what_it_was_told_to_say(String target) {
        Opaque link = tree.object(tree.handle, "link", new CreateObject.Symlink(Opaque.ofUtf8(target)));

        assertThat(Session.find(ReadLinkResult.class, session.ok(put(link), new ReadLinkArgs()))
                        .target()
                        .utf8())
                .isEqualTo(target);
        assertThat(tree.attributes(link, Bitmap.of(Attribute.SIZE)).size())
                .isEqualTo(Opaque.ofUtf8(target).length());
        session.expect(NfsStatus.SYMLINK, put(link), new LookupArgs("further"));
        session.expect(NfsStatus.NOFILEHANDLE, new ReadLinkArgs());
    }

    @Test
    void a_saved_filehandle_is_kept_until_another_is_saved() {
        Opaque a = tree.directory("a");
        Opaque b = tree.directory("b");

        assertThat(Tree.handle(session.ok(put(a), new SaveFhArgs(), put(b), PUT_ROOT, new RestoreFhArgs(), GET_FH)))
                .isEqualTo(a);
        assertThat(Tree.handle(session.ok(
                        put(a), new SaveFhArgs(), put(b), new SaveFhArgs(), PUT_ROOT, new RestoreFhArgs(), GET_FH)))
                .isEqualTo(b);
        session.expect(NfsStatus.RESTOREFH, put(a), new RestoreFhArgs());
        session.expect(NfsStatus.NOFILEHANDLE, GET_FH);
    }

    @Test
    void handles_of_all_lengths_are_bad_unless_they_are_ours() {
        for (int length : new int[] {0, 1, 17, 18, 19, 128}) {
            assertThat(session.run(new PutFhArgs(Opaque.of(new byte[length])))
                            .getLast()
                            .status())
                    .as("length %s", length)
                    .isIn(NfsStatus.BADHANDLE, NfsStatus.STALE);
        }
        byte[] changed = tree.handle.toByteArray();
        for (int at = 0; at < changed.length; at++) {
            byte[] one = changed.clone();
            one[at] ^= 0x40;
            assertThat(session.run(new PutFhArgs(Opaque.of(one)), GET_FH)
                            .getLast()
                            .status())
                    .as("byte %s", at)
                    .isIn(NfsStatus.BADHANDLE, NfsStatus.STALE);
        }
    }

    /// dircount is a hint, maxcount is not.
    @Test
    void a_page_is_no_longer_than_was_asked_for() {
        for (int i = 0; i < 30; i++) {
            tree.directory("entry " + i);
        }
        for (int[] counts : new int[][] {{0, 300}, {50, 8000}, {8000, 300}, {1, 8000}}) {
            ReadDirResult page = Session.find(
                    ReadDirResult.class,
                    session.ok(tree.here(new ReadDirArgs(0, 0, counts[0], counts[1], Bitmap.EMPTY))));

            assertThat(page.entries())
                    .as("dircount %s maxcount %s", counts[0], counts[1])
                    .isNotEmpty();
            int least = page.entries().size() * (8 + 4 + 8 + 4 + 4 + 4);
            assertThat(least).isLessThan(counts[1]);
        }
    }

    @Test
    void another_directory_does_not_know_a_cookie_verifier() {
        Opaque one = tree.directory("one");
        tree.directory(one, "child");
        ReadDirResult page =
                Session.find(ReadDirResult.class, session.ok(at(one, new ReadDirArgs(0, 0, 4096, 4096, Bitmap.EMPTY))));
        DirectoryEntry entry = page.entries().getFirst();

        session.expect(
                NfsStatus.NOT_SAME,
                at(one, new ReadDirArgs(entry.cookie(), page.verifier() + 1, 4096, 4096, Bitmap.EMPTY)));
        session.ok(at(one, new ReadDirArgs(entry.cookie(), page.verifier(), 4096, 4096, Bitmap.EMPTY)));
    }

    @Test
    void another_client_sees_each_change_at_once() {
        Tree other = tree.of(suite.session());
        for (int i = 0; i < 10; i++) {
            String name = "name" + i;
            Opaque made = tree.directory(name);
            assertThat(other.lookup(name)).isEqualTo(made);
            other.rename(NfsStatus.OK, tree.handle, name, tree.handle, "renamed" + i);
            session.expect(NfsStatus.NOENT, tree.here(new LookupArgs(name)));
            session.ok(tree.here(new RemoveArgs("renamed" + i)));
            other.session.expect(NfsStatus.STALE, put(made), GET_FH);
        }
    }

    @Test
    void a_mode_has_twelve_bits_and_all_of_them_stay() {
        Opaque directory = tree.directory("directory");
        for (int mode : new int[] {0, 07777, 01777, 02755, 04711}) {
            session.ok(
                    put(directory),
                    new SetAttrArgs(
                            Stateid.ANONYMOUS,
                            AttributeCodec.write(Attributes.builder()
                                    .uint32(Attribute.MODE, mode)
                                    .build())));
            assertThat(tree.attributes(directory, Bitmap.of(Attribute.MODE)).uint32(Attribute.MODE))
                    .isEqualTo(mode);
        }
    }
}
