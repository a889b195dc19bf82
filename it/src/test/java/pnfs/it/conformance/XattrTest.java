package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AccessArgs;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpResult.AccessResult;
import pnfs.wire.nfs4.OpResult.GetXattrResult;
import pnfs.wire.nfs4.OpResult.ListXattrsResult;
import pnfs.wire.nfs4.OpResult.RemoveXattrResult;
import pnfs.wire.nfs4.OpResult.SetXattrResult;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.xdr.Opaque;

/// Extended attributes, RFC 8276. Some clients leave the `user.` in front of names: then it is part of them.
@ExtendWith(SuiteServer.class)
class XattrTest {
    private static final String NAME = "user.attr1";

    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opaque file;

    XattrTest(Suite suite) {
        this.suite = suite;
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
        file = tree.object("file", FileType.REGULAR);
    }

    @Test
    void the_export_says_that_there_are_some() {
        Attributes root = tree.attributes(tree.handle, Bitmap.of(Attribute.SUPPORTED_ATTRS, Attribute.XATTR_SUPPORT));

        assertThat(root.bitmap(Attribute.SUPPORTED_ATTRS).has(Attribute.XATTR_SUPPORT))
                .isTrue();
        assertThat(root.bool(Attribute.XATTR_SUPPORT)).isTrue();
    }

    private void set(NfsStatus expected, SetXattrMode mode, String name, String value) {
        session.expect(expected, at(file, new SetXattrArgs(mode, name, Opaque.ofUtf8(value))));
    }

    private String get() {
        return Session.find(GetXattrResult.class, session.ok(at(file, new GetXattrArgs(NAME))))
                .value()
                .utf8();
    }

    private ListXattrsResult list() {
        return Session.find(ListXattrsResult.class, session.ok(at(file, new ListXattrsArgs(0, 8192))));
    }

    @Test
    void one_that_is_not_there_is_neither_read_replaced_nor_removed() {
        session.expect(NfsStatus.NOXATTR, at(file, new GetXattrArgs(NAME)));
        set(NfsStatus.NOXATTR, SetXattrMode.REPLACE, NAME, "value1");
        session.expect(NfsStatus.NOXATTR, at(file, new RemoveXattrArgs(NAME)));
        assertThat(list().eof()).isTrue();
        assertThat(list().names()).isEmpty();
    }

    @Test
    void one_is_created_once_replaced_and_removed() {
        set(NfsStatus.OK, SetXattrMode.CREATE, NAME, "value1");
        assertThat(get()).isEqualTo("value1");
        set(NfsStatus.EXIST, SetXattrMode.CREATE, NAME, "value2");
        set(NfsStatus.OK, SetXattrMode.REPLACE, NAME, "value2");
        assertThat(get()).isEqualTo("value2");
        set(NfsStatus.OK, SetXattrMode.EITHER, NAME, "value3");
        assertThat(get()).isEqualTo("value3");
        session.ok(at(file, new RemoveXattrArgs(NAME)));
        session.expect(NfsStatus.NOXATTR, at(file, new GetXattrArgs(NAME)));
    }

    @Test
    void all_are_listed() {
        List<String> names =
                IntStream.rangeClosed(1, 6).mapToObj(i -> "user.attr" + i).toList();
        names.forEach(name -> set(NfsStatus.OK, SetXattrMode.EITHER, name, "value"));

        assertThat(list().names()).containsExactlyInAnyOrderElementsOf(names);
    }

    @Test
    void a_name_has_1_to_255_bytes_and_a_value_up_to_64_kib() {
        Session wide = wide();
        for (int length : new int[] {1, 255}) {
            set(NfsStatus.OK, SetXattrMode.EITHER, "n".repeat(length), "");
            session.ok(at(file, new RemoveXattrArgs("n".repeat(length))));
        }
        for (OpArgs operation : List.of(
                new GetXattrArgs(""),
                new RemoveXattrArgs(""),
                new SetXattrArgs(SetXattrMode.EITHER, "", Opaque.EMPTY))) {
            session.expect(NfsStatus.INVAL, at(file, operation));
        }
        for (OpArgs operation : List.of(
                new GetXattrArgs("n".repeat(256)),
                new RemoveXattrArgs("n".repeat(256)),
                new SetXattrArgs(SetXattrMode.EITHER, "n".repeat(256), Opaque.EMPTY))) {
            session.expect(NfsStatus.NAMETOOLONG, at(file, operation));
        }
        Opaque most = Opaque.of(new byte[64 << 10]);
        wide.ok(at(file, new SetXattrArgs(SetXattrMode.CREATE, NAME, most)));
        wide.expect(
                NfsStatus.XATTR2BIG,
                at(file, new SetXattrArgs(SetXattrMode.EITHER, NAME, Opaque.of(new byte[(64 << 10) + 1]))));
        assertThat(Session.find(GetXattrResult.class, wide.ok(at(file, new GetXattrArgs(NAME))))
                        .value())
                .isEqualTo(most);
        session.expect(NfsStatus.REP_TOO_BIG, at(file, new GetXattrArgs(NAME)));
    }

    private Session wide() {
        Session wide = Owner.exchange(suite.connect(), suite.name(), 1)
                .createSession(Owner.channel(1 << 20, 1 << 20, 512, 16, 8));
        wide.ok(new OpArgs.ReclaimCompleteArgs(false));
        return wide.ofMinorVersion(2);
    }

    @Test
    void a_listing_goes_on_from_its_cookie_and_wants_room_for_a_name() {
        List<String> names =
                IntStream.rangeClosed(1, 20).mapToObj(i -> "user.attr" + i).toList();
        names.forEach(name -> set(NfsStatus.OK, SetXattrMode.EITHER, name, "value"));
        var found = new ArrayList<String>();
        ListXattrsResult page = page(0, 64);
        found.addAll(page.names());
        while (!page.eof()) {
            page = page(page.cookie(), 64);
            found.addAll(page.names());
        }

        assertThat(found).containsExactlyInAnyOrderElementsOf(names);
        for (int room : new int[] {0, 15, 20}) {
            session.expect(NfsStatus.TOOSMALL, at(file, new ListXattrsArgs(0, room)));
        }
        session.expect(NfsStatus.BAD_COOKIE, at(file, new ListXattrsArgs(1L << 40, 8192)));
    }

    private ListXattrsResult page(long cookie, int room) {
        return Session.find(ListXattrsResult.class, session.ok(at(file, new ListXattrsArgs(cookie, room))));
    }

    @Test
    void every_change_of_one_is_a_change_of_its_file() {
        long begin = change();
        ChangeInfo made = Session.find(
                        SetXattrResult.class,
                        session.ok(at(file, new SetXattrArgs(SetXattrMode.CREATE, NAME, Opaque.ofUtf8("value")))))
                .file();
        assertThat(made).isEqualTo(new ChangeInfo(true, begin, change()));
        ChangeInfo removed = Session.find(RemoveXattrResult.class, session.ok(at(file, new RemoveXattrArgs(NAME))))
                .file();

        assertThat(removed).isEqualTo(new ChangeInfo(true, made.after(), change()));
        assertThat(List.of(begin, made.after(), removed.after())).isSorted().doesNotHaveDuplicates();
        session.ok(at(file, new ListXattrsArgs(0, 8192)));
        assertThat(change()).isEqualTo(removed.after());
    }

    private long change() {
        return tree.attributes(file, Bitmap.of(Attribute.CHANGE)).uint64(Attribute.CHANGE);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void files_and_directories_have_them_and_nothing_else(FileType type) {
        Opaque object = tree.object("object", type);
        boolean has = type == FileType.REGULAR || type == FileType.DIRECTORY;

        for (OpArgs operation : List.of(
                new SetXattrArgs(SetXattrMode.EITHER, NAME, Opaque.ofUtf8("value")),
                new GetXattrArgs(NAME),
                new ListXattrsArgs(0, 8192),
                new RemoveXattrArgs(NAME))) {
            session.expect(has ? NfsStatus.OK : NfsStatus.WRONG_TYPE, at(object, operation));
            session.expect(NfsStatus.NOFILEHANDLE, operation);
        }
    }

    @Test
    void they_go_with_the_file_and_not_with_its_name() {
        set(NfsStatus.OK, SetXattrMode.CREATE, NAME, "value");

        tree.rename(NfsStatus.OK, tree.handle, "file", tree.handle, "other");

        assertThat(get()).isEqualTo("value");
        session.ok(tree.here(new OpArgs.RemoveArgs("other")));
        Opaque again = tree.object("other", FileType.REGULAR);
        session.expect(NfsStatus.NOXATTR, at(again, new GetXattrArgs(NAME)));
    }

    @Test
    void who_may_write_a_file_may_change_them_and_who_may_read_it_may_read_them() {
        set(NfsStatus.OK, SetXattrMode.CREATE, NAME, "value");
        Session stranger =
                Owner.exchange(suite.connect(), suite.name(), 1, Suite.OTHER).createSession();
        stranger.ok(new OpArgs.ReclaimCompleteArgs(false));
        stranger.ofMinorVersion(2);
        int all = AccessBits.XATTR_READ | AccessBits.XATTR_WRITE | AccessBits.XATTR_LIST;

        stranger.ok(at(file, new GetXattrArgs(NAME)));
        stranger.ok(at(file, new ListXattrsArgs(0, 8192)));
        stranger.expect(NfsStatus.ACCESS, at(file, new RemoveXattrArgs(NAME)));
        stranger.expect(NfsStatus.ACCESS, at(file, new SetXattrArgs(SetXattrMode.EITHER, NAME, Opaque.EMPTY)));
        assertThat(Session.find(AccessResult.class, stranger.ok(at(file, new AccessArgs(all)))))
                .isEqualTo(new AccessResult(all, AccessBits.XATTR_READ | AccessBits.XATTR_LIST));
        assertThat(Session.find(AccessResult.class, session.ok(at(file, new AccessArgs(all)))))
                .isEqualTo(new AccessResult(all, all));
    }
}
