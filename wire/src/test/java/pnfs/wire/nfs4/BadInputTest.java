package pnfs.wire.nfs4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Which status a peer gets for which bad field, where NFS has one for it.
class BadInputTest {
    @ParameterizedTest
    @CsvSource({
        "'', INVAL",
        "2e, BADNAME",
        "2e2e, BADNAME",
        "612f62, BADCHAR",
        "610062, BADCHAR",
        "c328, INVAL",
        "eda080, INVAL",
    })
    void a_bad_name_is_refused_with_its_own_status(String hex, NfsStatus status) {
        assertRefused(status, OpCode.LOOKUP, out -> out.writeOpaque(Opaque.ofHex(hex)));
    }

    @Test
    void a_name_of_255_bytes_is_read_and_one_of_256_is_too_long() {
        var longest = new OpArgs.LookupArgs("n".repeat(255));
        var out = new XdrWriter();
        OpCodec.writeArgs(out, longest);

        assertThat(OpCodec.readArgs(XdrReader.of(out.toOpaque()))).isEqualTo(longest);
        assertRefused(NfsStatus.NAMETOOLONG, OpCode.LOOKUP, o -> o.writeString("n".repeat(256)));
        assertRefused(NfsStatus.NAMETOOLONG, OpCode.GETXATTR, o -> o.writeString("n".repeat(256)));
    }

    @Test
    void a_name_of_an_extended_attribute_may_hold_what_a_file_name_may_not() {
        var out = new XdrWriter();
        OpCodec.writeArgs(out, new OpArgs.GetXattrArgs("../a/b"));

        assertThat(OpCodec.readArgs(XdrReader.of(out.toOpaque()))).isEqualTo(new OpArgs.GetXattrArgs("../a/b"));
    }

    @ParameterizedTest
    @CsvSource({
        "6, 2, 0, 8, UNKNOWN_LAYOUTTYPE",
        "0, 2, 0, 8, UNKNOWN_LAYOUTTYPE",
        "5, 0, 0, 8, BADIOMODE",
        "5, 4, 0, 8, BADIOMODE",
        "5, 2, -2, 8, INVAL",
        "5, 2, 8, -9, INVAL",
        "5, 2, 8, 9223372036854775807, INVAL",
    })
    void a_layoutget_with_a_bad_field_is_refused_with_its_own_status(
            int type, int iomode, long offset, long length, NfsStatus status) {
        assertRefused(status, OpCode.LAYOUTGET, out -> {
            out.writeBool(false);
            out.writeUint32(type);
            out.writeUint32(iomode);
            out.writeUint64(offset);
            out.writeUint64(length);
            out.writeUint64(1);
            CommonCodec.writeStateid(out, Stateid.ANONYMOUS);
            out.writeUint32(4096);
        });
    }

    @Test
    void numbers_out_of_range_are_refused_with_their_own_status() {
        assertRefused(NfsStatus.INVAL, OpCode.READ, out -> {
            CommonCodec.writeStateid(out, Stateid.ANONYMOUS);
            out.writeUint64(Long.MIN_VALUE);
            out.writeUint32(1);
        });
        assertRefused(NfsStatus.FBIG, OpCode.WRITE, out -> {
            CommonCodec.writeStateid(out, Stateid.ANONYMOUS);
            out.writeUint64(Long.MIN_VALUE);
            out.writeUint32(0);
            out.writeOpaque(Opaque.EMPTY);
        });
        assertRefused(NfsStatus.BADSLOT, OpCode.SEQUENCE, out -> {
            out.writeFixed(new byte[16]);
            out.writeUint32(1);
            out.writeUint32(-1);
            out.writeUint32(0);
            out.writeBool(false);
        });
        assertRefused(NfsStatus.BADTYPE, OpCode.CREATE, out -> out.writeUint32(FileType.REGULAR.wire()));
        assertRefused(NfsStatus.BADTYPE, OpCode.CREATE, out -> out.writeUint32(10));
        assertRefused(NfsStatus.UNION_NOTSUPP, OpCode.SEEK, out -> {
            CommonCodec.writeStateid(out, Stateid.ANONYMOUS);
            out.writeUint64(0);
            out.writeUint32(2);
        });
    }

    @Test
    void a_maximum_above_two_gigabytes_is_read_as_two_gigabytes() {
        var out = new XdrWriter();
        OpCodec.writeArgs(out, new OpArgs.ReadArgs(Stateid.ANONYMOUS, 0, -1));

        assertThat(OpCodec.readArgs(XdrReader.of(out.toOpaque())))
                .isEqualTo(new OpArgs.ReadArgs(Stateid.ANONYMOUS, 0, Integer.MAX_VALUE));
    }

    @Test
    void a_field_over_its_limit_is_not_xdr() {
        assertNotXdr(OpCode.PUTFH, out -> out.writeOpaque(new byte[129]));
        assertNotXdr(OpCode.LOOKUP, out -> out.writeOpaque(new byte[4097]));
        assertNotXdr(OpCode.GETATTR, out -> {
            out.writeUint32(33);
            out.writeFixed(new byte[33 * 4]);
        });
        assertNotXdr(OpCode.LAYOUTRETURN, out -> {
            out.writeBool(false);
            out.writeUint32(LayoutType.SCSI.wire());
            out.writeUint32(Iomode.ANY.wire());
            out.writeUint32(4);
        });
        assertNotXdr(OpCode.OPEN, out -> {
            out.writeFixed(new byte[12]);
            CommonCodec.writeOwner(out, new StateOwner(0, Opaque.of(new byte[1025])));
        });
    }

    @Test
    void an_attribute_that_nobody_knows_is_no_error_of_the_message() {
        var fattr = new Fattr(Bitmap.of(Attribute.SIZE.number(), 90), Opaque.of(new byte[12]));
        var out = new XdrWriter();
        OpCodec.writeArgs(out, new OpArgs.SetAttrArgs(Stateid.ANONYMOUS, fattr));

        var args = (OpArgs.SetAttrArgs) OpCodec.readArgs(XdrReader.of(out.toOpaque()));

        assertThat(args.attributes()).isEqualTo(fattr);
        assertThatThrownBy(() -> AttributeCodec.read(args.attributes()))
                .isInstanceOfSatisfying(
                        NfsException.class, e -> assertThat(e.status()).isEqualTo(NfsStatus.ATTRNOTSUPP));
    }

    @Test
    void a_layout_type_that_nobody_knows_is_left_out_of_what_a_server_offers() {
        var fattr = new Fattr(
                Bitmap.of(Attribute.FS_LAYOUT_TYPES), Opaque.ofHex("00000003" + "00000005" + "80000001" + "00000003"));

        assertThat(AttributeCodec.read(fattr).layoutTypes(Attribute.FS_LAYOUT_TYPES))
                .containsExactly(LayoutType.SCSI, LayoutType.BLOCK_VOLUME);
    }

    @Test
    void an_attribute_asked_for_as_another_type_is_our_bug() {
        var attributes = Attributes.builder().size(5).build();

        assertThat(attributes.size()).isEqualTo(5);
        assertThatThrownBy(() -> attributes.uint32(Attribute.SIZE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Attributes.builder().bool(Attribute.MODE, true))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static void assertRefused(NfsStatus status, OpCode op, Consumer<XdrWriter> body) {
        assertThatThrownBy(() -> read(op, body))
                .isInstanceOfSatisfying(
                        NfsException.class, e -> assertThat(e.status()).isEqualTo(status));
    }

    private static void assertNotXdr(OpCode op, Consumer<XdrWriter> body) {
        assertThatThrownBy(() -> read(op, body)).isInstanceOf(XdrException.class);
    }

    private static OpArgs read(OpCode op, Consumer<XdrWriter> body) {
        var out = new XdrWriter();
        out.writeUint32(op.number());
        body.accept(out);
        return OpCodec.readArgs(XdrReader.of(out.toOpaque()));
    }
}
