package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.RenameResult;
import pnfs.wire.xdr.Opaque;

/// RENAME, RFC 8881 §18.26.
@ExtendWith(SuiteServer.class)
class RenameTest {
    private final Session session;
    private final Tree tree;

    RenameTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void every_kind_of_object_moves_to_another_directory(FileType type) {
        Opaque object = tree.object("foo", type);
        Opaque other = tree.directory("other");

        tree.rename(NfsStatus.OK, tree.handle, "foo", other, "bar");

        assertThat(tree.lookup("other", "bar")).isEqualTo(object);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DIRECTORY", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void names_are_in_directories_only(FileType type) {
        Opaque object = tree.object("object", type);
        tree.directory("dir");

        List<NfsStatus> refusals = List.of(NfsStatus.NOTDIR, NfsStatus.SYMLINK);
        assertThat(renameStatus(object, "a", tree.handle, "b")).isIn(refusals);
        assertThat(renameStatus(tree.handle, "dir", object, "b")).isIn(refusals);
    }

    private NfsStatus renameStatus(Opaque from, String oldName, Opaque to, String newName) {
        return session.run(Tree.put(from), new SaveFhArgs(), Tree.put(to), new RenameArgs(oldName, newName))
                .getLast()
                .status();
    }

    @Test
    void it_wants_two_directories() {
        session.expect(NfsStatus.NOFILEHANDLE, tree.here(new RenameArgs("a", "b")));
    }

    @Test
    void the_old_name_must_be_there_and_both_must_be_names() {
        tree.directory("foo");

        tree.rename(NfsStatus.NOENT, tree.handle, "not-there", tree.handle, "bar");
        tree.rename(NfsStatus.INVAL, tree.handle, "", tree.handle, "bar");
        tree.rename(NfsStatus.INVAL, tree.handle, "foo", tree.handle, "");
        for (String dots : new String[] {".", ".."}) {
            tree.rename(NfsStatus.BADNAME, tree.handle, dots, tree.handle, "bar");
            tree.rename(NfsStatus.BADNAME, tree.handle, "foo", tree.handle, dots);
        }
    }

    @Test
    void a_directory_replaces_an_empty_directory_only() {
        tree.directory("dir1");
        Opaque full = tree.directory("full");
        tree.directory(full, "child");
        tree.directory("empty");
        tree.object("file", FileType.REGULAR);

        assertThat(renameStatus(tree.handle, "dir1", tree.handle, "file")).isIn(NfsStatus.EXIST, NfsStatus.NOTDIR);
        assertThat(renameStatus(tree.handle, "dir1", tree.handle, "full")).isIn(NfsStatus.EXIST, NfsStatus.NOTEMPTY);
        tree.rename(NfsStatus.OK, tree.handle, "full", tree.handle, "empty");
        assertThat(tree.lookup("empty")).isEqualTo(full);
    }

    @Test
    void a_file_replaces_a_file_but_no_directory() {
        Opaque file = tree.object("file1", FileType.REGULAR);
        tree.object("file2", FileType.REGULAR);
        Opaque full = tree.directory("full");
        tree.directory(full, "child");
        tree.directory("empty");

        for (String directory : new String[] {"full", "empty"}) {
            assertThat(renameStatus(tree.handle, "file1", tree.handle, directory))
                    .isIn(NfsStatus.EXIST, NfsStatus.ISDIR);
        }
        tree.rename(NfsStatus.OK, tree.handle, "file1", tree.handle, "file2");
        assertThat(tree.lookup("file2")).isEqualTo(file);
    }

    @Test
    void onto_itself_or_another_name_of_the_same_file_it_does_nothing() {
        tree.directory("dir");
        Opaque file = tree.object("file", FileType.REGULAR);
        session.ok(Tree.put(file), new SaveFhArgs(), Tree.put(tree.handle), new LinkArgs("link"));

        assertNothingDone(tree.rename(NfsStatus.OK, tree.handle, "dir", tree.handle, "dir"));
        assertNothingDone(tree.rename(NfsStatus.OK, tree.handle, "file", tree.handle, "file"));
        assertNothingDone(tree.rename(NfsStatus.OK, tree.handle, "link", tree.handle, "file"));
        assertThat(tree.lookup("link")).isEqualTo(file);
    }

    private static void assertNothingDone(List<OpResult> results) {
        RenameResult renamed = Session.find(RenameResult.class, results);
        assertThat(renamed.source().after()).isEqualTo(renamed.source().before());
        assertThat(renamed.target().after()).isEqualTo(renamed.target().before());
    }

    @Test
    void a_directory_does_not_move_into_itself() {
        Opaque outer = tree.directory("outer");
        Opaque inner = tree.directory(outer, "inner");

        tree.rename(NfsStatus.INVAL, tree.handle, "outer", inner, "swallowed");
        session.ok(at(inner));
    }
}
