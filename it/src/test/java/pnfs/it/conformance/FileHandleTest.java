package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.PUT_ROOT;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.handle;
import static pnfs.it.conformance.Tree.put;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.xdr.Opaque;

/// PUTFH, GETFH, LOOKUP and LOOKUPP, RFC 8881 §18.8, §18.13, §18.14, §18.19.
@ExtendWith(SuiteServer.class)
class FileHandleTest {
    private final Suite suite;
    private final Session session;

    FileHandleTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void a_handle_put_is_the_handle_got(FileType type) {
        Tree tree = Tree.make(session, suite.name());
        tree.object("object", type);
        Opaque found = tree.lookup("object");

        assertThat(handle(session.ok(at(found, GET_FH)))).isEqualTo(found);
    }

    @Test
    void what_is_no_handle_is_bad() {
        session.expect(NfsStatus.BADHANDLE, put(Opaque.ofUtf8("abc")));
    }

    @Test
    void lookup_wants_a_name_that_can_be_one_and_is_there() {
        session.expect(NfsStatus.NOFILEHANDLE, new LookupArgs("a"));
        session.expect(NfsStatus.NOENT, PUT_ROOT, new LookupArgs(suite.name()));
        session.expect(NfsStatus.INVAL, PUT_ROOT, new LookupArgs(""));
        session.expect(NfsStatus.NAMETOOLONG, PUT_ROOT, new LookupArgs("abc".repeat(512)));
    }

    @Test
    void lookupp_leads_back_to_where_lookup_came_from() {
        Tree tree = Tree.make(session, suite.name());
        Opaque child = tree.directory("child");

        assertThat(handle(session.ok(at(child, new LookuppArgs(), GET_FH)))).isEqualTo(tree.handle);
        assertThat(handle(session.ok(at(child, new LookuppArgs(), new LookuppArgs(), GET_FH))))
                .isEqualTo(handle(session.ok(PUT_ROOT, GET_FH)));
    }

    @Test
    void nothing_is_above_the_root() {
        session.expect(NfsStatus.NOENT, PUT_ROOT, new LookuppArgs());
        session.expect(NfsStatus.NOFILEHANDLE, new LookuppArgs());
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DIRECTORY", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_a_directory_leads_up(FileType type) {
        Tree tree = Tree.make(session, suite.name());
        Opaque object = tree.object("object", type);

        session.expect(type == FileType.SYMLINK ? NfsStatus.SYMLINK : NfsStatus.NOTDIR, at(object, new LookuppArgs()));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DIRECTORY", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_a_directory_leads_down(FileType type) {
        Tree tree = Tree.make(session, suite.name());
        Opaque object = tree.object("object", type);

        session.expect(
                type == FileType.SYMLINK ? NfsStatus.SYMLINK : NfsStatus.NOTDIR, at(object, new LookupArgs("foo")));
    }
}
