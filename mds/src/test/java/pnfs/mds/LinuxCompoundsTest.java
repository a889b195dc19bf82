package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SecinfoStyle;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// The COMPOUNDs that a Linux client sends about files and names, as bytes, through sessions and the executor.
class LinuxCompoundsTest {
    private static final Bitmap GETATTR = Bitmap.of(1, 3, 4, 8, 20, 33, 35, 36, 37, 41, 45, 47, 50, 52, 53, 55);
    private static final Bitmap FSINFO = Bitmap.of(10, 27, 30, 31, 51, 62, 65, 77, 79, 82);
    private static final Bitmap STATFS = Bitmap.of(21, 22, 23, 42, 43, 44);
    private static final Bitmap PATHCONF = Bitmap.of(28, 29);
    private static final Bitmap CAPABILITIES = Bitmap.of(0, 2, 5, 6, 13, 16, 17, 75, 86);
    private static final Bitmap READDIR = Bitmap.of(1, 3, 4, 8, 11, 19, 20, 33, 35, 36, 37, 41, 45, 47, 50, 52, 53, 55);

    private final MemoryEngine engine = MemoryEngine.committing();
    private final TestServer server = new TestServer(engine, new ManualLoop(), LinuxCompoundsTest::rooms);
    private final TestSession session = TestSession.begin(server.connect(), "linux");

    static FileHandle rooms(TestServer server, OpTable table) {
        var random = new SplittableRandom(3);
        var space = new FakeFileSpace();
        var locks = new FileLocks();
        var inodes = new Inodes(server.store, 100, random);
        var attributes = new FileAttributes(FileRooms.FACTS, space, Owners.numeric());
        var namespace = new Namespace(server.store, inodes, locks);
        var opens = new OpenFiles(server.store, server.clients, new StateTable(server.clients, 100, random));
        var orphans = new Orphans(server.store, inodes, locks, space, opens);
        table.register(
                OpCode.SETATTR,
                OpArgs.SetAttrArgs.class,
                AttributeOperations.register(table, inodes, locks, attributes, space, opens));
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, space, namespace, orphans, opens, server.clients);
        return namespace.root(0, new Rights(0755, 0, 0), new NfsTime(1, 0));
    }

    @Test
    void mounting_asks_for_the_root_and_what_the_server_can() {
        ok(new PutRootFhArgs(), new OpArgs.SecinfoNoNameArgs(SecinfoStyle.CURRENT_FH));
        Opaque root = root();

        Attributes capabilities = attributes(root, CAPABILITIES);
        Attributes info = attributes(root, FSINFO);

        assertThat(capabilities
                        .bitmap(Attribute.SUPPORTED_ATTRS)
                        .containsAll(GETATTR.or(STATFS).or(PATHCONF)))
                .isTrue();
        assertThat(capabilities.has(Attribute.OPEN_ARGUMENTS)).isFalse();
        assertThat(info.layoutTypes(Attribute.FS_LAYOUT_TYPES)).isNotEmpty();
        assertThat(attributes(root, STATFS).present()).isEqualTo(STATFS);
        assertThat(attributes(root, PATHCONF).present()).isEqualTo(PATHCONF);
        assertThat(attributes(root, GETATTR).present()).isEqualTo(GETATTR);
    }

    @Test
    void a_file_is_made_opened_changed_and_closed() {
        Fattr mode = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, 0644).build());

        List<OpResult> opened = ok(
                new PutFhArgs(root()),
                open(new OpenHow.Exclusive41(7, mode), new OpenClaim.ByName("file")),
                new GetFhArgs(),
                new OpArgs.AccessArgs(AccessBits.READ | AccessBits.MODIFY | AccessBits.EXTEND | AccessBits.EXECUTE),
                new GetAttrArgs(GETATTR));
        Stateid stateid = ((OpenResult) opened.get(2)).stateid();
        Opaque file = ((GetFhResult) opened.get(3)).fileHandle();
        ok(
                new PutFhArgs(file),
                new OpArgs.SetAttrArgs(
                        stateid,
                        AttributeCodec.write(Attributes.builder().size(77).build())),
                new GetAttrArgs(GETATTR));
        List<OpResult> closed = ok(new PutFhArgs(file), new GetAttrArgs(GETATTR), new OpArgs.CloseArgs(0, stateid));

        assertThat(AttributeCodec.read(((GetAttrResult) closed.get(2)).attributes())
                        .size())
                .isEqualTo(77);
        ok(
                new PutFhArgs(file),
                open(new OpenHow.NoCreate(), new OpenClaim.ByHandle()),
                new GetAttrArgs(GETATTR),
                new OpArgs.CloseArgs(0, Stateid.CURRENT));
    }

    @Test
    void a_failed_setattr_still_says_what_was_set() {
        Opaque root = root();
        Fattr size = AttributeCodec.write(Attributes.builder().size(1).build());

        Results results = session.run(new PutFhArgs(root), new OpArgs.SetAttrArgs(Stateid.ANONYMOUS, size));

        assertThat(results.operations().getLast()).isEqualTo(new OpResult.SetAttrResult(NfsStatus.ISDIR, Bitmap.EMPTY));
    }

    @Test
    void names_are_made_listed_moved_linked_and_removed() {
        Opaque root = root();
        Opaque directory = create(root, "directory", new CreateObject.Directory());
        Opaque link = create(root, "link", new CreateObject.Symlink(Opaque.ofUtf8("directory/pipe")));
        Opaque pipe = create(root, "pipe", new CreateObject.Fifo());

        ok(new PutFhArgs(link), new OpArgs.ReadLinkArgs());
        ok(new PutFhArgs(root), new SaveFhArgs(), new PutFhArgs(directory), new OpArgs.RenameArgs("pipe", "pipe"));
        ok(
                new PutFhArgs(pipe),
                new SaveFhArgs(),
                new PutFhArgs(root),
                new OpArgs.LinkArgs("second"),
                new OpArgs.RestoreFhArgs(),
                new GetAttrArgs(GETATTR));
        ok(new PutFhArgs(directory), new OpArgs.LookuppArgs(), new GetFhArgs(), new GetAttrArgs(GETATTR));
        ok(new PutFhArgs(root), new OpArgs.LookupArgs("second"), new GetFhArgs(), new GetAttrArgs(GETATTR));
        var listed = (ReadDirResult) ok(new PutFhArgs(root), new OpArgs.ReadDirArgs(0, 0, 2048, 4096, READDIR))
                .getLast();

        assertThat(listed.eof()).isTrue();
        assertThat(listed.entries()).extracting(DirectoryEntry::name).containsExactly("directory", "link", "second");
        assertThat(listed.entries())
                .allSatisfy(entry -> assertThat(entry.attributes().attributes()).isEqualTo(READDIR));

        ok(new PutFhArgs(directory), new OpArgs.RemoveArgs("pipe"));
        ok(new PutFhArgs(root), new OpArgs.RemoveArgs("second"));
        assertThat(session.run(new PutFhArgs(pipe), new GetAttrArgs(GETATTR)).status())
                .isEqualTo(NfsStatus.STALE);
    }

    private static OpArgs open(OpenHow how, OpenClaim claim) {
        var owner = new StateOwner(0, Opaque.ofUtf8("open id:0123456789abcdef"));
        return new OpArgs.OpenArgs(0, ShareBits.BOTH, 0, owner, how, claim);
    }

    private Opaque create(Opaque parent, String name, CreateObject object) {
        List<OpResult> results = ok(
                new PutFhArgs(parent),
                new OpArgs.CreateArgs(object, name, Fattr.EMPTY),
                new GetFhArgs(),
                new GetAttrArgs(GETATTR));
        return ((GetFhResult) results.get(3)).fileHandle();
    }

    private Attributes attributes(Opaque file, Bitmap wanted) {
        var result =
                (GetAttrResult) ok(new PutFhArgs(file), new GetAttrArgs(wanted)).getLast();
        return AttributeCodec.read(result.attributes());
    }

    private Opaque root() {
        List<OpResult> results = ok(new PutRootFhArgs(), new GetFhArgs(), new GetAttrArgs(GETATTR));
        return ((GetFhResult) results.get(2)).fileHandle();
    }

    private List<OpResult> ok(OpArgs... operations) {
        Results results = session.run(operations);
        assertThat(results.status()).as("%s", results.operations()).isEqualTo(NfsStatus.OK);
        return results.operations();
    }
}
