package pnfs.mds.attribute;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.MaskedMode;
import pnfs.wire.nfs4.AttributeValue.ModeUmask;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.SetAttrResult;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

class SetAttrTest {
    private static final RpcCredential OWNER = FileRooms.user(10, 20, 30);
    private static final RpcCredential MEMBER = FileRooms.user(11, 20);
    private static final RpcCredential OTHER = FileRooms.user(12, 99);

    private final FileRooms rooms = FileRooms.committing();
    private final FileHandle file = rooms.createFile(OWNER, "file", 0664);

    @Test
    void what_is_set_is_read_again_and_named_in_the_answer() {
        Fattr wanted = AttributeCodec.write(Attributes.builder()
                .uint32(Attribute.MODE, 01750)
                .text(Attribute.OWNER, "4294967294")
                .text(Attribute.OWNER_GROUP, "77")
                .time(Attribute.TIME_CREATE, new NfsTime(-1, 1))
                .setTime(Attribute.TIME_ACCESS_SET, SetTime.to(new NfsTime(5, 6)))
                .setTime(Attribute.TIME_MODIFY_SET, SetTime.TO_SERVER_TIME)
                .build());

        OpResult result = set(FileRooms.root(), wanted);

        assertThat(result).isEqualTo(new SetAttrResult(NfsStatus.OK, wanted.attributes()));
        Inode after = inode();
        assertThat(after.rights()).isEqualTo(new Rights(01750, -2, 77));
        assertThat(after.times().accessed()).isEqualTo(new NfsTime(5, 6));
        assertThat(after.times().modified()).isEqualTo(rooms.now());
        assertThat(after.times().changed()).isEqualTo(rooms.now());
        assertThat(after.times().created()).isEqualTo(new NfsTime(-1, 1));
    }

    @Test
    void every_change_moves_the_change_attribute_and_time_metadata_on() {
        Inode before = inode();

        set(OWNER, mode(0600));

        assertThat(inode().change()).isGreaterThan(before.change());
        assertThat(inode().times().changed()).isGreaterThan(before.times().changed());
    }

    @Test
    void setting_nothing_changes_nothing() {
        Inode before = inode();

        assertThat(set(OTHER, Fattr.EMPTY)).isEqualTo(new SetAttrResult(NfsStatus.OK, Bitmap.EMPTY));
        assertThat(inode()).isEqualTo(before);
    }

    @ParameterizedTest(name = "{0} sets {1}: {2}")
    @CsvSource({
        "OWNER, mode, OK",
        "MEMBER, mode, PERM",
        "OTHER, mode, PERM",
        "ROOT, mode, OK",
        "OWNER, owner, PERM",
        "ROOT, owner, OK",
        "OWNER, own-group, OK",
        "OWNER, foreign-group, PERM",
        "MEMBER, own-group, PERM",
        "ROOT, foreign-group, OK",
        "OWNER, time, OK",
        "MEMBER, time, PERM",
        "OTHER, time, PERM",
        "ROOT, time, OK",
        "OWNER, touch, OK",
        "MEMBER, touch, OK",
        "OTHER, touch, ACCESS",
        "ROOT, touch, OK",
        "OWNER, size, OK",
        "MEMBER, size, OK",
        "OTHER, size, ACCESS",
        "ROOT, size, OK",
    })
    void who_may_set_what(String who, String what, NfsStatus expected) {
        Inode before = inode();

        OpResult result = set(credential(who), wish(what));

        assertThat(result.status()).isEqualTo(expected);
        if (expected != NfsStatus.OK) {
            assertThat(result).isEqualTo(new SetAttrResult(expected, Bitmap.EMPTY));
            assertThat(inode()).isEqualTo(before);
        }
    }

    @Test
    void an_owner_without_write_permission_may_still_cut_the_file() {
        set(OWNER, mode(0400));

        assertThat(set(OWNER, size(0)).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_new_size_goes_to_the_space_and_touches_the_file() {
        set(OWNER, size(10_000));

        Inode after = inode();
        assertThat(after.size()).isEqualTo(10_000);
        assertThat(after.times().modified()).isEqualTo(rooms.now());
        assertThat(rooms.space.sizes).containsEntry(file.inode(), 10_000L);
    }

    @Test
    void a_size_under_a_layout_waits_and_leaves_the_rest_unset() {
        set(OWNER, size(10_000));
        rooms.space.held.add(file.inode());

        OpResult result = set(
                OWNER,
                AttributeCodec.write(Attributes.builder()
                        .size(5)
                        .uint32(Attribute.MODE, 0600)
                        .build()));

        assertThat(result).isEqualTo(new SetAttrResult(NfsStatus.DELAY, Bitmap.EMPTY));
        assertThat(inode().size()).isEqualTo(10_000);
        assertThat(inode().rights().mode()).isEqualTo(0664);
    }

    @Test
    void only_regular_files_have_a_size_to_set() {
        FileHandle directory = rooms.create("dir", new CreateObject.Directory());
        FileHandle link = rooms.create("link", new CreateObject.Symlink(Opaque.ofUtf8("x")));

        assertThat(setOn(directory, FileRooms.root(), size(0)).status()).isEqualTo(NfsStatus.ISDIR);
        assertThat(setOn(link, FileRooms.root(), size(0)).status()).isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void a_program_loses_its_privileges_when_it_changes_hands_or_size() {
        set(OWNER, mode(06775));

        set(OWNER, group("30"));

        assertThat(inode().rights().mode()).isEqualTo(0775);
        set(OWNER, mode(06775));
        set(MEMBER_OF_30, size(1));
        assertThat(inode().rights().mode()).isEqualTo(0775);
    }

    private static final RpcCredential MEMBER_OF_30 = FileRooms.user(13, 30);

    @Test
    void set_group_id_is_for_members_of_the_group() {
        set(FileRooms.root(), group("500"));

        set(OWNER, mode(02755));

        assertThat(inode().rights().mode()).isEqualTo(0755);
    }

    @Test
    void attributes_that_are_unknown_or_cannot_be_set_are_refused_each_with_its_status() {
        assertThat(set(OWNER, new Fattr(Bitmap.of(Attribute.ACL), Opaque.of(new byte[4])))
                        .status())
                .isEqualTo(NfsStatus.ATTRNOTSUPP);
        assertThat(set(OWNER, new Fattr(Bitmap.of(900), Opaque.of(new byte[4]))).status())
                .isEqualTo(NfsStatus.ATTRNOTSUPP);
        assertThat(set(OWNER, new Fattr(Bitmap.of(Attribute.CHANGE), Opaque.of(new byte[8])))
                        .status())
                .isEqualTo(NfsStatus.INVAL);
        assertThat(set(OWNER, new Fattr(Bitmap.of(Attribute.MODE), Opaque.of(new byte[8])))
                        .status())
                .isEqualTo(NfsStatus.BADXDR);
        assertThat(set(OWNER, mode(010000)).status()).isEqualTo(NfsStatus.INVAL);
        assertThat(set(OWNER, owner("root@example.org")).status()).isEqualTo(NfsStatus.BADOWNER);
        assertThat(set(OWNER, owner("+5")).status()).isEqualTo(NfsStatus.BADOWNER);
        assertThat(set(OWNER, owner("4294967296")).status()).isEqualTo(NfsStatus.BADOWNER);
        Fattr umask = AttributeCodec.write(
                Attributes.builder().modeUmask(new ModeUmask(0666, 022)).build());
        assertThat(set(OWNER, umask).status()).isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void a_masked_mode_changes_only_the_bits_of_its_mask() {
        set(OWNER, mode(0640));

        OpResult result = set(OWNER, masked(0111, 0133));

        assertThat(result.status()).isEqualTo(NfsStatus.OK);
        assertThat(inode().rights().mode()).isEqualTo(0751);
        assertThat(set(OTHER, masked(0, 0777)).status()).isEqualTo(NfsStatus.PERM);
        assertThat(set(OWNER, masked(0, 010000)).status()).isEqualTo(NfsStatus.INVAL);
        Fattr both = AttributeCodec.write(Attributes.builder()
                .uint32(Attribute.MODE, 0600)
                .maskedMode(new MaskedMode(0, 1))
                .build());
        assertThat(set(OWNER, both).status()).isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void known_owners_have_names_and_unknown_ones_numbers() {
        assertThat(set(FileRooms.root(), owner("alice@example.org")).status()).isEqualTo(NfsStatus.OK);
        assertThat(set(FileRooms.root(), group("51")).status()).isEqualTo(NfsStatus.OK);

        Bitmap owners = Bitmap.of(Attribute.OWNER, Attribute.OWNER_GROUP);
        var read = (OpResult.GetAttrResult) rooms.on(file, new OpArgs.GetAttrArgs(owners));

        assertThat(inode().rights().uid()).isEqualTo(1000);
        assertThat(AttributeCodec.read(read.attributes()).text(Attribute.OWNER)).isEqualTo("alice@example.org");
        assertThat(AttributeCodec.read(read.attributes()).text(Attribute.OWNER_GROUP))
                .isEqualTo("51");
        assertThat(set(FileRooms.root(), owner("alice@elsewhere.org")).status()).isEqualTo(NfsStatus.BADOWNER);
        assertThat(set(FileRooms.root(), owner("staff@example.org")).status()).isEqualTo(NfsStatus.BADOWNER);
        assertThat(set(FileRooms.root(), group("staff@example.org")).status()).isEqualTo(NfsStatus.OK);
        assertThat(inode().rights().gid()).isEqualTo(50);
    }

    @Test
    void verify_and_nverify_compare_values() {
        Fattr size = rooms.attributes.read(
                inode(), Bitmap.of(Attribute.SIZE, Attribute.OWNER), rooms.state(FileRooms.root(), 1));
        Fattr other = size(5);

        assertThat(rooms.on(file, new OpArgs.VerifyArgs(size)).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.on(file, new OpArgs.VerifyArgs(other)).status()).isEqualTo(NfsStatus.NOT_SAME);
        assertThat(rooms.on(file, new OpArgs.NverifyArgs(size)).status()).isEqualTo(NfsStatus.SAME);
        assertThat(rooms.on(file, new OpArgs.NverifyArgs(other)).status()).isEqualTo(NfsStatus.OK);
        var error = new Fattr(Bitmap.of(Attribute.RDATTR_ERROR), Opaque.of(new byte[4]));
        assertThat(rooms.on(file, new OpArgs.VerifyArgs(error)).status()).isEqualTo(NfsStatus.INVAL);
        var acl = new Fattr(Bitmap.of(Attribute.ACL), Opaque.of(new byte[4]));
        assertThat(rooms.on(file, new OpArgs.VerifyArgs(acl)).status()).isEqualTo(NfsStatus.ATTRNOTSUPP);
    }

    @Test
    void access_tells_what_the_kind_of_file_has_and_the_mode_gives() {
        FileHandle directory = rooms.create("dir", new CreateObject.Directory());
        int all = 0x3f;

        assertThat(rooms.as(OTHER, file, new OpArgs.AccessArgs(all)))
                .isEqualTo(new OpResult.AccessResult(
                        AccessBits.READ | AccessBits.MODIFY | AccessBits.EXTEND | AccessBits.EXECUTE, AccessBits.READ));
        assertThat(rooms.as(OTHER, directory, new OpArgs.AccessArgs(all)))
                .isEqualTo(new OpResult.AccessResult(all & ~AccessBits.EXECUTE, AccessBits.READ | AccessBits.LOOKUP));
        assertThat(rooms.as(OTHER, file, new OpArgs.AccessArgs(0x200)).status()).isEqualTo(NfsStatus.INVAL);
    }

    private OpResult set(RpcCredential who, Fattr wanted) {
        return setOn(file, who, wanted);
    }

    private OpResult setOn(FileHandle target, RpcCredential who, Fattr wanted) {
        CompoundState state = rooms.state(who, 1);
        state.setCurrentFile(target);
        return rooms.run(state, new OpArgs.SetAttrArgs(Stateid.ANONYMOUS, wanted))
                .getFirst();
    }

    private Inode inode() {
        return rooms.inode(file);
    }

    private static RpcCredential credential(String who) {
        return switch (who) {
            case "OWNER" -> OWNER;
            case "MEMBER" -> MEMBER;
            case "OTHER" -> OTHER;
            case "ROOT" -> FileRooms.root();
            default -> throw new IllegalArgumentException(who);
        };
    }

    private static Fattr wish(String what) {
        return switch (what) {
            case "mode" -> mode(0600);
            case "owner" -> owner("11");
            case "own-group" -> group("30");
            case "foreign-group" -> group("31");
            case "size" -> size(5);
            case "time" ->
                AttributeCodec.write(Attributes.builder()
                        .setTime(Attribute.TIME_MODIFY_SET, SetTime.to(new NfsTime(1, 1)))
                        .build());
            case "touch" ->
                AttributeCodec.write(Attributes.builder()
                        .setTime(Attribute.TIME_MODIFY_SET, SetTime.TO_SERVER_TIME)
                        .build());
            default -> throw new IllegalArgumentException(what);
        };
    }

    private static Fattr mode(int mode) {
        return AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
    }

    private static Fattr masked(int value, int mask) {
        return AttributeCodec.write(
                Attributes.builder().maskedMode(new MaskedMode(value, mask)).build());
    }

    private static Fattr owner(String owner) {
        return AttributeCodec.write(
                Attributes.builder().text(Attribute.OWNER, owner).build());
    }

    private static Fattr group(String group) {
        return AttributeCodec.write(
                Attributes.builder().text(Attribute.OWNER_GROUP, group).build());
    }

    private static Fattr size(long size) {
        return AttributeCodec.write(Attributes.builder().size(size).build());
    }
}
