package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.MODE_755;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AccessArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.NverifyArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.VerifyArgs;
import pnfs.wire.nfs4.OpResult.AccessResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.SetAttrResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// GETATTR, SETATTR, NVERIFY and ACCESS: RFC 8881 §5, §18.1, §18.7, §18.15, §18.30.
@ExtendWith(SuiteServer.class)
class AttributeTest {
    private static final Bitmap TIMES =
            Bitmap.of(Attribute.TIME_ACCESS, Attribute.TIME_MODIFY, Attribute.TIME_METADATA, Attribute.CHANGE);

    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opened file;

    AttributeTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private static Fattr mode(int mode) {
        return AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
    }

    private static Fattr size(long size) {
        return AttributeCodec.write(Attributes.builder().size(size).build());
    }

    private static OpArgs set(Fattr attributes) {
        return new SetAttrArgs(Stateid.ANONYMOUS, attributes);
    }

    private NfsStatus statusOf(OpArgs operation) {
        return session.run(at(file.file(), operation)).getLast().status();
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void all_that_is_supported_is_told_of_every_kind_and_nothing_else(FileType type) {
        Opaque object = tree.object("object", type);
        Bitmap supported =
                tree.attributes(object, Bitmap.of(Attribute.SUPPORTED_ATTRS)).bitmap(Attribute.SUPPORTED_ATTRS);
        Bitmap writeOnly = Bitmap.of(Attribute.TIME_ACCESS_SET, Attribute.TIME_MODIFY_SET, Attribute.MODE_SET_MASKED);
        Bitmap readable = supported.minus(writeOnly).minus(Bitmap.of(Attribute.RDATTR_ERROR));

        Attributes told = tree.attributes(object, readable.or(Bitmap.of(Attribute.ACL, Attribute.SEC_LABEL)));

        assertThat(readable.minus(told.present())).isEqualTo(Bitmap.EMPTY);
        assertThat(told.present().minus(readable)).isEqualTo(Bitmap.EMPTY);
        assertThat(told.type()).isEqualTo(type);
    }

    @Test
    void what_is_written_only_is_not_read() {
        for (Attribute attribute : new Attribute[] {Attribute.TIME_ACCESS_SET, Attribute.TIME_MODIFY_SET}) {
            session.expect(NfsStatus.INVAL, at(file.file(), new GetAttrArgs(Bitmap.of(attribute))));
            session.expect(NfsStatus.INVAL, tree.here(new ReadDirArgs(0, 0, 4096, 4096, Bitmap.of(attribute))));
        }
        session.ok(at(file.file(), new GetAttrArgs(Bitmap.EMPTY)));
        session.ok(at(file.file(), new GetAttrArgs(Bitmap.of(500))));
        session.expect(NfsStatus.NOFILEHANDLE, new GetAttrArgs(Bitmap.of(Attribute.SIZE)));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYMLINK", "ATTRIBUTE_DIRECTORY", "NAMED_ATTRIBUTE"})
    void a_mode_can_be_set_on_every_kind(FileType type) {
        Opaque object = tree.object("object", type);

        SetAttrResult done = Session.find(SetAttrResult.class, session.ok(at(object, set(mode(0600)))));

        assertThat(done.attributesSet()).isEqualTo(Bitmap.of(Attribute.MODE));
        assertThat(tree.attributes(object, Bitmap.of(Attribute.MODE)).uint32(Attribute.MODE))
                .isEqualTo(0600);
    }

    @Test
    void what_cannot_be_set_is_refused_and_nothing_is_set() {
        Fattr linkCount = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.NUMLINKS, 3).build());
        Fattr acl = AttributeCodec.write(
                Attributes.builder().bool(Attribute.HIDDEN, true).build());
        Fattr nobody = AttributeCodec.write(Attributes.builder()
                .text(Attribute.OWNER, "no such user@nowhere")
                .build());
        var longer = new Fattr(Bitmap.of(Attribute.MODE), Opaque.of(new byte[8]));
        var shorter = new Fattr(Bitmap.of(Attribute.MODE), Opaque.of(new byte[0]));

        assertThat(statusOf(set(linkCount))).isEqualTo(NfsStatus.INVAL);
        assertThat(statusOf(set(acl))).isEqualTo(NfsStatus.ATTRNOTSUPP);
        assertThat(statusOf(set(nobody))).isEqualTo(NfsStatus.BADOWNER);
        assertThat(statusOf(set(mode(0x10000)))).isEqualTo(NfsStatus.INVAL);
        assertThat(statusOf(set(longer))).isEqualTo(NfsStatus.BADXDR);
        assertThat(statusOf(set(shorter))).isEqualTo(NfsStatus.BADXDR);
        for (Fattr refused : new Fattr[] {linkCount, acl, nobody}) {
            NfsStatus expected = statusOf(set(refused));
            session.expect(expected, tree.here(new CreateArgs(new CreateObject.Fifo(), "new", refused)));
            session.expect(
                    expected, tree.here(openArgs("new", "owner", ShareBits.WRITE, new OpenHow.Guarded(refused))));
        }
        assertThat(tree.attributes(file.file(), Bitmap.of(Attribute.MODE)).uint32(Attribute.MODE))
                .isEqualTo(0644);
    }

    @Test
    void a_size_is_set_by_who_may_write() {
        Opened reading = tree.open("file", "reader", ShareBits.READ);
        tree.write(file.file(), file.stateid(), 0, "data");

        session.ok(at(file.file(), new SetAttrArgs(file.stateid(), size(2))));
        session.ok(at(file.file(), new SetAttrArgs(Stateid.ANONYMOUS, size(8))));
        assertThat(tree.read(file.file(), file.stateid())).isEqualTo("da\0\0\0\0\0\0");
        session.expect(NfsStatus.OPENMODE, at(reading.file(), new SetAttrArgs(reading.stateid(), size(1))));
        session.expect(
                NfsStatus.BAD_STATEID,
                at(file.file(), new SetAttrArgs(file.stateid().next(), size(1))));
        session.expect(NfsStatus.BAD_STATEID, at(file.file(), new SetAttrArgs(Stateid.INVALID, size(1))));
        assertThat(statusOf(set(size(Long.MAX_VALUE)))).isIn(NfsStatus.FBIG, NfsStatus.INVAL);
    }

    @Test
    void times_are_those_of_the_client_or_the_servers_own() {
        var past = new NfsTime(1_000_000, 5);
        Attributes before = tree.attributes(file.file(), TIMES);

        session.ok(at(
                file.file(),
                set(AttributeCodec.write(Attributes.builder()
                        .setTime(Attribute.TIME_ACCESS_SET, new SetTime(Optional.of(past)))
                        .setTime(Attribute.TIME_MODIFY_SET, SetTime.TO_SERVER_TIME)
                        .build()))));

        Attributes after = tree.attributes(file.file(), TIMES);
        assertThat(after.time(Attribute.TIME_ACCESS)).isEqualTo(past);
        assertThat(after.time(Attribute.TIME_MODIFY).seconds()).isGreaterThan(past.seconds());
        assertThat(after.uint64(Attribute.CHANGE)).isGreaterThan(before.uint64(Attribute.CHANGE));
    }

    @Test
    void nverify_goes_on_where_something_differs() {
        Fattr same = size(0);
        session.expect(NfsStatus.SAME, at(file.file(), new NverifyArgs(same)));
        session.ok(at(file.file(), new NverifyArgs(size(17))));
        session.expect(NfsStatus.NOT_SAME, at(file.file(), new VerifyArgs(size(17))));
        session.expect(NfsStatus.NOFILEHANDLE, new NverifyArgs(same));
        Fattr writeOnly = AttributeCodec.write(Attributes.builder()
                .setTime(Attribute.TIME_MODIFY_SET, SetTime.TO_SERVER_TIME)
                .build());
        Fattr unknown = AttributeCodec.write(
                Attributes.builder().bool(Attribute.HIDDEN, true).build());
        for (OpArgs operation : new OpArgs[] {new NverifyArgs(writeOnly), new VerifyArgs(writeOnly)}) {
            session.expect(NfsStatus.INVAL, at(file.file(), operation));
        }
        for (OpArgs operation : new OpArgs[] {new NverifyArgs(unknown), new VerifyArgs(unknown)}) {
            session.expect(NfsStatus.ATTRNOTSUPP, at(file.file(), operation));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void access_tells_what_may_be_done_with_what_there_is(boolean ofDirectory) {
        int all = AccessBits.READ
                | AccessBits.LOOKUP
                | AccessBits.MODIFY
                | AccessBits.EXTEND
                | AccessBits.DELETE
                | AccessBits.EXECUTE;
        Opaque object = ofDirectory ? tree.handle : file.file();

        for (int wanted = 0; wanted <= all; wanted++) {
            AccessResult told = Session.find(AccessResult.class, session.ok(at(object, new AccessArgs(wanted))));
            assertThat(told.supported() & ~wanted).as("supported of %s", wanted).isZero();
            assertThat(told.access() & ~told.supported())
                    .as("access of %s", wanted)
                    .isZero();
        }
        session.expect(NfsStatus.NOFILEHANDLE, new AccessArgs(all));
        session.expect(NfsStatus.INVAL, at(object, new AccessArgs(0x8000)));
    }

    @Test
    void who_does_not_own_a_file_may_not_change_what_it_is() {
        Session stranger =
                Owner.exchange(suite.connect(), suite.name(), 1, Suite.OTHER).createSession();
        stranger.ok(new OpArgs.ReclaimCompleteArgs(false));

        stranger.expect(NfsStatus.PERM, at(file.file(), set(mode(0777))));
        stranger.expect(NfsStatus.ACCESS, at(file.file(), set(size(0))));
        stranger.expect(NfsStatus.ACCESS, tree.here(new CreateArgs(new CreateObject.Fifo(), "new", MODE_755)));
        stranger.expect(
                NfsStatus.ACCESS, tree.here(openArgs("file", "owner", ShareBits.WRITE, new OpenHow.NoCreate())));
        stranger.expect(
                NfsStatus.ACCESS, tree.here(openArgs("new", "owner", ShareBits.READ, new OpenHow.Guarded(MODE_644))));
        stranger.expect(NfsStatus.ACCESS, tree.here(new OpArgs.RemoveArgs("file")));
        stranger.ok(tree.here(openArgs("file", "owner", ShareBits.READ, new OpenHow.NoCreate())));
    }

    @Test
    void sizes_and_counts_of_the_file_system_hang_together() {
        Attributes told = tree.attributes(
                tree.handle,
                Bitmap.of(
                        Attribute.SPACE_TOTAL,
                        Attribute.SPACE_FREE,
                        Attribute.SPACE_AVAIL,
                        Attribute.FILES_TOTAL,
                        Attribute.FILES_FREE,
                        Attribute.FILES_AVAIL,
                        Attribute.LEASE_TIME,
                        Attribute.MAXREAD,
                        Attribute.MAXWRITE,
                        Attribute.MAXNAME,
                        Attribute.FH_EXPIRE_TYPE));

        assertThat(told.uint64(Attribute.SPACE_FREE)).isBetween(1L, told.uint64(Attribute.SPACE_TOTAL));
        assertThat(told.uint64(Attribute.SPACE_AVAIL)).isBetween(1L, told.uint64(Attribute.SPACE_FREE));
        assertThat(told.uint64(Attribute.FILES_FREE)).isBetween(1L, told.uint64(Attribute.FILES_TOTAL));
        assertThat(told.uint32(Attribute.LEASE_TIME)).isEqualTo(SuiteServer.LEASE_SECONDS);
        assertThat(told.uint32(Attribute.MAXNAME)).isEqualTo(255);
        assertThat(told.uint64(Attribute.MAXREAD)).isGreaterThanOrEqualTo(1 << 20);
        assertThat(told.uint64(Attribute.MAXWRITE)).isGreaterThanOrEqualTo(1 << 20);
        assertThat(Session.find(GetAttrResult.class, session.ok(tree.here(new GetAttrArgs(Bitmap.EMPTY))))
                        .attributes())
                .isEqualTo(Fattr.EMPTY);
    }
}
