package pnfs.it.conformance;

import static pnfs.it.conformance.Tree.at;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.NverifyArgs;
import pnfs.wire.nfs4.OpArgs.VerifyArgs;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.xdr.Opaque;

/// VERIFY and NVERIFY, RFC 8881 §18.15 and §18.31.
@ExtendWith(SuiteServer.class)
class VerifyTest {
    private static final Bitmap REQUIRED = Bitmap.of(
            Attribute.SUPPORTED_ATTRS,
            Attribute.TYPE,
            Attribute.FH_EXPIRE_TYPE,
            Attribute.CHANGE,
            Attribute.SIZE,
            Attribute.LINK_SUPPORT,
            Attribute.SYMLINK_SUPPORT,
            Attribute.NAMED_ATTR,
            Attribute.FSID,
            Attribute.UNIQUE_HANDLES,
            Attribute.LEASE_TIME,
            Attribute.FILEHANDLE);

    private final Session session;
    private final Tree tree;

    VerifyTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void every_required_attribute_is_what_getattr_said(FileType type) {
        Opaque object = tree.object("object", type);
        Fattr said = Session.find(GetAttrResult.class, session.ok(at(object, new GetAttrArgs(REQUIRED))))
                .attributes();

        session.ok(at(object, new VerifyArgs(said)));
        session.expect(NfsStatus.SAME, at(object, new NverifyArgs(said)));
    }

    @Test
    void another_size_is_not_the_same() {
        Opaque file = tree.object("file", FileType.REGULAR);
        Fattr size = AttributeCodec.write(Attributes.builder().size(1).build());

        session.expect(NfsStatus.NOT_SAME, at(file, new VerifyArgs(size)));
        session.ok(at(file, new NverifyArgs(size)));
    }

    @Test
    void what_cannot_be_read_cannot_be_compared() {
        Opaque file = tree.object("file", FileType.REGULAR);
        var now = Attributes.builder().setTime(Attribute.TIME_ACCESS_SET, SetTime.TO_SERVER_TIME);
        var error = Attributes.builder().readError(NfsStatus.OK);

        session.expect(NfsStatus.INVAL, at(file, new VerifyArgs(AttributeCodec.write(now.build()))));
        session.expect(NfsStatus.INVAL, at(file, new VerifyArgs(AttributeCodec.write(error.build()))));
        session.expect(
                NfsStatus.ATTRNOTSUPP,
                at(
                        file,
                        new VerifyArgs(AttributeCodec.write(Attributes.builder()
                                .bool(Attribute.ARCHIVE, false)
                                .build()))));
        session.expect(NfsStatus.NOFILEHANDLE, new VerifyArgs(AttributeCodec.write(now.build())));
    }
}
