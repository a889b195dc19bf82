package pnfs.wire.nfs4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

class ValuesTest {
    @Test
    void the_four_special_stateids_are_what_rfc_8881_8_2_3_lists() {
        assertThat(List.of(Stateid.ANONYMOUS, Stateid.READ_BYPASS, Stateid.CURRENT, Stateid.INVALID))
                .extracting(Stateid::toString)
                .containsExactly(
                        "0:000000000000000000000000",
                        "4294967295:ffffffffffffffffffffffff",
                        "1:000000000000000000000000",
                        "4294967295:000000000000000000000000");
        assertThat(Stateid.CURRENT.isCurrent()).isTrue();
        assertThat(Stateid.CURRENT.isAnonymous()).isFalse();
        assertThat(Stateid.CURRENT.withSeqid(7).isSpecial()).isTrue();
        assertThat(new Stateid(0, Opaque.ofHex("000000000000000000000001")).isSpecial())
                .isFalse();
    }

    @Test
    void after_the_last_seqid_comes_1_because_0_means_the_current_one() {
        var stateid = new Stateid(0xffff_fffe, Opaque.of(new byte[12]));

        assertThat(stateid.next().seqid()).isEqualTo(0xffff_ffff);
        assertThat(stateid.next().next().seqid()).isEqualTo(1);
    }

    @Test
    void operations_callbacks_attributes_and_statuses_are_found_by_their_numbers() {
        for (OpCode op : OpCode.values()) {
            assertThat(OpCode.of(op.number())).isEqualTo(op);
        }
        for (CbOpCode op : CbOpCode.values()) {
            assertThat(CbOpCode.of(op.number())).isEqualTo(op);
        }
        for (Attribute attribute : Attribute.values()) {
            assertThat(Attribute.of(attribute.number())).contains(attribute);
        }
        for (NfsStatus status : NfsStatus.values()) {
            assertThat(NfsStatus.fromWire(status.number())).isEqualTo(status);
        }
        assertThat(List.of(OpCode.of(2), OpCode.of(76), OpCode.of(-1))).containsOnly(OpCode.ILLEGAL);
        assertThat(Attribute.of(87)).isEmpty();
        assertThat(Attribute.of(-1)).isEmpty();
    }

    @Seeds(200)
    void a_bitmap_agrees_with_a_bit_set(RandomGenerator random) {
        var a = bits(random);
        var b = bits(random);
        Bitmap bitmapA = bitmap(a);
        Bitmap bitmapB = bitmap(b);

        var or = (BitSet) a.clone();
        or.or(b);
        var and = (BitSet) a.clone();
        and.and(b);
        var minus = (BitSet) a.clone();
        minus.andNot(b);

        assertThat(bitmapA.or(bitmapB)).isEqualTo(bitmap(or));
        assertThat(bitmapA.and(bitmapB)).isEqualTo(bitmap(and));
        assertThat(bitmapA.minus(bitmapB)).isEqualTo(bitmap(minus));
        assertThat(bitmapA.intersects(bitmapB)).isEqualTo(a.intersects(b));
        assertThat(bitmapA.containsAll(bitmapB)).isEqualTo(and.equals(b));
        assertThat(bitmapA.stream().toArray()).isEqualTo(a.stream().toArray());
        assertThat(bitmapA.isEmpty()).isEqualTo(a.isEmpty());
        for (int i = 0; i < 140; i++) {
            assertThat(bitmapA.has(i)).isEqualTo(a.get(i));
            assertThat(bitmapA.next(i)).isEqualTo(a.nextSetBit(i));
        }
    }

    @Test
    void trailing_zero_words_come_back_and_make_no_difference() {
        Opaque sent = Opaque.ofHex("00000003" + "00000010" + "00000000" + "00000000");
        Bitmap read = CommonCodec.readBitmap(XdrReader.of(sent));
        var out = new XdrWriter();

        CommonCodec.writeBitmap(out, read);

        assertThat(out.toOpaque()).isEqualTo(sent);
        assertThat(read).isEqualTo(Bitmap.of(Attribute.SIZE)).hasSameHashCodeAs(Bitmap.of(Attribute.SIZE));
        assertThat(CommonCodec.readBitmap(XdrReader.of(Opaque.ofHex("0000000100000000")))
                        .isEmpty())
                .isTrue();
    }

    @Test
    void a_range_reaches_the_end_or_stays_below_2_to_the_63() {
        assertThat(FileRange.fromWire(5, -1)).isEqualTo(FileRange.toEnd(5));
        assertThat(FileRange.fromWire(5, 3)).isEqualTo(new FileRange(5, 8));
        assertThat(FileRange.toEnd(5).wireLength()).isEqualTo(-1);
        assertThat(FileRange.of(5, 0).isEmpty()).isTrue();
        assertThatThrownBy(() -> FileRange.fromWire(5, Long.MAX_VALUE)).isInstanceOf(NfsException.class);
        assertThatThrownBy(() -> FileRange.fromWire(-5, 1)).isInstanceOf(NfsException.class);
        assertThatThrownBy(() -> FileRange.of(5, Long.MAX_VALUE)).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void status_and_count_of_results_are_filled_in_behind_a_long_payload() {
        var out = new XdrWriter();
        var data = ByteBuffer.allocate(100_000);
        var tag = Opaque.ofUtf8("tag");

        var begun = CompoundCodec.beginResults(out, tag);
        OpCodec.writeResult(out, new OpResult.ReadResult(false, data));
        OpCodec.writeResult(out, new OpResult.OpFailure(OpCode.WRITE, NfsStatus.NOSPC));
        CompoundCodec.endResults(out, begun, NfsStatus.NOSPC, 2);

        assertThat(CompoundCodec.readResults(XdrReader.of(out.toOpaque())))
                .isEqualTo(new CompoundCodec.Results(
                        NfsStatus.NOSPC,
                        tag,
                        List.of(
                                new OpResult.ReadResult(false, data),
                                new OpResult.OpFailure(OpCode.WRITE, NfsStatus.NOSPC))));
        assertThat(out.buffers()).as("the payload is not copied").hasSize(3);
        assertThat(data.position()).isZero();
    }

    private static BitSet bits(RandomGenerator random) {
        var bits = new BitSet();
        random.ints(random.nextInt(20), 0, random.nextInt(1, 140)).forEach(bits::set);
        return bits;
    }

    private static Bitmap bitmap(BitSet bits) {
        return Bitmap.of(bits.stream().toArray());
    }
}
