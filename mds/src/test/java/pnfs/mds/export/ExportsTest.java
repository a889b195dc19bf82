package pnfs.mds.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.mds.FakeFileSpace;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileHandleOperations;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Gate;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Permit;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.xattr.XattrOperations;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.AccessResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

class ExportsTest {
    private static final RpcCredential ROOT = FileRooms.root();
    private static final InetSocketAddress HERE = peer("127.0.0.1", 700);
    private static final NfsTime NOW = new NfsTime(1, 0);

    /// A server that offers these exports, over what an earlier one left.
    private static final class Server {
        final OpTable table = new OpTable();
        final Exports exports;
        private final Inodes inodes;
        final MetadataStore store;
        InetSocketAddress peer = HERE;
        RpcCredential credential = ROOT;

        Server(MemoryEngine engine, String... specs) {
            var random = new SplittableRandom(7);
            store = new MetadataStore(engine, Long.MAX_VALUE, failure -> {
                throw new IllegalStateException(failure);
            });
            var locks = new FileLocks();
            var space = new FakeFileSpace();
            inodes = new Inodes(store, 100, random);
            var namespace = new Namespace(store, inodes, locks);
            exports = Exports.open(
                    store,
                    inodes,
                    namespace,
                    ExportSpec.requireSideBySide(
                            Stream.of(specs).map(ExportSpec::parse).toList()),
                    new Rights(0777, 0, 0),
                    NOW);
            var attributes = new FileAttributes(FileRooms.FACTS, space, FileRooms.OWNERS);
            var orphans = new Orphans(store, inodes, locks, space, _ -> false);
            Gate gate = (file, state) -> {
                state.setPermit(exports.permit(Inodes.exportOf(file.inode()), state.credential(), peer));
                inodes.requireNotGone(file, state);
            };
            new FileHandleOperations(exports.root(), gate).register(table);
            table.register(
                    OpCode.SETATTR,
                    SetAttrArgs.class,
                    AttributeOperations.register(
                            table, inodes, locks, attributes, space, (stateid, file, state) -> {}));
            XattrOperations.register(table, store, inodes, locks);
            NamespaceOperations.register(table, inodes, namespace, attributes, orphans, gate);
        }

        /// The inode of that file cannot be read by the next one.
        void damage(Opaque file) {
            var batch = new Batch();
            batch.put(Keys.INODE.of(FileHandle.fromWire(file).inode()), new byte[] {7, 7, 7});
            store.append(batch);
        }

        List<OpResult> run(OpArgs... operations) {
            return CompoundRunner.run(table, new CompoundState(credential, 2, 0, NOW), operations);
        }

        NfsStatus status(OpArgs... operations) {
            return run(operations).getLast().status();
        }

        Opaque handle(String... path) {
            var operations = Stream.of(
                            Stream.of(new PutRootFhArgs()),
                            Stream.of(path).map(LookupArgs::new),
                            Stream.of(new GetFhArgs()))
                    .flatMap(operation -> operation)
                    .toArray(OpArgs[]::new);
            OpResult last = run(operations).getLast();
            if (!(last instanceof GetFhResult result)) {
                throw new NfsException(last.status(), String.join("/", path));
            }
            return result.fileHandle();
        }

        Attributes attributes(Opaque file, Attribute... wanted) {
            var result = (GetAttrResult)
                    run(new PutFhArgs(file), new GetAttrArgs(Bitmap.of(wanted))).getLast();
            return AttributeCodec.read(result.attributes());
        }

        List<String> names(Opaque directory) {
            var result = (ReadDirResult) run(new PutFhArgs(directory), new ReadDirArgs(0, 0, 4096, 8192, Bitmap.EMPTY))
                    .getLast();
            return result.entries().stream().map(DirectoryEntry::name).toList();
        }
    }

    private static CreateArgs mkdir(String name) {
        return new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY);
    }

    private static InetSocketAddress peer(String address, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(address), port);
    }

    @Test
    void what_is_offered_by_default_is_everything_to_everybody() {
        var server = new Server(MemoryEngine.committing(), "/:no_root_squash");

        assertThat(server.status(new PutRootFhArgs(), mkdir("dir"))).isEqualTo(NfsStatus.OK);
        assertThat(server.attributes(server.handle("dir"), Attribute.OWNER).text(Attribute.OWNER))
                .isEqualTo("0");
        assertThat(server.attributes(server.handle(), Attribute.FSID).fsid()).isEqualTo(new Fsid(7, 0));
        assertThat(server.status(new PutRootFhArgs(), new LookuppArgs())).isEqualTo(NfsStatus.NOENT);
    }

    @Test
    void exports_side_by_side_are_joined_by_directories_that_nobody_can_change() {
        var server = new Server(
                MemoryEngine.committing(), "/srv/a:no_root_squash", "/srv/b:no_root_squash", "/c:no_root_squash");

        Opaque root = server.handle();
        Opaque a = server.handle("srv", "a");

        assertThat(server.names(root)).containsExactlyInAnyOrder("srv", "c");
        assertThat(server.names(server.handle("srv"))).containsExactlyInAnyOrder("a", "b");
        assertThat(server.status(new PutRootFhArgs(), mkdir("x"))).isEqualTo(NfsStatus.ROFS);
        assertThat(server.status(new PutRootFhArgs(), new RemoveArgs("c"))).isEqualTo(NfsStatus.ROFS);
        assertThat(server.status(new PutRootFhArgs(), new LookuppArgs())).isEqualTo(NfsStatus.NOENT);
        assertThat(server.status(new PutFhArgs(a), mkdir("x"))).isEqualTo(NfsStatus.OK);
        List<OpResult> up = server.run(new PutFhArgs(a), new LookuppArgs(), new GetFhArgs());
        assertThat(((GetFhResult) up.getLast()).fileHandle()).isEqualTo(server.handle("srv"));
        assertThat(server.status(new PutFhArgs(a), new LookuppArgs(), mkdir("x")))
                .isEqualTo(NfsStatus.ROFS);
        assertThat(server.attributes(root, Attribute.NUMLINKS).uint32(Attribute.NUMLINKS))
                .isEqualTo(4);
    }

    @Test
    void each_export_is_a_file_system_of_its_own_and_no_name_leads_from_one_into_another() {
        var server = new Server(MemoryEngine.committing(), "/a:no_root_squash", "/b:no_root_squash");
        Opaque a = server.handle("a");
        Opaque b = server.handle("b");
        server.run(new PutFhArgs(a), new CreateArgs(new CreateObject.Fifo(), "pipe", Fattr.EMPTY));

        assertThat(server.attributes(a, Attribute.FSID).fsid())
                .isNotEqualTo(server.attributes(b, Attribute.FSID).fsid());
        assertThat(server.attributes(server.handle("a", "pipe"), Attribute.FSID).fsid())
                .isEqualTo(server.attributes(a, Attribute.FSID).fsid());
        assertThat(server.status(new PutFhArgs(a), new SaveFhArgs(), new PutFhArgs(b), new RenameArgs("pipe", "pipe")))
                .isEqualTo(NfsStatus.XDEV);
        assertThat(server.status(
                        new PutFhArgs(server.handle("a", "pipe")),
                        new SaveFhArgs(),
                        new PutFhArgs(b),
                        new LinkArgs("pipe")))
                .isEqualTo(NfsStatus.XDEV);
        Attributes listed = AttributeCodec.read(((ReadDirResult) server.run(
                                new PutRootFhArgs(),
                                new ReadDirArgs(
                                        0,
                                        0,
                                        4096,
                                        8192,
                                        Bitmap.of(Attribute.FSID, Attribute.MOUNTED_ON_FILEID, Attribute.FILEID)))
                        .getLast())
                .entries()
                .getFirst()
                .attributes());
        assertThat(listed.fsid()).isEqualTo(server.attributes(a, Attribute.FSID).fsid());
        assertThat(listed.has(Attribute.MOUNTED_ON_FILEID)).isTrue();
    }

    @Test
    void the_names_above_exports_follow_what_is_offered_and_handles_last() {
        MemoryEngine engine = MemoryEngine.committing();
        var before = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");
        Opaque root = before.handle();
        Opaque a = before.handle("srv", "a");
        Opaque srv = before.handle("srv");
        before.run(new PutFhArgs(a), mkdir("kept"));
        long change = before.attributes(root, Attribute.CHANGE).uint64(Attribute.CHANGE);

        var same = new Server(engine, "/b:no_root_squash", "/srv/a:no_root_squash");
        assertThat(same.handle()).isEqualTo(root);
        assertThat(same.handle("srv", "a")).isEqualTo(a);
        assertThat(same.attributes(root, Attribute.CHANGE).uint64(Attribute.CHANGE))
                .isEqualTo(change);

        var less = new Server(engine, "/b:no_root_squash");
        assertThat(less.names(root)).containsExactly("b");
        assertThat(less.status(new PutFhArgs(a))).isEqualTo(NfsStatus.STALE);
        assertThat(less.status(new PutFhArgs(srv))).isEqualTo(NfsStatus.STALE);
        assertThat(less.attributes(root, Attribute.NUMLINKS).uint32(Attribute.NUMLINKS))
                .isEqualTo(3);

        var again = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");
        assertThat(again.handle("srv", "a")).isEqualTo(a);
        assertThat(again.names(a)).containsExactly("kept");
        List<OpResult> up = again.run(new PutFhArgs(a), new LookuppArgs(), new GetFhArgs());
        assertThat(((GetFhResult) up.getLast()).fileHandle()).isEqualTo(again.handle("srv"));

        var whole = new Server(engine, "/:no_root_squash");
        assertThat(whole.status(new PutFhArgs(root))).isEqualTo(NfsStatus.STALE);
        assertThat(whole.names(whole.handle())).isEmpty();
    }

    @Test
    void an_export_whose_root_cannot_be_read_keeps_no_other_from_being_served() {
        MemoryEngine engine = MemoryEngine.committing();
        var before = new Server(engine, "/a:no_root_squash", "/b:no_root_squash");
        Opaque a = before.handle("a");
        Opaque b = before.handle("b");
        before.damage(a);

        for (int run = 0; run < 2; run++) {
            var server = new Server(engine, "/a:no_root_squash", "/b:no_root_squash");

            assertThat(server.names(server.handle())).containsExactlyInAnyOrder("a", "b");
            assertThat(server.handle("a")).isEqualTo(a);
            assertThat(server.status(new PutFhArgs(a), new LookupArgs("x"))).isEqualTo(NfsStatus.IO);
            assertThat(server.status(new PutFhArgs(a), mkdir("x"))).isEqualTo(NfsStatus.IO);
            assertThat(server.status(new PutFhArgs(b), mkdir("x" + run))).isEqualTo(NfsStatus.OK);
        }
        assertThat(new Server(engine, "/:no_root_squash").status(new PutRootFhArgs(), mkdir("x")))
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_directory_above_the_exports_that_cannot_be_read_keeps_them_from_nobody_who_knows_them() {
        MemoryEngine engine = MemoryEngine.committing();
        var before = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");
        Opaque a = before.handle("srv", "a");
        before.damage(before.handle("srv"));

        var server = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");

        assertThat(server.names(server.handle("b"))).isEmpty();
        assertThat(server.status(new PutRootFhArgs(), new LookupArgs("srv"), new LookupArgs("a")))
                .isEqualTo(NfsStatus.IO);
        assertThat(server.status(new PutFhArgs(a), mkdir("x"))).isEqualTo(NfsStatus.OK);

        server.damage(server.handle());
        var without = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");

        assertThat(without.status(new PutRootFhArgs(), new LookupArgs("b"))).isEqualTo(NfsStatus.IO);
        assertThat(without.status(new PutFhArgs(a), mkdir("y"))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void after_a_repair_all_ways_lead_to_the_exports_again() {
        MemoryEngine engine = MemoryEngine.committing();
        var before = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");
        assertThat(before.status(new PutFhArgs(before.handle("srv", "a")), mkdir("kept")))
                .isEqualTo(NfsStatus.OK);
        Opaque b = before.handle("b");
        List.of(before.handle("srv", "a"), before.handle("srv"), before.handle())
                .forEach(before::damage);

        before.store.append(StoreCheck.run(engine, List.of(), new SplittableRandom(1), _ -> {})
                .repair());

        var server = new Server(engine, "/srv/a:no_root_squash", "/b:no_root_squash");
        assertThat(server.names(server.handle("srv", "a"))).containsExactly("kept");
        assertThat(server.handle("b")).isEqualTo(b);
        server.credential = FileRooms.user(7, 8);
        assertThat(server.status(new PutRootFhArgs(), new LookupArgs("srv"), new LookupArgs("a")))
                .isEqualTo(NfsStatus.OK);
        assertThat(server.status(new PutFhArgs(server.handle("srv", "a")), new LookupArgs("kept")))
                .as("until root says who may")
                .isEqualTo(NfsStatus.ACCESS);
        assertThat(StoreCheck.run(engine, List.of(), new SplittableRandom(1), _ -> {})
                        .findings())
                .isEmpty();
    }

    @Test
    void root_is_nobody_where_it_is_squashed() {
        var server =
                new Server(MemoryEngine.committing(), "/a", "/b:no_root_squash", "/c:all_squash,anonuid=7,anongid=8");
        assertThat(server.status(new PutFhArgs(server.handle("a")), mkdir("dir")))
                .isEqualTo(NfsStatus.OK);
        assertThat(server.status(new PutFhArgs(server.handle("b")), mkdir("dir")))
                .isEqualTo(NfsStatus.OK);
        assertThat(server.status(new PutFhArgs(server.handle("c")), mkdir("dir")))
                .isEqualTo(NfsStatus.OK);

        assertThat(owners(server, "a")).isEqualTo("65534:65534");
        assertThat(owners(server, "b")).isEqualTo("0:0");
        assertThat(owners(server, "c")).isEqualTo("7:8");
        Fattr toRoot = AttributeCodec.write(
                Attributes.builder().text(Attribute.OWNER, "0").build());
        assertThat(server.status(new PutFhArgs(server.handle("a", "dir")), new SetAttrArgs(Stateid.ANONYMOUS, toRoot)))
                .isEqualTo(NfsStatus.PERM);
        assertThat(server.status(
                        new PutFhArgs(server.handle("b", "dir")),
                        new SaveFhArgs(),
                        new PutFhArgs(server.handle("a", "dir")),
                        new RestoreFhArgs(),
                        new SetAttrArgs(Stateid.ANONYMOUS, toRoot)))
                .as("who is who comes back with the saved filehandle")
                .isEqualTo(NfsStatus.OK);
    }

    private static String owners(Server server, String export) {
        Attributes read = server.attributes(server.handle(export, "dir"), Attribute.OWNER, Attribute.OWNER_GROUP);
        return read.text(Attribute.OWNER) + ":" + read.text(Attribute.OWNER_GROUP);
    }

    @Test
    void nothing_changes_where_reading_is_all_that_is_offered() {
        MemoryEngine engine = MemoryEngine.committing();
        var writable = new Server(engine, "/a:no_root_squash");
        Opaque a = writable.handle("a");
        writable.run(new PutFhArgs(a), new CreateArgs(new CreateObject.Directory(), "dir", Fattr.EMPTY));
        var server = new Server(engine, "/a:ro,no_root_squash");
        Fattr mode = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, 0700).build());

        for (OpArgs operation : List.of(
                mkdir("new"),
                new RemoveArgs("dir"),
                new SetAttrArgs(Stateid.ANONYMOUS, mode),
                new SetXattrArgs(SetXattrMode.EITHER, "a", Opaque.EMPTY),
                new RemoveXattrArgs("a"))) {
            assertThat(server.status(new PutFhArgs(a), operation))
                    .as("%s", operation.op())
                    .isEqualTo(NfsStatus.ROFS);
        }
        assertThat(server.status(new PutFhArgs(a), new SaveFhArgs(), new RenameArgs("dir", "other")))
                .isEqualTo(NfsStatus.ROFS);
        assertThat(server.status(new PutFhArgs(a), new SaveFhArgs(), new LinkArgs("other")))
                .isEqualTo(NfsStatus.ROFS);
        assertThat(server.run(new PutFhArgs(a), new OpArgs.AccessArgs(0x1f)).getLast())
                .isEqualTo(new AccessResult(0x1f, AccessBits.READ | AccessBits.LOOKUP));
        assertThat(server.names(a)).containsExactly("dir");
    }

    @Test
    void a_client_comes_in_by_the_first_rule_that_admits_it() {
        var server = new Server(
                MemoryEngine.committing(),
                "/a:ro,subnet=10.1.0.0/16",
                "/a:rw,no_root_squash,secure,subnet=10.0.0.0/8",
                "/b:no_root_squash");

        assertThat(server.exports.permit(2, ROOT, peer("10.1.2.3", 5000)).readOnly())
                .isTrue();
        assertThat(server.exports.permit(2, ROOT, peer("10.2.2.3", 700))).isEqualTo(new Permit(ROOT, false));
        assertThatThrownBy(() -> server.exports.permit(2, ROOT, peer("10.2.2.3", 5000)))
                .isInstanceOfSatisfying(
                        NfsException.class,
                        refusal -> assertThat(refusal.status()).isEqualTo(NfsStatus.ACCESS));
        server.peer = peer("192.168.1.1", 5000);
        assertThat(server.status(new PutRootFhArgs(), new LookupArgs("a"))).isEqualTo(NfsStatus.ACCESS);
        assertThat(server.status(new PutRootFhArgs(), new LookupArgs("b"))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void who_says_nothing_of_himself_is_nobody() {
        var server = new Server(MemoryEngine.committing(), "/:no_root_squash,anonuid=5,anongid=6");

        var identity = (RpcCredential.Sys)
                server.exports.permit(0, new RpcCredential.None(), HERE).identity();

        assertThat(identity.uid()).isEqualTo(5);
        assertThat(identity.gid()).isEqualTo(6);
        var squashed = (RpcCredential.Sys) new Server(MemoryEngine.committing(), "/")
                .exports
                .permit(0, FileRooms.user(9, 0, 0, 4), HERE)
                .identity();
        assertThat(squashed.uid()).isEqualTo(9);
        assertThat(squashed.gid()).isEqualTo(65534);
        assertThat(squashed.gids()).containsExactly(65534, 4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "/a/",
                "//a",
                "/a/../b",
                "/a:rw,",
                "/a:fast",
                "/a:anonuid=x",
                "/a:anonuid",
                "/a:subnet=10.0.0.0/33",
                "/a:subnet=example.org",
                "/a:subnet=10.0.0/8"
            })
    void an_export_that_makes_no_sense_is_refused_with_a_way_to_write_it(String spec) {
        assertThatIllegalArgumentException().isThrownBy(() -> ExportSpec.parse(spec));
    }

    @Test
    void exports_inside_each_other_are_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        ExportSpec.requireSideBySide(List.of(ExportSpec.parse("/srv"), ExportSpec.parse("/srv/a"))))
                .withMessageContaining("/srv/a lies inside /srv");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> ExportSpec.requireSideBySide(List.of(ExportSpec.parse("/srv"), ExportSpec.parse("/"))));
        ExportSpec.requireSideBySide(List.of(ExportSpec.parse("/srv"), ExportSpec.parse("/srv2")));
    }

    @ParameterizedTest(name = "{0} has {1}: {2}")
    @CsvSource({
        "10.1.0.0/16, 10.1.255.3, true",
        "10.1.0.0/16, 10.2.0.3, false",
        "10.1.0.0/15, 10.0.0.3, true",
        "10.1.0.0/15, 10.2.0.3, false",
        "10.1.2.3, 10.1.2.3, true",
        "10.1.2.3, 10.1.2.4, false",
        "0.0.0.0/0, 1.2.3.4, true",
        "0.0.0.0/0, ::1, false",
        "fd00::/8, fd12::1, true",
        "fd00::/8, fe12::1, false",
    })
    void a_subnet_has_the_addresses_that_begin_like_it(String subnet, String address, boolean expected) {
        assertThat(Subnet.parse(subnet).contains(InetAddress.ofLiteral(address)))
                .isEqualTo(expected);
        assertThat(Subnet.EVERYWHERE.contains(InetAddress.ofLiteral(address))).isTrue();
    }

    @Test
    void handles_of_one_export_cannot_be_turned_into_those_of_another() {
        var server = new Server(MemoryEngine.committing(), "/a", "/b");
        FileHandle a = FileHandle.fromWire(server.handle("a"));

        Opaque forged = new FileHandle(Inodes.rootOf(3), a.generation()).toWire();

        assertThat(server.status(new PutFhArgs(forged))).isEqualTo(NfsStatus.STALE);
    }
}
