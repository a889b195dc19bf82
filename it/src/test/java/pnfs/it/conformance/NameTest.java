package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.MODE_755;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.put;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoArgs;
import pnfs.wire.nfs4.OpResult.CreateResult;
import pnfs.wire.nfs4.OpResult.LinkResult;
import pnfs.wire.nfs4.OpResult.RemoveResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.xdr.Opaque;

/// CREATE, LINK and REMOVE, and what can be a name for all that take one: RFC 8881 §1.8.5, §14.5, §18.4, §18.9,
/// §18.25.
@ExtendWith(SuiteServer.class)
class NameTest {
    private final Session session;
    private final Tree tree;

    NameTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"''|INVAL", ".|BADNAME", "..|BADNAME", "a/b|BADCHAR", "long|NAMETOOLONG"})
    void a_name_is_one_component_of_a_path(String given, NfsStatus expected) {
        String name = given.equals("long") ? "n".repeat(256) : given;
        Opened file = tree.create("file");

        for (OpArgs operation : List.of(
                new LookupArgs(name),
                new CreateArgs(new CreateObject.Directory(), name, MODE_755),
                new RemoveArgs(name),
                new SecinfoArgs(name),
                openArgs(name, "owner", ShareBits.READ, new OpenHow.NoCreate()),
                openArgs(name, "owner", ShareBits.READ, new OpenHow.Unchecked(MODE_644)))) {
            session.expect(expected, tree.here(operation));
        }
        session.expect(expected, put(file.file()), new SaveFhArgs(), put(tree.handle), new LinkArgs(name));
        tree.rename(expected, tree.handle, name, tree.handle, "new");
        tree.rename(expected, tree.handle, "file", tree.handle, name);
    }

    @Test
    void a_name_of_255_bytes_may_be_any_text() {
        for (String name : new String[] {"n".repeat(255), "\u00e4".repeat(127), "\ud83d\ude00", " ", "a\nb"}) {
            tree.close(tree.create(name));

            assertThat(tree.lookup(name)).isNotNull();
            session.ok(tree.here(new RemoveArgs(name)));
            session.expect(NfsStatus.NOENT, tree.here(new LookupArgs(name)));
        }
    }

    @Test
    void a_name_that_is_taken_is_not_given_again() {
        Opened file = tree.create("file");

        for (CreateObject object : List.of(new CreateObject.Directory(), new CreateObject.Fifo())) {
            session.expect(NfsStatus.EXIST, tree.here(new CreateArgs(object, "file", MODE_755)));
        }
        session.expect(NfsStatus.EXIST, put(file.file()), new SaveFhArgs(), put(tree.handle), new LinkArgs("file"));
        session.expect(NfsStatus.NOENT, tree.here(new RemoveArgs("other")));
        session.expect(NfsStatus.NOENT, tree.here(openArgs("other", "owner", ShareBits.READ, new OpenHow.NoCreate())));
    }

    @Test
    void a_directory_is_removed_when_it_is_empty() {
        Opaque directory = tree.directory("directory");
        tree.directory(directory, "child");

        session.expect(NfsStatus.NOTEMPTY, tree.here(new RemoveArgs("directory")));
        session.ok(put(directory), new RemoveArgs("child"));
        session.ok(tree.here(new RemoveArgs("directory")));
        session.expect(NfsStatus.STALE, put(directory), new GetFhArgs());
    }

    @Test
    void without_a_filehandle_there_is_nothing_to_name_in() {
        session.expect(NfsStatus.NOFILEHANDLE, new RemoveArgs("name"));
        session.expect(NfsStatus.NOFILEHANDLE, new CreateArgs(new CreateObject.Fifo(), "name", MODE_755));
        session.expect(NfsStatus.NOFILEHANDLE, new SecinfoArgs("name"));
        session.expect(NfsStatus.NOFILEHANDLE, tree.here(new LinkArgs("name")));
        session.expect(NfsStatus.NOFILEHANDLE, tree.here(new RenameArgs("name", "other")));
        session.expect(NfsStatus.NOFILEHANDLE, new SaveFhArgs());
    }

    @Test
    void every_change_of_a_directory_tells_its_change_attribute_before_and_after() {
        long begin = change();
        ChangeInfo made = Session.find(
                        CreateResult.class,
                        session.ok(tree.here(new CreateArgs(new CreateObject.Directory(), "dir", MODE_755))))
                .directory();
        assertThat(made).isEqualTo(new ChangeInfo(true, begin, change()));

        Opaque fifo = tree.object("fifo", FileType.FIFO);
        long before = change();
        ChangeInfo linked = Session.find(
                        LinkResult.class,
                        session.ok(put(fifo), new SaveFhArgs(), put(tree.handle), new LinkArgs("link")))
                .directory();
        assertThat(linked).isEqualTo(new ChangeInfo(true, before, change()));
        assertThat(tree.attributes(fifo, Bitmap.of(Attribute.NUMLINKS)).uint32(Attribute.NUMLINKS))
                .isEqualTo(2);

        ChangeInfo removed = Session.find(RemoveResult.class, session.ok(tree.here(new RemoveArgs("fifo"))))
                .directory();
        assertThat(removed).isEqualTo(new ChangeInfo(true, linked.after(), change()));
        assertThat(List.of(begin, made.after(), linked.after(), removed.after()))
                .isSorted()
                .doesNotHaveDuplicates();
    }

    private long change() {
        return tree.attributes(tree.handle, Bitmap.of(Attribute.CHANGE)).uint64(Attribute.CHANGE);
    }

    @Test
    void what_is_made_becomes_the_current_file_and_says_what_was_set() {
        CreateResult made = Session.find(
                CreateResult.class,
                session.ok(tree.here(
                        new CreateArgs(new CreateObject.Directory(), "dir", MODE_755),
                        new CreateArgs(new CreateObject.Socket(), "inside", MODE_755))));

        assertThat(made.attributesSet()).isEqualTo(Bitmap.of(Attribute.MODE));
        assertThat(tree.lookup("dir", "inside")).isNotNull();
    }

    @Test
    void a_symbolic_link_leads_somewhere() {
        session.expect(
                NfsStatus.INVAL, tree.here(new CreateArgs(new CreateObject.Symlink(Opaque.EMPTY), "link", MODE_755)));
    }
}
