package pnfs.mds.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.AttributeValue.ModeUmask;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateResult;
import pnfs.wire.nfs4.OpResult.RenameResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SecinfoStyle;
import pnfs.wire.nfs4.SecurityFlavor;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

class NamespaceTest {
    private static final RpcCredential ALICE = FileRooms.user(10, 20);
    private static final RpcCredential BOB = FileRooms.user(11, 21);

    private final FileRooms rooms = FileRooms.committing();

    @Test
    void every_kind_of_file_but_regular_ones_is_created() {
        FileHandle block = rooms.create("b", new CreateObject.BlockDevice(new DeviceNumbers(8, -1)));
        FileHandle link = rooms.create("l", new CreateObject.Symlink(Opaque.ofHex("ff2f2e2e")));

        assertThat(rooms.inode(block).type()).isEqualTo(FileType.BLOCK_DEVICE);
        assertThat(rooms.inode(rooms.create("c", new CreateObject.CharacterDevice(new DeviceNumbers(1, 3))))
                        .type())
                .isEqualTo(FileType.CHARACTER_DEVICE);
        assertThat(rooms.inode(rooms.create("s", new CreateObject.Socket())).type())
                .isEqualTo(FileType.SOCKET);
        assertThat(rooms.inode(rooms.create("f", new CreateObject.Fifo())).type())
                .isEqualTo(FileType.FIFO);
        assertThat(rooms.inode(rooms.create("d", new CreateObject.Directory())).links())
                .isEqualTo(2);
        assertThat(rooms.on(link, new OpArgs.ReadLinkArgs()))
                .isEqualTo(new OpResult.ReadLinkResult(Opaque.ofHex("ff2f2e2e")));
        assertThat(rooms.on(block, new OpArgs.ReadLinkArgs()).status()).isEqualTo(NfsStatus.WRONG_TYPE);
    }

    @Test
    void create_tells_how_the_directory_changed_and_what_was_set() {
        long before = rooms.inode(rooms.root).change();
        Fattr mode = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, 0700).build());

        var result =
                (CreateResult) rooms.on(rooms.root, new OpArgs.CreateArgs(new CreateObject.Directory(), "d", mode));

        assertThat(result.attributesSet()).isEqualTo(Bitmap.of(Attribute.MODE));
        assertThat(result.directory().atomic()).isTrue();
        assertThat(result.directory().before()).isEqualTo(before);
        assertThat(result.directory().after()).isEqualTo(rooms.inode(rooms.root).change());
    }

    @Test
    void who_makes_a_file_owns_it_and_set_group_id_is_inherited() {
        FileHandle shared = make(FileRooms.root(), rooms.root, "shared", 02777, 500);

        FileHandle directory = make(ALICE, shared, "d", 0700, null);
        FileHandle fifo = made(ALICE, shared, new OpArgs.CreateArgs(new CreateObject.Fifo(), "f", Fattr.EMPTY));

        assertThat(rooms.inode(directory).rights()).isEqualTo(new Rights(02700, 10, 500));
        assertThat(rooms.inode(fifo).rights().gid()).isEqualTo(500);
        assertThat(rooms.inode(make(ALICE, rooms.root, "own", 0700, null)).rights())
                .isEqualTo(new Rights(0700, 10, 20));
    }

    @Test
    void mode_umask_is_applied_when_a_file_is_made() {
        Fattr wanted = AttributeCodec.write(
                Attributes.builder().modeUmask(new ModeUmask(0666, 027)).build());

        FileHandle fifo = made(ALICE, rooms.root, new OpArgs.CreateArgs(new CreateObject.Fifo(), "f", wanted));

        assertThat(rooms.inode(fifo).rights().mode()).isEqualTo(0640);
    }

    @Test
    void a_directory_is_changed_only_by_who_may_write_and_search_it() {
        FileHandle closed = make(ALICE, rooms.root, "closed", 0755, null);
        FileHandle own = make(ALICE, closed, "own", 0755, null);

        assertThat(rooms.as(BOB, closed, fifo("x")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(BOB, closed, new OpArgs.RemoveArgs("own")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rename(BOB, closed, "own", rooms.root, "own").status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rename(BOB, rooms.root, "closed", closed, "x").status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(link(BOB, own, closed, "x").status()).isEqualTo(NfsStatus.ISDIR);
        assertThat(rooms.as(ALICE, closed, new OpArgs.RemoveArgs("own")).status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_directory_without_search_permission_does_not_tell_what_is_in_it() {
        FileHandle secret = make(ALICE, rooms.root, "secret", 0600, null);

        assertThat(rooms.as(BOB, secret, new OpArgs.LookupArgs("no")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(BOB, secret, new OpArgs.RemoveArgs("no")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(BOB, secret, new OpArgs.ReadDirArgs(0, 0, 0, 4096, Bitmap.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(ALICE, secret, new OpArgs.ReadDirArgs(0, 0, 0, 4096, Bitmap.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void in_a_sticky_directory_each_removes_only_what_is_his() {
        FileHandle tmp = make(FileRooms.root(), rooms.root, "tmp", 01777, null);
        made(ALICE, tmp, fifo("hers"));
        made(BOB, tmp, fifo("his"));

        assertThat(rooms.as(BOB, tmp, new OpArgs.RemoveArgs("hers")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rename(BOB, tmp, "hers", tmp, "x").status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rename(BOB, tmp, "his", tmp, "hers").status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(ALICE, tmp, new OpArgs.RemoveArgs("hers")).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.as(FileRooms.root(), tmp, new OpArgs.RemoveArgs("his")).status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_step_into_what_is_no_directory_says_what_it_is() {
        FileHandle fifo = made(ALICE, rooms.root, fifo("f"));
        FileHandle link = rooms.create("l", new CreateObject.Symlink(Opaque.ofUtf8("x")));

        assertThat(rooms.on(fifo, new OpArgs.LookupArgs("x")).status()).isEqualTo(NfsStatus.NOTDIR);
        assertThat(rooms.on(link, new OpArgs.LookupArgs("x")).status()).isEqualTo(NfsStatus.SYMLINK);
        assertThat(rooms.on(fifo, new OpArgs.LookuppArgs()).status()).isEqualTo(NfsStatus.NOTDIR);
        assertThat(rooms.on(rooms.root, new OpArgs.LookuppArgs()).status()).isEqualTo(NfsStatus.NOENT);
    }

    @Test
    void lookupp_leads_back_also_after_a_move() {
        FileHandle a = rooms.create("a", new CreateObject.Directory());
        FileHandle b = rooms.create("b", new CreateObject.Directory());
        FileHandle child =
                made(FileRooms.root(), a, new OpArgs.CreateArgs(new CreateObject.Directory(), "c", Fattr.EMPTY));

        assertThat(parent(child)).isEqualTo(a);
        rename(FileRooms.root(), a, "c", b, "c");
        assertThat(parent(child)).isEqualTo(b);
    }

    @Test
    void two_names_of_one_file_are_not_renamed_onto_each_other() {
        FileHandle fifo = made(ALICE, rooms.root, fifo("f"));
        link(ALICE, fifo, rooms.root, "g");
        long before = rooms.inode(rooms.root).change();

        var result = (RenameResult) rename(ALICE, rooms.root, "f", rooms.root, "g");

        assertThat(result.source().before()).isEqualTo(before);
        assertThat(result.source().after()).isEqualTo(before);
        assertThat(rooms.at("f")).isEqualTo(rooms.at("g"));
        assertThat(rooms.inode(fifo).links()).isEqualTo(2);
    }

    @Test
    void a_directory_does_not_move_into_itself_or_below() {
        FileHandle a = rooms.create("a", new CreateObject.Directory());
        FileHandle b = made(FileRooms.root(), a, new OpArgs.CreateArgs(new CreateObject.Directory(), "b", Fattr.EMPTY));

        assertThat(rename(FileRooms.root(), rooms.root, "a", a, "x").status()).isEqualTo(NfsStatus.INVAL);
        assertThat(rename(FileRooms.root(), rooms.root, "a", b, "x").status()).isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void a_handle_of_a_removed_file_is_stale_and_its_number_is_not_used_again() {
        FileHandle fifo = made(ALICE, rooms.root, fifo("f"));
        rooms.on(rooms.root, new OpArgs.RemoveArgs("f"));

        FileHandle next = made(ALICE, rooms.root, fifo("f"));

        assertThat(rooms.on(fifo, new OpArgs.GetAttrArgs(Bitmap.EMPTY)).status())
                .isEqualTo(NfsStatus.STALE);
        assertThat(next.inode()).isNotEqualTo(fifo.inode());
        var otherGeneration = new FileHandle(next.inode(), next.generation() + 1);
        assertThat(rooms.on(otherGeneration, new OpArgs.GetAttrArgs(Bitmap.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.STALE);
    }

    @Test
    void an_open_file_outlives_its_last_name_until_it_is_closed() {
        var how = new OpenHow.Guarded(Fattr.EMPTY);
        CompoundState state = rooms.state(ALICE, 1);
        state.setCurrentFile(rooms.root);
        var open = (OpResult.OpenResult)
                rooms.run(state, FileRooms.open("o", ShareBits.BOTH, 0, how, new OpenClaim.ByName("f")))
                        .getFirst();
        FileHandle file = state.currentFile();

        rooms.on(rooms.root, new OpArgs.RemoveArgs("f"));

        assertThat(rooms.inode(file).links()).isZero();
        assertThat(rooms.space.released).isEmpty();
        assertThat(link(ALICE, file, rooms.root, "again").status()).isEqualTo(NfsStatus.NOENT);
        assertThat(RealTree.complaints(rooms)).isEmpty();

        rooms.on(file, new OpArgs.CloseArgs(0, open.stateid()));

        assertThat(rooms.space.released).containsExactly(file.inode());
        assertThat(rooms.on(file, new OpArgs.GetAttrArgs(Bitmap.EMPTY)).status())
                .isEqualTo(NfsStatus.STALE);
        assertThat(RealTree.complaints(rooms)).isEmpty();
    }

    @Test
    void a_file_under_a_layout_waits_among_the_orphans_until_it_is_reaped() {
        FileHandle file = rooms.createFile(ALICE, "f", 0600);
        rooms.space.held.add(file.inode());

        assertThat(rooms.on(rooms.root, new OpArgs.RemoveArgs("f")).status()).isEqualTo(NfsStatus.OK);

        rooms.orphans.reap(file.inode());
        assertThat(rooms.inode(file).links()).isZero();
        rooms.space.held.clear();
        rooms.orphans.reap(file.inode());
        assertThat(rooms.space.released).containsExactly(file.inode());
        assertThat(RealTree.complaints(rooms)).isEmpty();
    }

    @Test
    void after_a_restart_orphans_are_freed_once_nobody_reclaimed_them() {
        var how = new OpenHow.Guarded(Fattr.EMPTY);
        rooms.as(ALICE, rooms.root, FileRooms.open("o", ShareBits.BOTH, 0, how, new OpenClaim.ByName("f")));
        FileHandle file = rooms.at("f");
        rooms.on(rooms.root, new OpArgs.RemoveArgs("f"));

        FileRooms after = rooms.crash(2);

        assertThat(after.inode(file).links()).isZero();
        after.orphans.reapAll();
        assertThat(after.space.released).as("in grace").isEmpty();
        after.endGrace();
        after.orphans.reapAll();
        assertThat(after.space.released).containsExactly(file.inode());
        assertThat(RealTree.complaints(after)).isEmpty();
    }

    @Test
    void the_root_is_made_once_and_keeps_its_handle() {
        assertThat(rooms.crash(9).root).isEqualTo(rooms.root);
        assertThat(rooms.inode(rooms.root).rights()).isEqualTo(new Rights(0777, 0, 0));
    }

    @Test
    void secinfo_says_auth_sys_or_none_and_uses_up_the_filehandle() {
        rooms.create("d", new CreateObject.Directory());
        CompoundState state = rooms.state(ALICE, 1);
        state.setCurrentFile(rooms.root);

        List<OpResult> results = rooms.run(state, new OpArgs.SecinfoArgs("d"), new OpArgs.LookupArgs("d"));

        assertThat(results.getFirst())
                .isEqualTo(
                        new OpResult.SecinfoResult(List.of(new SecurityFlavor.Plain(1), new SecurityFlavor.Plain(0))));
        assertThat(results.getLast().status()).isEqualTo(NfsStatus.NOFILEHANDLE);
        assertThat(rooms.on(rooms.root, new OpArgs.SecinfoArgs("no")).status()).isEqualTo(NfsStatus.NOENT);
        assertThat(rooms.on(rooms.root, new OpArgs.SecinfoNoNameArgs(SecinfoStyle.CURRENT_FH))
                        .status())
                .isEqualTo(NfsStatus.OK);
        assertThat(rooms.on(rooms.root, new OpArgs.SecinfoNoNameArgs(SecinfoStyle.PARENT))
                        .status())
                .isEqualTo(NfsStatus.NOENT);
    }

    private static OpArgs fifo(String name) {
        return new OpArgs.CreateArgs(new CreateObject.Fifo(), name, Fattr.EMPTY);
    }

    private FileHandle make(
            RpcCredential who,
            FileHandle parent,
            String name,
            int mode,
            @org.jspecify.annotations.Nullable Integer gid) {
        var wanted = Attributes.builder().uint32(Attribute.MODE, mode);
        if (gid != null) {
            wanted.text(Attribute.OWNER_GROUP, gid.toString());
        }
        return made(
                who,
                parent,
                new OpArgs.CreateArgs(new CreateObject.Directory(), name, AttributeCodec.write(wanted.build())));
    }

    private FileHandle made(RpcCredential who, FileHandle parent, OpArgs creation) {
        CompoundState state = rooms.state(who, 1);
        state.setCurrentFile(parent);
        assertThat(rooms.run(state, creation).getFirst().status()).isEqualTo(NfsStatus.OK);
        return state.currentFile();
    }

    private FileHandle parent(FileHandle directory) {
        CompoundState state = rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(directory);
        rooms.run(state, new OpArgs.LookuppArgs());
        return state.currentFile();
    }

    private OpResult rename(RpcCredential who, FileHandle from, String oldName, FileHandle to, String newName) {
        return withSaved(who, from, to, new OpArgs.RenameArgs(oldName, newName));
    }

    private OpResult link(RpcCredential who, FileHandle file, FileHandle directory, String name) {
        return withSaved(who, file, directory, new OpArgs.LinkArgs(name));
    }

    private OpResult withSaved(RpcCredential who, FileHandle saved, FileHandle current, OpArgs operation) {
        CompoundState state = rooms.state(who, 1);
        state.setCurrentFile(saved);
        CompoundRunner.save(state);
        state.setCurrentFile(current);
        return rooms.run(state, operation).getFirst();
    }
}
