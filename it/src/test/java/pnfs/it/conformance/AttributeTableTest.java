package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.NverifyArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.VerifyArgs;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// Each attribute that there is: read where it is supported, set where it may be, refused for the right reason
/// otherwise. RFC 8881 §5.5 to §5.8, §18.7, §18.30.
@ExtendWith(SuiteServer.class)
class AttributeTableTest {
    private static final Bitmap SUPPORTED = Bitmap.of(Attribute.SUPPORTED_ATTRS);

    private final Session session;
    private final Tree tree;
    private final Opaque file;
    private final Bitmap supported;

    AttributeTableTest(Suite suite) {
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
        file = tree.create("file").file();
        supported = tree.attributes(file, SUPPORTED).bitmap(Attribute.SUPPORTED_ATTRS);
    }

    private Fattr read(Bitmap wanted) {
        return Session.find(GetAttrResult.class, session.ok(at(file, new GetAttrArgs(wanted))))
                .attributes();
    }

    private NfsStatus statusOf(OpArgs operation) {
        return session.run(at(file, operation)).getLast().status();
    }

    @ParameterizedTest
    @EnumSource
    void one_alone_is_read_as_it_is_among_others_or_left_out(Attribute attribute) {
        if (!attribute.isReadable()) {
            assertThat(statusOf(new GetAttrArgs(Bitmap.of(attribute))))
                    .isEqualTo(supported.has(attribute) ? NfsStatus.INVAL : NfsStatus.OK);
            return;
        }
        Fattr alone = read(Bitmap.of(attribute));

        assertThat(alone.attributes().has(attribute)).isEqualTo(supported.has(attribute));
        if (supported.has(attribute)) {
            assertThat(statusOf(new VerifyArgs(alone)))
                    .isEqualTo(attribute == Attribute.RDATTR_ERROR ? NfsStatus.INVAL : NfsStatus.OK);
            assertThat(statusOf(new NverifyArgs(alone)))
                    .isEqualTo(attribute == Attribute.RDATTR_ERROR ? NfsStatus.INVAL : NfsStatus.SAME);
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_is_only_read_is_not_set_and_what_is_not_supported_is_neither(Attribute attribute) {
        if (!supported.has(attribute)) {
            var value = new Fattr(Bitmap.of(attribute), Opaque.of(new byte[4]));
            for (OpArgs operation :
                    List.of(new SetAttrArgs(Stateid.ANONYMOUS, value), new VerifyArgs(value), new NverifyArgs(value))) {
                assertThat(statusOf(operation)).as(operation.toString()).isEqualTo(NfsStatus.ATTRNOTSUPP);
            }
            return;
        }
        if (!attribute.isWritable()) {
            Fattr value = attribute == Attribute.RDATTR_ERROR
                    ? new Fattr(Bitmap.of(attribute), Opaque.of(new byte[4]))
                    : read(Bitmap.of(attribute));
            assertThat(statusOf(new SetAttrArgs(Stateid.ANONYMOUS, value))).isEqualTo(NfsStatus.INVAL);
            session.expect(NfsStatus.INVAL, tree.here(new CreateArgs(new CreateObject.Directory(), "new", value)));
            session.expect(
                    NfsStatus.INVAL, tree.here(openArgs("new", "owner", ShareBits.BOTH, new OpenHow.Unchecked(value))));
        }
    }

    /// The bits of the words above the last that anybody has numbered.
    @Test
    void numbers_that_nobody_gave_are_left_out_when_read_and_not_supported_when_set() {
        for (int number : new int[] {93, 127, 500}) {
            assertThat(read(Bitmap.of(number)).attributes().isEmpty()).isTrue();
            assertThat(statusOf(
                            new SetAttrArgs(Stateid.ANONYMOUS, new Fattr(Bitmap.of(number), Opaque.of(new byte[4])))))
                    .isEqualTo(NfsStatus.ATTRNOTSUPP);
        }
    }

    @Test
    void a_listing_tells_of_each_entry_what_getattr_tells() {
        var wanted = new ArrayList<Attribute>();
        for (Attribute attribute : Attribute.values()) {
            if (supported.has(attribute) && attribute.isReadable() && attribute != Attribute.RDATTR_ERROR) {
                wanted.add(attribute);
            }
        }
        // Space and counts of the file system move while other tests run.
        wanted.removeAll(
                List.of(Attribute.SPACE_AVAIL, Attribute.SPACE_FREE, Attribute.FILES_AVAIL, Attribute.FILES_FREE));

        var listed = Session.find(
                        ReadDirResult.class,
                        session.ok(tree.here(new ReadDirArgs(0, 0, 8000, 8000, Bitmap.of(wanted)))))
                .entries();

        assertThat(listed)
                .singleElement()
                .satisfies(entry -> assertThat(entry.attributes()).isEqualTo(read(Bitmap.of(wanted))));
    }

    @ParameterizedTest
    @ValueSource(ints = {1_000_000_000, Integer.MAX_VALUE, -1})
    void a_time_has_fewer_nanoseconds_than_a_second(int nanoseconds) {
        for (Attribute attribute : new Attribute[] {Attribute.TIME_ACCESS_SET, Attribute.TIME_MODIFY_SET}) {
            var out = new XdrWriter();
            out.writeUint32(1);
            out.writeUint64(0);
            out.writeUint32(nanoseconds);

            assertThat(statusOf(new SetAttrArgs(
                            Stateid.ANONYMOUS, new Fattr(Bitmap.of(attribute), Opaque.of(out.toByteArray())))))
                    .isEqualTo(NfsStatus.INVAL);
        }
    }

    @Test
    void a_time_before_1970_and_one_far_away_are_kept() {
        for (NfsTime time : new NfsTime[] {new NfsTime(-1, 999_999_999), new NfsTime(1L << 33, 1)}) {
            session.ok(at(
                    file,
                    new SetAttrArgs(
                            Stateid.ANONYMOUS,
                            AttributeCodec.write(Attributes.builder()
                                    .setTime(Attribute.TIME_ACCESS_SET, new SetTime(Optional.of(time)))
                                    .setTime(Attribute.TIME_MODIFY_SET, new SetTime(Optional.of(time)))
                                    .build()))));

            Attributes told = tree.attributes(file, Bitmap.of(Attribute.TIME_ACCESS, Attribute.TIME_MODIFY));
            assertThat(told.time(Attribute.TIME_ACCESS)).isEqualTo(time);
            assertThat(told.time(Attribute.TIME_MODIFY)).isEqualTo(time);
        }
    }

    @Test
    void an_owner_is_a_number_or_one_of_a_domain_that_is_known() {
        for (String good : new String[] {"0", "1111", "4294967294"}) {
            session.ok(at(file, owner(good)));
            assertThat(tree.attributes(file, Bitmap.of(Attribute.OWNER)).text(Attribute.OWNER))
                    .isEqualTo(good);
        }
        for (String bad : new String[] {"", "4294967296", "-1", "1 ", "@", "root@", "@example.org", "nobody at all"}) {
            session.expect(NfsStatus.BADOWNER, at(file, owner(bad)));
        }
    }

    private static OpArgs owner(String owner) {
        return new SetAttrArgs(
                Stateid.ANONYMOUS,
                AttributeCodec.write(
                        Attributes.builder().text(Attribute.OWNER, owner).build()));
    }

    @Test
    void a_size_is_no_attribute_of_what_create_makes() {
        var size = AttributeCodec.write(Attributes.builder().size(0).build());

        for (CreateObject object : List.of(new CreateObject.Directory(), new CreateObject.Fifo())) {
            session.expect(NfsStatus.INVAL, tree.here(new CreateArgs(object, "new", size)));
        }
    }

    @Test
    void change_moves_with_everything_that_is_set() {
        long before = change();
        for (int mode : new int[] {0600, 0640, 0644}) {
            session.ok(at(
                    file,
                    new SetAttrArgs(
                            Stateid.ANONYMOUS,
                            AttributeCodec.write(Attributes.builder()
                                    .uint32(Attribute.MODE, mode)
                                    .build()))));
            assertThat(change()).isGreaterThan(before);
            before = change();
        }
        session.ok(at(file, new SetAttrArgs(Stateid.ANONYMOUS, Fattr.EMPTY), GET_FH));
    }

    private long change() {
        return tree.attributes(file, Bitmap.of(Attribute.CHANGE)).uint64(Attribute.CHANGE);
    }
}
