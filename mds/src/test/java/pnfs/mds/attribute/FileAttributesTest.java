package pnfs.mds.attribute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import pnfs.mds.FakeFileSpace;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundState;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.rpc.RpcCredential;

class FileAttributesTest {
    private static final Bitmap WRITE_ONLY = Bitmap.of(
            Attribute.TIME_ACCESS_SET, Attribute.TIME_MODIFY_SET, Attribute.MODE_SET_MASKED, Attribute.MODE_UMASK);
    private static final CompoundState MINOR_1 = new CompoundState(new RpcCredential.None(), 1, 0, new NfsTime(0, 0));
    private static final CompoundState MINOR_2 = new CompoundState(new RpcCredential.None(), 2, 0, new NfsTime(0, 0));

    private final FileAttributes attributes =
            new FileAttributes(FileRooms.FACTS, new FakeFileSpace(), FileRooms.OWNERS);

    /// Linux turns a surplus or missing byte into EIO: the codec of the other direction has to come out even.
    @Seeds(400)
    void any_subset_is_written_in_order_and_to_the_byte(RandomGenerator random) {
        Inode inode = RandomInodes.next(random);
        Bitmap wanted = Bitmap.of(IntStream.range(0, 96)
                .filter(number -> !WRITE_ONLY.has(number) && random.nextBoolean())
                .toArray());

        Fattr written = attributes.read(inode, wanted, MINOR_2);

        assertThat(written.attributes()).isEqualTo(wanted.and(attributes.supported(2)));
        Attributes read = AttributeCodec.read(written);
        assertThat(read.present()).isEqualTo(written.attributes());
        assertThat(AttributeCodec.write(read)).isEqualTo(written);
    }

    @Seeds(50)
    void values_are_those_of_the_inode(RandomGenerator random) {
        Inode inode = RandomInodes.next(random);

        Attributes read = AttributeCodec.read(
                attributes.read(inode, attributes.supported(2).minus(WRITE_ONLY), MINOR_2));

        assertThat(read.type()).isEqualTo(inode.type());
        assertThat(read.size()).isEqualTo(inode.size());
        assertThat(read.uint64(Attribute.CHANGE)).isEqualTo(inode.change());
        assertThat(read.uint64(Attribute.FILEID)).isEqualTo(inode.id());
        assertThat(read.uint64(Attribute.MOUNTED_ON_FILEID)).isEqualTo(inode.id());
        assertThat(read.fileHandle()).isEqualTo(inode.file().toWire());
        assertThat(read.uint32(Attribute.MODE)).isEqualTo(inode.rights().mode());
        assertThat(read.uint32(Attribute.NUMLINKS)).isEqualTo(inode.links());
        assertThat(read.text(Attribute.OWNER))
                .isEqualTo(Integer.toUnsignedString(inode.rights().uid()));
        assertThat(read.text(Attribute.OWNER_GROUP))
                .isEqualTo(Integer.toUnsignedString(inode.rights().gid()));
        assertThat(read.time(Attribute.TIME_ACCESS)).isEqualTo(inode.times().accessed());
        assertThat(read.time(Attribute.TIME_MODIFY)).isEqualTo(inode.times().modified());
        assertThat(read.time(Attribute.TIME_METADATA)).isEqualTo(inode.times().changed());
        assertThat(read.time(Attribute.TIME_CREATE)).isEqualTo(inode.times().created());
        assertThat(read.uint64(Attribute.SPACE_USED)).isEqualTo(inode.spaceUsed());
        assertThat(read.rawDevice())
                .isEqualTo(
                        inode.content() instanceof Content.Device device
                                ? new DeviceNumbers(device.major(), device.minor())
                                : new DeviceNumbers(0, 0));
    }

    @Test
    void what_linux_needs_for_block_layouts_is_there() {
        Inode inode = RandomInodes.next(new java.util.SplittableRandom(1));

        Attributes read = AttributeCodec.read(attributes.read(
                inode,
                Bitmap.of(
                        Attribute.FS_LAYOUT_TYPES,
                        Attribute.LAYOUT_BLKSIZE,
                        Attribute.MAXREAD,
                        Attribute.MAXWRITE,
                        Attribute.LEASE_TIME,
                        Attribute.CHANGE_ATTR_TYPE,
                        Attribute.XATTR_SUPPORT,
                        Attribute.ACLSUPPORT),
                MINOR_2));

        assertThat(read.layoutTypes(Attribute.FS_LAYOUT_TYPES))
                .containsExactly(LayoutType.SCSI, LayoutType.BLOCK_VOLUME);
        assertThat(read.uint32(Attribute.LAYOUT_BLKSIZE)).isEqualTo(4096);
        assertThat(read.uint64(Attribute.MAXREAD)).isEqualTo(1 << 20);
        assertThat(read.uint64(Attribute.MAXWRITE)).isEqualTo(1 << 20);
        assertThat(read.uint32(Attribute.LEASE_TIME)).isEqualTo(90);
        assertThat(read.bool(Attribute.XATTR_SUPPORT)).isTrue();
        assertThat(read.uint32(Attribute.ACLSUPPORT)).isZero();
    }

    @Test
    void required_attributes_are_all_supported() {
        // RFC 8881 §5.6, and suppattr_exclcreat
        Bitmap required = Bitmap.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 19, 75);

        assertThat(attributes.supported(2).containsAll(required)).isTrue();
    }

    @Test
    void a_client_of_the_first_minor_version_hears_nothing_of_attributes_that_came_later() {
        Inode inode = RandomInodes.next(new java.util.SplittableRandom(1));
        Bitmap later = Bitmap.of(
                Attribute.SPACE_FREED, Attribute.CHANGE_ATTR_TYPE, Attribute.MODE_UMASK, Attribute.XATTR_SUPPORT);

        Attributes read = AttributeCodec.read(attributes.read(
                inode,
                Bitmap.of(Attribute.SUPPORTED_ATTRS, Attribute.SUPPATTR_EXCLCREAT, Attribute.XATTR_SUPPORT),
                MINOR_1));

        assertThat(read.has(Attribute.XATTR_SUPPORT)).isFalse();
        assertThat(read.bitmap(Attribute.SUPPORTED_ATTRS)).isEqualTo(attributes.supported(1));
        assertThat(attributes.supported(2).minus(attributes.supported(1))).isEqualTo(later);
        assertThat(read.bitmap(Attribute.SUPPATTR_EXCLCREAT).intersects(later)).isFalse();
    }

    @Test
    void without_layout_types_nothing_of_pnfs_is_offered() {
        var plain = new FileAttributes(
                new FileSystemFacts(FileRooms.FACTS.fsidMajor(), 90, List.of(), 1 << 20),
                new FakeFileSpace(),
                FileRooms.OWNERS);

        assertThat(plain.supported(2).intersects(Bitmap.of(62, 64, 65, 66))).isFalse();
    }

    @Test
    void an_attribute_that_can_only_be_set_is_not_read() {
        Inode inode = RandomInodes.next(new java.util.SplittableRandom(1));

        WRITE_ONLY.stream()
                .forEach(number -> assertThatThrownBy(() -> attributes.read(inode, Bitmap.of(1, number), MINOR_2))
                        .isInstanceOfSatisfying(
                                NfsException.class,
                                refusal -> assertThat(refusal.status()).isEqualTo(NfsStatus.INVAL)));
    }
}
