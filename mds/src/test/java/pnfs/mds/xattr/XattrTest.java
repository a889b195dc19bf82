package pnfs.mds.xattr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.AccessResult;
import pnfs.wire.nfs4.OpResult.GetXattrResult;
import pnfs.wire.nfs4.OpResult.ListXattrsResult;
import pnfs.wire.nfs4.OpResult.RemoveXattrResult;
import pnfs.wire.nfs4.OpResult.SetXattrResult;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

class XattrTest {
    private static final RpcCredential OWNER = FileRooms.user(10, 20);
    private static final RpcCredential READER = FileRooms.user(11, 99);
    private static final int ALL_BITS = AccessBits.XATTR_READ | AccessBits.XATTR_WRITE | AccessBits.XATTR_LIST;

    private final FileRooms rooms = FileRooms.committing();
    private final FileHandle file = rooms.createFile(OWNER, "file", 0644);

    @Test
    void what_is_set_is_got_listed_and_removed_as_it_was_sent() {
        assertThat(list(0, 8192)).isEqualTo(new ListXattrsResult(0, List.of(), true));

        assertThat(set(SetXattrMode.EITHER, "user.attr1", "one").status()).isEqualTo(NfsStatus.OK);
        assertThat(set(SetXattrMode.EITHER, "é", "").status()).isEqualTo(NfsStatus.OK);

        assertThat(get("user.attr1")).isEqualTo(new GetXattrResult(Opaque.ofUtf8("one")));
        assertThat(get("é")).isEqualTo(new GetXattrResult(Opaque.ofUtf8("")));
        assertThat(list(0, 8192)).isEqualTo(new ListXattrsResult(2, List.of("user.attr1", "é"), true));
        assertThat(rooms.on(file, new RemoveXattrArgs("user.attr1")).status()).isEqualTo(NfsStatus.OK);
        assertThat(get("user.attr1").status()).isEqualTo(NfsStatus.NOXATTR);
        assertThat(rooms.on(file, new RemoveXattrArgs("user.attr1")).status()).isEqualTo(NfsStatus.NOXATTR);
        assertThat(list(0, 8192)).isEqualTo(new ListXattrsResult(2, List.of("é"), true));
    }

    @Test
    void creating_wants_it_absent_and_replacing_present() {
        assertThat(set(SetXattrMode.REPLACE, "a", "1").status()).isEqualTo(NfsStatus.NOXATTR);
        assertThat(set(SetXattrMode.CREATE, "a", "1").status()).isEqualTo(NfsStatus.OK);
        assertThat(set(SetXattrMode.CREATE, "a", "2").status()).isEqualTo(NfsStatus.EXIST);
        assertThat(get("a")).isEqualTo(new GetXattrResult(Opaque.ofUtf8("1")));
        assertThat(set(SetXattrMode.REPLACE, "a", "3").status()).isEqualTo(NfsStatus.OK);
        assertThat(get("a")).isEqualTo(new GetXattrResult(Opaque.ofUtf8("3")));
    }

    @Test
    void each_change_moves_the_change_attribute_and_says_from_where_to_where() {
        long before = rooms.inode(file).change();

        var set = (SetXattrResult) set(SetXattrMode.EITHER, "a", "1");

        assertThat(set.file().before()).isEqualTo(before);
        assertThat(set.file().after()).isEqualTo(rooms.inode(file).change()).isGreaterThan(before);
        assertThat(rooms.inode(file).times().changed()).isEqualTo(rooms.now());
        var removed = (RemoveXattrResult) rooms.on(file, new RemoveXattrArgs("a"));
        assertThat(removed.file().before()).isEqualTo(set.file().after());
        assertThat(removed.file().after()).isEqualTo(rooms.inode(file).change());
        get("a");
        list(0, 100);
        assertThat(rooms.inode(file).change()).isEqualTo(removed.file().after());
    }

    @Test
    void readers_read_and_writers_write() {
        set(SetXattrMode.EITHER, "a", "1");

        assertThat(rooms.as(READER, file, new GetXattrArgs("a")).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.as(READER, file, new ListXattrsArgs(0, 100)).status()).isEqualTo(NfsStatus.OK);
        assertThat(rooms.as(READER, file, new SetXattrArgs(SetXattrMode.EITHER, "a", Opaque.EMPTY))
                        .status())
                .isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(READER, file, new RemoveXattrArgs("a")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(READER, file, new OpArgs.AccessArgs(ALL_BITS)))
                .isEqualTo(new AccessResult(ALL_BITS, AccessBits.XATTR_READ | AccessBits.XATTR_LIST));
        assertThat(rooms.as(OWNER, file, new OpArgs.AccessArgs(ALL_BITS)))
                .isEqualTo(new AccessResult(ALL_BITS, ALL_BITS));
        FileHandle secret = rooms.createFile(OWNER, "secret", 0600);
        assertThat(rooms.as(READER, secret, new GetXattrArgs("a")).status()).isEqualTo(NfsStatus.ACCESS);
        assertThat(rooms.as(READER, secret, new ListXattrsArgs(0, 100)).status())
                .isEqualTo(NfsStatus.ACCESS);
    }

    @Test
    void directories_have_them_and_other_kinds_do_not() {
        FileHandle directory = rooms.create("dir", new CreateObject.Directory());
        FileHandle pipe = rooms.create("pipe", new CreateObject.Fifo());

        assertThat(rooms.on(directory, new SetXattrArgs(SetXattrMode.EITHER, "a", Opaque.ofUtf8("1")))
                        .status())
                .isEqualTo(NfsStatus.OK);
        assertThat(rooms.on(directory, new GetXattrArgs("a"))).isEqualTo(new GetXattrResult(Opaque.ofUtf8("1")));
        assertThat(rooms.on(pipe, new GetXattrArgs("a")).status()).isEqualTo(NfsStatus.WRONG_TYPE);
        assertThat(rooms.on(pipe, new OpArgs.AccessArgs(ALL_BITS))).isEqualTo(new AccessResult(0, 0));
    }

    @Test
    void a_file_has_so_many_and_no_more() {
        Opaque big = Opaque.of(new byte[64 << 10]);
        for (int i = 0; i < 15; i++) {
            assertThat(rooms.on(file, new SetXattrArgs(SetXattrMode.EITHER, "big" + i, big))
                            .status())
                    .isEqualTo(NfsStatus.OK);
        }

        assertThat(rooms.on(file, new SetXattrArgs(SetXattrMode.EITHER, "more", big))
                        .status())
                .isEqualTo(NfsStatus.NOSPC);

        FileHandle other = rooms.createFile(OWNER, "other", 0644);
        String name = "x".repeat(251);
        int made = 0;
        while (rooms.on(other, new SetXattrArgs(SetXattrMode.EITHER, name + String.format("%04d", made), Opaque.EMPTY))
                        .status()
                == NfsStatus.OK) {
            made++;
        }
        assertThat(made).isEqualTo(256);
    }

    @Test
    void they_go_with_their_file() {
        set(SetXattrMode.EITHER, "a", "1");
        set(SetXattrMode.EITHER, "b", "2");

        rooms.on(rooms.root, new OpArgs.RemoveArgs("file"));

        var left = new ArrayList<byte[]>();
        rooms.store.scan(Keys.XATTR.first(), Keys.XATTR.end(), (key, _) -> left.add(key));
        assertThat(left).isEmpty();
        assertThat(get("a").status()).isEqualTo(NfsStatus.STALE);
    }

    @Test
    void I5_what_was_durable_survives_and_the_rest_is_gone_whole() {
        var engine = new MemoryEngine();
        var before = new FileRooms(engine, 1);
        FileHandle kept = before.createFile(OWNER, "file", 0644);
        before.on(kept, new SetXattrArgs(SetXattrMode.EITHER, "a", Opaque.ofUtf8("1")));
        engine.commitAll();
        long change = before.inode(kept).change();
        before.on(kept, new SetXattrArgs(SetXattrMode.EITHER, "b", Opaque.ofUtf8("2")));

        FileRooms after = before.crash(2);
        after.endGrace();

        assertThat(after.on(kept, new GetXattrArgs("a"))).isEqualTo(new GetXattrResult(Opaque.ofUtf8("1")));
        assertThat(((ListXattrsResult) after.on(kept, new ListXattrsArgs(0, 100))).names())
                .containsExactly("a");
        assertThat(after.inode(kept).change()).isEqualTo(change);
    }

    @Test
    void a_cookie_that_was_never_given_and_a_page_without_room_are_refused() {
        set(SetXattrMode.EITHER, "name", "1");

        assertThat(list(2, 100).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(-1, 100).status()).isEqualTo(NfsStatus.BAD_COOKIE);
        assertThat(list(0, 23).status()).isEqualTo(NfsStatus.TOOSMALL);
        assertThat(list(0, 24).status()).isEqualTo(NfsStatus.OK);
        assertThat(list(1, 15).status()).isEqualTo(NfsStatus.TOOSMALL);
        assertThat(list(1, 16)).isEqualTo(new ListXattrsResult(1, List.of(), true));
    }

    /// The model is a map that keeps the order in which names were made.
    @Seeds(60)
    void pages_name_each_attribute_that_stays_exactly_once_while_others_come_and_go(RandomGenerator random) {
        Map<String, String> model = new LinkedHashMap<>();
        var listed = new ArrayList<String>();
        var stayed = new ArrayList<String>();
        for (int i = 0; i < 20; i++) {
            change(random, model);
        }
        stayed.addAll(model.keySet());
        long cookie = 0;
        boolean eof = false;
        while (!eof) {
            var page = (ListXattrsResult) list(cookie, 40 + random.nextInt(60));
            listed.addAll(page.names());
            cookie = page.cookie();
            eof = page.eof();
            for (int i = random.nextInt(4); i > 0; i--) {
                change(random, model).ifPresent(stayed::remove);
            }
        }

        assertThat(listed).doesNotHaveDuplicates().containsAll(stayed);
        assertThat(((ListXattrsResult) list(0, 1 << 20)).names()).containsExactlyElementsOf(model.keySet());
        model.forEach((name, value) -> assertThat(get(name)).isEqualTo(new GetXattrResult(Opaque.ofUtf8(value))));
    }

    /// Returns a name that went.
    private Optional<String> change(RandomGenerator random, Map<String, String> model) {
        String name = "name".repeat(random.nextInt(1, 4)) + random.nextInt(12);
        String value = "v".repeat(random.nextInt(5));
        boolean there = model.containsKey(name);
        SetXattrMode mode = List.of(SetXattrMode.values()).get(random.nextInt(3));
        if (random.nextInt(3) == 0) {
            assertThat(rooms.on(file, new RemoveXattrArgs(name)).status())
                    .isEqualTo(there ? NfsStatus.OK : NfsStatus.NOXATTR);
            model.remove(name);
            return Optional.of(name);
        }
        NfsStatus expected = mode == SetXattrMode.CREATE && there
                ? NfsStatus.EXIST
                : mode == SetXattrMode.REPLACE && !there ? NfsStatus.NOXATTR : NfsStatus.OK;
        assertThat(set(mode, name, value).status()).isEqualTo(expected);
        if (expected == NfsStatus.OK) {
            model.put(name, value);
        }
        return Optional.empty();
    }

    @Test
    void damaged_records_are_told_from_sound_ones() {
        byte[] sound = XattrRecords.writeIndex(XattrIndex.EMPTY.with("ab", 2, 7).with("c", 1, 0));
        assertThat(XattrRecords.readIndex(1, sound))
                .isEqualTo(XattrIndex.EMPTY.with("ab", 2, 7).with("c", 1, 0));

        for (int length = 0; length < sound.length; length++) {
            byte[] cut = Arrays.copyOf(sound, length);
            if (length != 9 && length != 9 + 15) { // there an item ends
                assertThatThrownBy(() -> XattrRecords.readIndex(1, cut)).isInstanceOf(CorruptStoreException.class);
            }
        }
        assertThatThrownBy(() -> XattrRecords.readValue(1, "a", new byte[] {2}))
                .isInstanceOf(CorruptStoreException.class);
        assertThatThrownBy(() -> XattrRecords.readValue(1, "a", new byte[0])).isInstanceOf(CorruptStoreException.class);
    }

    private OpResult set(SetXattrMode mode, String name, String value) {
        return rooms.on(file, new SetXattrArgs(mode, name, Opaque.ofUtf8(value)));
    }

    private OpResult get(String name) {
        return rooms.on(file, new GetXattrArgs(name));
    }

    private OpResult list(long cookie, int maxBytes) {
        return rooms.on(file, new ListXattrsArgs(cookie, maxBytes));
    }
}
