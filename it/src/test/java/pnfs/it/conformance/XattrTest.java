package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpResult.GetXattrResult;
import pnfs.wire.nfs4.OpResult.ListXattrsResult;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.xdr.Opaque;

/// Extended attributes, RFC 8276. Some clients leave the `user.` in front of names: then it is part of them.
@ExtendWith(SuiteServer.class)
class XattrTest {
    private static final String NAME = "user.attr1";

    private final Session session;
    private final Tree tree;
    private final Opaque file;

    XattrTest(Suite suite) {
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
}
