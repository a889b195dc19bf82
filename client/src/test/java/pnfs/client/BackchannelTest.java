package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackCodec;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.CbArgs.CbNotifyLockArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallAnyArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallSlotArgs;
import pnfs.wire.nfs4.CbArgs.CbSequenceArgs;
import pnfs.wire.nfs4.CbArgs.CbWantsCancelledArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CompoundCodec.CbHeader;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

class BackchannelTest {
    private static final Opaque SESSION = Opaque.of(new byte[16]);
    private static final Opaque FILE = Opaque.ofUtf8("file");

    private final Backchannel channel = new Backchannel(new Recalls(new Mappers()));

    private List<CbResult> call(CbArgs... operations) {
        var out = new XdrWriter();
        for (CbArgs operation : operations) {
            CallbackCodec.writeArgs(out, operation);
        }
        return channel.results(
                new CbHeader(Opaque.EMPTY, 2, 0, operations.length), new XdrReader(ByteBuffer.wrap(out.toByteArray())));
    }

    private static CbSequenceArgs sequence(int sequence, int slot) {
        return new CbSequenceArgs(SESSION, sequence, slot, slot, false, List.of());
    }

    private NfsStatus status(CbArgs... operations) {
        return call(operations).getLast().status();
    }

    static List<Arguments> callbacksToWhoHoldsNothing() {
        var owner = new StateOwner(0, Opaque.ofUtf8("owner"));
        return List.of(
                Arguments.of(
                        new CbLayoutRecallArgs(LayoutType.SCSI, Iomode.ANY, false, new LayoutRecallScope.All()),
                        NfsStatus.NOMATCHING_LAYOUT),
                Arguments.of(new CbRecallAnyArgs(0, Bitmap.of(4)), NfsStatus.OK),
                Arguments.of(new CbRecallAnyArgs(0, Bitmap.of(40)), NfsStatus.INVAL),
                Arguments.of(new CbRecallSlotArgs(3), NfsStatus.DELAY),
                Arguments.of(new CbNotifyDeviceIdArgs(List.of()), NfsStatus.DELAY),
                Arguments.of(new CbNotifyLockArgs(FILE, owner), NfsStatus.OK),
                Arguments.of(new CbWantsCancelledArgs(true, false), NfsStatus.OK),
                Arguments.of(new CbGetAttrArgs(FILE, Bitmap.of(4)), NfsStatus.BADHANDLE),
                Arguments.of(new CbRecallArgs(Stateid.ANONYMOUS, false, FILE), NfsStatus.BAD_STATEID),
                Arguments.of(sequence(1, 0), NfsStatus.SEQUENCE_POS));
    }

    @ParameterizedTest
    @MethodSource("callbacksToWhoHoldsNothing")
    void who_holds_nothing_says_so(CbArgs callback, NfsStatus expected) {
        assertThat(status(sequence(1, 0), callback)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, OK", "2, 0, SEQ_MISORDERED", "0, 0, SEQ_MISORDERED", "1, 1, BADSLOT"})
    void a_session_begins_with_the_first_sequence_of_its_only_slot(int sequence, int slot, NfsStatus expected) {
        assertThat(status(sequence(sequence, slot))).isEqualTo(expected);
    }

    @Test
    void what_is_repeated_is_answered_again_and_not_done_again() {
        List<CbResult> first = call(sequence(1, 0), new CbRecallAnyArgs(0, Bitmap.of(4)));

        assertThat(call(sequence(1, 0), new CbRecallAnyArgs(0, Bitmap.of(40)))).isEqualTo(first);
        assertThat(status(sequence(2, 0), new CbRecallAnyArgs(0, Bitmap.of(40))))
                .isEqualTo(NfsStatus.INVAL);
        assertThat(status(sequence(1, 0))).isEqualTo(NfsStatus.SEQ_MISORDERED);
    }

    @Test
    void a_callback_is_a_sequence_and_one_more() {
        var any = new CbRecallAnyArgs(0, Bitmap.of(4));

        assertThat(status(any)).isEqualTo(NfsStatus.OP_NOT_IN_SESSION);
        assertThat(status(sequence(1, 0), any, any)).isEqualTo(NfsStatus.TOO_MANY_OPS);
        assertThat(call()).isEmpty();
    }
}
