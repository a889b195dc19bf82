package pnfs.it.conformance;

import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_755;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.put;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.IoAdviseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What each operation answers where the current file is of a kind that it is not for: RFC 8881 §15.2 and the
/// description of each, RFC 7862 §15.
@ExtendWith(SuiteServer.class)
class WrongTypeTest {
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));

    private final Session session;
    private final Tree tree;

    WrongTypeTest(Suite suite) {
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
    }

    /// Operations on data, each of which names a regular file.
    private static List<OpArgs> ofData(Stateid open) {
        FileRange range = FileRange.of(0, 4096);
        return List.of(
                new ReadArgs(Stateid.ANONYMOUS, 0, 10),
                Tree.writeArgs(Stateid.ANONYMOUS, 0, "data"),
                new CommitArgs(0, 0),
                new ReadPlusArgs(Stateid.ANONYMOUS, 0, 10),
                new LockArgs(LockType.READ, false, FileRange.WHOLE_FILE, new Locker.NewOwner(0, open, 0, OWNER)),
                new LocktArgs(LockType.READ, FileRange.WHOLE_FILE, OWNER),
                openArgs("owner", ShareBits.READ, new OpenHow.NoCreate(), new OpenClaim.ByHandle()),
                new AllocateArgs(Stateid.ANONYMOUS, range),
                new DeallocateArgs(Stateid.ANONYMOUS, range),
                new SeekArgs(Stateid.ANONYMOUS, 0, SeekWhat.DATA),
                new IoAdviseArgs(Stateid.ANONYMOUS, 0, 0, Bitmap.of(0)));
    }

    private static NfsStatus notRegular(FileType type) {
        return switch (type) {
            case DIRECTORY -> NfsStatus.ISDIR;
            case SYMLINK -> NfsStatus.SYMLINK;
            default -> NfsStatus.WRONG_TYPE;
        };
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"REGULAR", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_regular_files_have_data(FileType type) {
        Stateid open = tree.create("file").stateid();
        Opaque object = tree.object("object", type);

        for (OpArgs operation : ofData(open)) {
            session.expect(notRegular(type), at(object, operation));
        }
        session.expect(
                NfsStatus.WRONG_TYPE,
                at(
                        object,
                        new LayoutGetArgs(false, LayoutType.SCSI, Iomode.READ, FileRange.WHOLE_FILE, 0, open, 4096)));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"REGULAR", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_regular_files_have_a_size_to_set(FileType type) {
        Opaque object = tree.object("object", type);
        var size = AttributeCodec.write(Attributes.builder().size(0).build());

        session.expect(
                type == FileType.DIRECTORY ? NfsStatus.ISDIR : NfsStatus.INVAL,
                at(object, new SetAttrArgs(Stateid.ANONYMOUS, size)));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"DIRECTORY", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_directories_have_entries(FileType type) {
        Opaque file = tree.object("file", FileType.REGULAR);
        Opaque object = tree.object("object", type);

        session.expect(NfsStatus.NOTDIR, at(object, new ReadDirArgs(0, 0, 0, 4096, Bitmap.EMPTY)));
        session.expect(NfsStatus.NOTDIR, at(object, new RemoveArgs("name")));
        session.expect(NfsStatus.NOTDIR, at(object, new CreateArgs(new CreateObject.Fifo(), "name", MODE_755)));
        session.expect(NfsStatus.NOTDIR, at(object, new SecinfoArgs("name")));
        session.expect(NfsStatus.NOTDIR, put(file), new SaveFhArgs(), put(object), new LinkArgs("name"));
        session.expect(NfsStatus.NOTDIR, at(object, openArgs("name", "owner", ShareBits.READ, new OpenHow.NoCreate())));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYMLINK", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void only_symbolic_links_are_read_as_such(FileType type) {
        Opaque object = tree.object("object", type);

        session.expect(NfsStatus.WRONG_TYPE, at(object, new ReadLinkArgs()));
    }

    @Test
    void regular_files_are_made_by_open() {
        Opaque target = tree.object("link", FileType.SYMLINK);

        session.ok(at(target, new ReadLinkArgs(), GET_FH));
        session.expect(
                NfsStatus.ISDIR, put(tree.directory("dir")), new SaveFhArgs(), put(tree.handle), new LinkArgs("x"));
    }
}
