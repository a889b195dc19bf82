package pnfs.wire.nfs4;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.wire.nfs4.AttributeValue.Ace;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// What no capture of ours shows, against the grammar of RFC 7863 spelled out word by word: a field that stands
/// in the wrong place on both ways would survive a round trip. Every value differs from its neighbours.
class WireOrderTest {
    private static final Opaque ID = Opaque.ofHex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
    private static final String ID_WORDS = "a0a1a2a3 a4a5a6a7 a8a9aaab acadaeaf";
    private static final Stateid ONE = new Stateid(0x11, Opaque.ofHex("b1b1b1b1b2b2b2b2b3b3b3b3"));
    private static final String ONE_WORDS = "00000011 b1b1b1b1 b2b2b2b2 b3b3b3b3";
    private static final Stateid TWO = new Stateid(0x12, Opaque.ofHex("c1c1c1c1c2c2c2c2c3c3c3c3"));
    private static final String TWO_WORDS = "00000012 c1c1c1c1 c2c2c2c2 c3c3c3c3";
    private static final StateOwner OWNER = new StateOwner(0x21, Opaque.ofHex("d1d2"));
    private static final String OWNER_WORDS = "00000000 00000021 00000002 d1d20000";
    private static final Opaque HANDLE = Opaque.ofHex("e1e2e3e4e5");
    private static final String HANDLE_WORDS = "00000005 e1e2e3e4 e5000000";
    private static final NfsTime TIME = new NfsTime(0x31, 0x32);
    private static final String TIME_WORDS = "00000000 00000031 00000032";
    private static final ChangeInfo CHANGE = new ChangeInfo(true, 0x41, 0x42);
    private static final String CHANGE_WORDS = "00000001 00000000 00000041 00000000 00000042";
    private static final LayoutBody BODY = new LayoutBody(LayoutType.SCSI, Opaque.ofHex("f1"));
    private static final String BODY_WORDS = "00000005 00000001 f1000000";
    private static final Fattr MODE = new Fattr(Bitmap.of(Attribute.MODE), Opaque.ofHex("000001a4"));
    private static final String MODE_WORDS = "00000002 00000000 00000002 00000004 000001a4";
    private static final WriteResponse RESPONSE = new WriteResponse(Optional.of(TWO), 0x51, StableHow.FILE_SYNC, 0x52);
    private static final String RESPONSE_WORDS =
            "00000001 " + TWO_WORDS + " " + "00000000 00000051 00000002 00000000 00000052";
    private static final FileRange RANGE = FileRange.of(0x61, 0x62);
    private static final String RANGE_WORDS = "00000000 00000061 00000000 00000062";
    private static final String TO_END_WORDS = "00000000 00000061 ffffffff ffffffff";

    @ParameterizedTest
    @MethodSource
    void arguments_stand_in_the_order_of_the_grammar(OpArgs args, String words) {
        var out = new XdrWriter();

        OpCodec.writeArgs(out, args);

        assertThat(out.toOpaque()).isEqualTo(Opaque.ofHex(words.replace(" ", "")));
        assertThat(OpCodec.readArgs(XdrReader.of(out.toOpaque()))).isEqualTo(args);
    }

    static Stream<Arguments> arguments_stand_in_the_order_of_the_grammar() {
        return Stream.of(
                row(new OpArgs.CommitArgs(1, 0xffff_fffeL), "00000005 00000000 00000001 fffffffe"),
                row(
                        new OpArgs.CreateArgs(new CreateObject.Symlink(Opaque.ofUtf8("to")), "name", MODE),
                        "00000006 00000005 00000002 746f0000 00000004 6e616d65",
                        MODE_WORDS),
                row(
                        new OpArgs.CreateArgs(new CreateObject.BlockDevice(new DeviceNumbers(1, 2)), "name", MODE),
                        "00000006 00000003 00000001 00000002 00000004 6e616d65",
                        MODE_WORDS),
                row(
                        new OpArgs.CreateArgs(new CreateObject.Directory(), "name", MODE),
                        "00000006 00000002 00000004 6e616d65",
                        MODE_WORDS),
                row(new OpArgs.LinkArgs("name"), "0000000b 00000004 6e616d65"),
                row(
                        new OpArgs.LockArgs(LockType.WRITEW, true, RANGE, new Locker.NewOwner(1, ONE, 2, OWNER)),
                        "0000000c 00000004 00000001",
                        RANGE_WORDS,
                        "00000001 00000001",
                        ONE_WORDS,
                        "00000002",
                        OWNER_WORDS),
                row(
                        new OpArgs.LockArgs(LockType.READ, false, FileRange.toEnd(0x61), new Locker.KnownOwner(ONE, 2)),
                        "0000000c 00000001 00000000",
                        TO_END_WORDS,
                        "00000000",
                        ONE_WORDS,
                        "00000002"),
                row(new OpArgs.LocktArgs(LockType.WRITE, RANGE, OWNER), "0000000d 00000002", RANGE_WORDS, OWNER_WORDS),
                row(
                        new OpArgs.LockuArgs(LockType.READW, 7, ONE, RANGE),
                        "0000000e 00000003 00000007",
                        ONE_WORDS,
                        RANGE_WORDS),
                row(
                        new OpArgs.OpenArgs(
                                1,
                                2,
                                3,
                                OWNER,
                                new OpenHow.Exclusive41(9, MODE),
                                new OpenClaim.DelegateCurrent(ONE, "name")),
                        "00000012 00000001 00000002 00000003",
                        OWNER_WORDS,
                        "00000001 00000003 00000000 00000009",
                        MODE_WORDS,
                        "00000002",
                        ONE_WORDS,
                        "00000004 6e616d65"),
                row(
                        new OpArgs.OpenArgs(
                                1,
                                2,
                                3,
                                OWNER,
                                new OpenHow.Guarded(MODE),
                                new OpenClaim.Previous(DelegationType.WRITE)),
                        "00000012 00000001 00000002 00000003",
                        OWNER_WORDS,
                        "00000001 00000001",
                        MODE_WORDS,
                        "00000001 00000002"),
                row(new OpArgs.OpenDowngradeArgs(ONE, 1, 2, 3), "00000015", ONE_WORDS, "00000001 00000002 00000003"),
                row(
                        new OpArgs.ReadDirArgs(1, 2, 3, 4, Bitmap.of(33)),
                        "0000001a 00000000 00000001 00000000 00000002 00000003 00000004 00000002 00000000 00000002"),
                row(new OpArgs.RenameArgs("from", "to"), "0000001d 00000004 66726f6d 00000002 746f0000"),
                row(new OpArgs.SetAttrArgs(ONE, MODE), "00000022", ONE_WORDS, MODE_WORDS),
                row(
                        new OpArgs.WriteArgs(ONE, 1, StableHow.DATA_SYNC, ByteBuffer.wrap(new byte[] {7})),
                        "00000026",
                        ONE_WORDS,
                        "00000000 00000001 00000001 00000001 07000000"),
                row(
                        new OpArgs.BackchannelCtlArgs(
                                1, List.of(new CallbackSecurity.Gss(2, HANDLE, Opaque.ofHex("0a")))),
                        "00000028 00000001 00000001 00000006 00000002",
                        HANDLE_WORDS,
                        "00000001 0a000000"),
                row(
                        new OpArgs.BindConnToSessionArgs(ID, BindDirection.BACK_OR_BOTH, true),
                        "00000029",
                        ID_WORDS,
                        "00000007 00000001"),
                row(
                        new OpArgs.ExchangeIdArgs(
                                1,
                                HANDLE,
                                2,
                                new StateProtection.Ssv(
                                        Bitmap.of(0),
                                        Bitmap.of(1),
                                        List.of(Opaque.ofHex("01")),
                                        List.of(Opaque.ofHex("02")),
                                        3,
                                        4),
                                Optional.empty()),
                        "0000002a 00000000 00000001",
                        HANDLE_WORDS,
                        "00000002 00000002 00000001 00000001 00000001 00000002 00000001 00000001 01000000 00000001 00000001 02000000 00000003 00000004 00000000"),
                row(
                        new OpArgs.GetDeviceListArgs(LayoutType.BLOCK_VOLUME, 1, 2, 3),
                        "00000030 00000003 00000001 00000000 00000002 00000000 00000003"),
                row(
                        new OpArgs.LayoutCommitArgs(RANGE, true, ONE, OptionalLong.of(1), Optional.of(TIME), BODY),
                        "00000031",
                        RANGE_WORDS,
                        "00000001",
                        ONE_WORDS,
                        "00000001 00000000 00000001 00000001",
                        TIME_WORDS,
                        BODY_WORDS),
                row(
                        new OpArgs.LayoutGetArgs(
                                true, LayoutType.SCSI, Iomode.READ_WRITE, RANGE, Long.MAX_VALUE, ONE, 9),
                        "00000032 00000001 00000005 00000002",
                        RANGE_WORDS,
                        "ffffffff ffffffff",
                        ONE_WORDS,
                        "00000009"),
                row(
                        new OpArgs.LayoutReturnArgs(
                                true, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.OfFileSystem()),
                        "00000033 00000001 00000005 00000003 00000002"),
                row(new OpArgs.SetSsvArgs(HANDLE, Opaque.ofHex("0a")), "00000036", HANDLE_WORDS, "00000001 0a000000"),
                row(new OpArgs.TestStateidArgs(List.of(ONE, TWO)), "00000037 00000002", ONE_WORDS, TWO_WORDS),
                row(
                        new OpArgs.WantDelegationArgs(1, new OpenClaim.Previous(DelegationType.READ)),
                        "00000038 00000001 00000001 00000001"),
                row(new OpArgs.AllocateArgs(ONE, RANGE), "0000003b", ONE_WORDS, RANGE_WORDS),
                row(
                        new OpArgs.CopyArgs(
                                ONE, TWO, 1, 2, 3, true, false, List.of(new NetLocation.Address("tcp", "host"))),
                        "0000003c",
                        ONE_WORDS,
                        TWO_WORDS,
                        "00000000 00000001 00000000 00000002 00000000 00000003 00000001 00000000 00000001 00000003 00000003 74637000 00000004 686f7374"),
                row(
                        new OpArgs.CopyNotifyArgs(ONE, new NetLocation.Name("host")),
                        "0000003d",
                        ONE_WORDS,
                        "00000001 00000004 686f7374"),
                row(new OpArgs.DeallocateArgs(ONE, RANGE), "0000003e", ONE_WORDS, RANGE_WORDS),
                row(
                        new OpArgs.IoAdviseArgs(ONE, 1, 2, Bitmap.of(3)),
                        "0000003f",
                        ONE_WORDS,
                        "00000000 00000001 00000000 00000002 00000001 00000008"),
                row(
                        new OpArgs.LayoutErrorArgs(
                                RANGE, ONE, List.of(new DeviceError(ID, NfsStatus.NXIO, OpCode.READ))),
                        "00000040",
                        RANGE_WORDS,
                        ONE_WORDS,
                        "00000001",
                        ID_WORDS,
                        "00000006 00000019"),
                row(
                        new OpArgs.LayoutStatsArgs(RANGE, ONE, new IoCount(1, 2), new IoCount(3, 4), ID, BODY),
                        "00000041",
                        RANGE_WORDS,
                        ONE_WORDS,
                        "00000000 00000001 00000000 00000002 00000000 00000003 00000000 00000004",
                        ID_WORDS,
                        BODY_WORDS),
                row(new OpArgs.OffloadCancelArgs(ONE), "00000042", ONE_WORDS),
                row(new OpArgs.OffloadStatusArgs(ONE), "00000043", ONE_WORDS),
                row(new OpArgs.SeekArgs(ONE, 1, SeekWhat.HOLE), "00000045", ONE_WORDS, "00000000 00000001 00000001"),
                row(
                        new OpArgs.WriteSameArgs(ONE, StableHow.FILE_SYNC, new DataBlock(1, 2, 3, 4, 5, 6, HANDLE)),
                        "00000046",
                        ONE_WORDS,
                        "00000002 00000000 00000001 00000000 00000002 00000000 00000003 00000000 00000004 00000005 00000000 00000006",
                        HANDLE_WORDS),
                row(
                        new OpArgs.CloneArgs(ONE, TWO, 1, 2, 3),
                        "00000047",
                        ONE_WORDS,
                        TWO_WORDS,
                        "00000000 00000001 00000000 00000002 00000000 00000003"),
                row(
                        new OpArgs.SetXattrArgs(SetXattrMode.REPLACE, "name", HANDLE),
                        "00000049 00000002 00000004 6e616d65",
                        HANDLE_WORDS),
                row(new OpArgs.ListXattrsArgs(1, 2), "0000004a 00000000 00000001 00000002"),
                row(new OpArgs.RemoveXattrArgs("name"), "0000004b 00000004 6e616d65"),
                row(new OpArgs.UnsupportedArgs(OpCode.RENEW), "0000001e"),
                row(new OpArgs.IllegalArgs(76), "0000004c"),
                row(new OpArgs.IllegalArgs(2), "00000002"));
    }

    @ParameterizedTest
    @MethodSource
    void results_stand_in_the_order_of_the_grammar(OpResult result, String words) {
        var out = new XdrWriter();

        OpCodec.writeResult(out, result);

        assertThat(out.toOpaque()).isEqualTo(Opaque.ofHex(words.replace(" ", "")));
        assertThat(OpCodec.readResult(XdrReader.of(out.toOpaque()))).isEqualTo(result);
    }

    static Stream<Arguments> results_stand_in_the_order_of_the_grammar() {
        return Stream.of(
                row(new OpResult.OpSuccess(OpCode.PUTFH), "00000016 00000000"),
                row(new OpResult.OpFailure(OpCode.ILLEGAL, NfsStatus.OP_ILLEGAL), "0000273c 0000273c"),
                row(new OpResult.CommitResult(0x0102030405060708L), "00000005 00000000 01020304 05060708"),
                row(
                        new OpResult.CreateResult(CHANGE, Bitmap.of(1)),
                        "00000006 00000000",
                        CHANGE_WORDS,
                        "00000001 00000002"),
                row(new OpResult.LinkResult(CHANGE), "0000000b 00000000", CHANGE_WORDS),
                row(new OpResult.LockResult(ONE), "0000000c 00000000", ONE_WORDS),
                row(
                        new OpResult.LockDenied(OpCode.LOCK, RANGE, LockType.WRITE, OWNER),
                        "0000000c 0000271a",
                        RANGE_WORDS,
                        "00000002",
                        OWNER_WORDS),
                row(
                        new OpResult.LockDenied(OpCode.LOCKT, FileRange.toEnd(0x61), LockType.READ, OWNER),
                        "0000000d 0000271a",
                        TO_END_WORDS,
                        "00000001",
                        OWNER_WORDS),
                row(
                        new OpResult.OpenResult(
                                ONE,
                                CHANGE,
                                4,
                                Bitmap.of(1),
                                new OpenDelegation.Write(
                                        false, TWO, true, new SpaceLimit.Blocks(1, 2), new Ace(3, 4, 5, "EVERYONE@"))),
                        "00000012 00000000",
                        ONE_WORDS,
                        CHANGE_WORDS,
                        "00000004 00000001 00000002 00000002",
                        TWO_WORDS,
                        "00000001 00000002 00000001 00000002 00000003 00000004 00000005 00000009 45564552 594f4e45 40000000"),
                row(
                        new OpResult.WantDelegationResult(
                                new OpenDelegation.Refused(NoDelegationReason.RESOURCE, true)),
                        "00000038 00000000 00000003 00000002 00000001"),
                row(
                        new OpResult.WantDelegationResult(
                                new OpenDelegation.Refused(NoDelegationReason.CANCELLED, false)),
                        "00000038 00000000 00000003 00000007"),
                row(
                        new OpResult.ReadResult(true, ByteBuffer.wrap(new byte[] {7, 8})),
                        "00000019 00000000 00000001 00000002 07080000"),
                row(
                        new OpResult.ReadDirResult(
                                1,
                                List.of(new DirectoryEntry(2, "name", MODE), new DirectoryEntry(3, "b", MODE)),
                                true),
                        "0000001a 00000000 00000000 00000001 00000001 00000000 00000002 00000004 6e616d65",
                        MODE_WORDS,
                        "00000001 00000000 00000003 00000001 62000000",
                        MODE_WORDS,
                        "00000000 00000001"),
                row(
                        new OpResult.RenameResult(CHANGE, new ChangeInfo(false, 1, 2)),
                        "0000001d 00000000",
                        CHANGE_WORDS,
                        "00000000 00000000 00000001 00000000 00000002"),
                row(
                        new OpResult.SecinfoResult(
                                List.of(new SecurityFlavor.Plain(1), new SecurityFlavor.Gss(HANDLE, 2, 3))),
                        "00000021 00000000 00000002 00000001 00000006",
                        HANDLE_WORDS,
                        "00000002 00000003"),
                row(new OpResult.SetAttrResult(NfsStatus.PERM, Bitmap.of(4)), "00000022 00000001 00000001 00000010"),
                row(
                        new OpResult.WriteResult(1, StableHow.DATA_SYNC, 2),
                        "00000026 00000000 00000001 00000001 00000000 00000002"),
                row(
                        new OpResult.BindConnToSessionResult(ID, BoundDirection.BOTH, false),
                        "00000029 00000000",
                        ID_WORDS,
                        "00000003 00000000"),
                row(
                        new OpResult.ExchangeIdResult(
                                1,
                                2,
                                3,
                                new GrantedProtection.MachineCredential(Bitmap.of(0), Bitmap.of(1)),
                                new ServerOwner(4, Opaque.ofHex("0a")),
                                Opaque.ofHex("0b"),
                                Optional.of(new ImplementationId("d", "n", TIME))),
                        "0000002a 00000000 00000000 00000001 00000002 00000003 00000001 00000001 00000001 00000001 00000002 00000000 00000004 00000001 0a000000 00000001 0b000000 00000001 00000001 64000000 00000001 6e000000",
                        TIME_WORDS),
                row(new OpResult.DirDelegationUnavailable(true), "0000002e 00000000 00000001 00000001"),
                row(
                        new OpResult.GetDeviceInfoResult(BODY, Bitmap.of(1)),
                        "0000002f 00000000",
                        BODY_WORDS,
                        "00000001 00000002"),
                row(new OpResult.DeviceInfoTooSmall(99), "0000002f 00002715 00000063"),
                row(
                        new OpResult.GetDeviceListResult(1, 2, List.of(ID), true),
                        "00000030 00000000 00000000 00000001 00000000 00000002 00000001",
                        ID_WORDS,
                        "00000001"),
                row(
                        new OpResult.LayoutCommitResult(OptionalLong.of(5)),
                        "00000031 00000000 00000001 00000000 00000005"),
                row(new OpResult.LayoutTryLater(true), "00000032 0000274a 00000001"),
                row(new OpResult.LayoutReturnResult(Optional.of(ONE)), "00000033 00000000 00000001", ONE_WORDS),
                row(
                        new OpResult.TestStateidResult(List.of(NfsStatus.OK, NfsStatus.EXPIRED)),
                        "00000037 00000000 00000002 00000000 0000271b"),
                row(
                        new OpResult.CopyResult(RESPONSE, true, false),
                        "0000003c 00000000",
                        RESPONSE_WORDS,
                        "00000001 00000000"),
                row(new OpResult.CopyRequirements(true, false), "0000003c 0000276e 00000001 00000000"),
                row(
                        new OpResult.CopyNotifyResult(TIME, ONE, List.of(new NetLocation.Url("u"))),
                        "0000003d 00000000",
                        TIME_WORDS,
                        ONE_WORDS,
                        "00000001 00000002 00000001 75000000"),
                row(new OpResult.IoAdviseResult(Bitmap.of(2)), "0000003f 00000000 00000001 00000004"),
                row(
                        new OpResult.OffloadStatusResult(1, Optional.of(NfsStatus.IO)),
                        "00000043 00000000 00000000 00000001 00000001 00000005"),
                row(
                        new OpResult.ReadPlusResult(
                                true,
                                List.of(
                                        new ReadPlusContent.Data(1, ByteBuffer.wrap(new byte[] {9})),
                                        new ReadPlusContent.Hole(2, 3))),
                        "00000044 00000000 00000001 00000002 00000000 00000000 00000001 00000001 09000000 00000001 00000000 00000002 00000000 00000003"),
                row(new OpResult.SeekResult(true, 3), "00000045 00000000 00000001 00000000 00000003"),
                row(new OpResult.WriteSameResult(RESPONSE), "00000046 00000000", RESPONSE_WORDS),
                row(new OpResult.GetXattrResult(HANDLE), "00000048 00000000", HANDLE_WORDS),
                row(new OpResult.SetXattrResult(CHANGE), "00000049 00000000", CHANGE_WORDS),
                row(
                        new OpResult.ListXattrsResult(1, List.of("a", "bc"), true),
                        "0000004a 00000000 00000000 00000001 00000002 00000001 61000000 00000002 62630000 00000001"));
    }

    @ParameterizedTest
    @MethodSource
    void callbacks_stand_in_the_order_of_the_grammar(CbArgs args, String words) {
        var out = new XdrWriter();

        CallbackCodec.writeArgs(out, args);

        assertThat(out.toOpaque()).isEqualTo(Opaque.ofHex(words.replace(" ", "")));
        assertThat(CallbackCodec.readArgs(XdrReader.of(out.toOpaque()))).isEqualTo(args);
    }

    static Stream<Arguments> callbacks_stand_in_the_order_of_the_grammar() {
        return Stream.of(
                row(new CbArgs.CbGetAttrArgs(HANDLE, Bitmap.of(3)), "00000003", HANDLE_WORDS, "00000001 00000008"),
                row(new CbArgs.CbRecallArgs(ONE, true, HANDLE), "00000004", ONE_WORDS, "00000001", HANDLE_WORDS),
                row(
                        new CbArgs.CbLayoutRecallArgs(
                                LayoutType.SCSI,
                                Iomode.READ_WRITE,
                                true,
                                new LayoutRecallScope.OfFile(HANDLE, FileRange.toEnd(0x61), ONE)),
                        "00000005 00000005 00000002 00000001 00000001",
                        HANDLE_WORDS,
                        TO_END_WORDS,
                        ONE_WORDS),
                row(
                        new CbArgs.CbLayoutRecallArgs(
                                LayoutType.SCSI, Iomode.ANY, false, new LayoutRecallScope.OfFileSystem(new Fsid(1, 2))),
                        "00000005 00000005 00000003 00000000 00000002 00000000 00000001 00000000 00000002"),
                row(
                        new CbArgs.CbLayoutRecallArgs(LayoutType.SCSI, Iomode.ANY, false, new LayoutRecallScope.All()),
                        "00000005 00000005 00000003 00000000 00000003"),
                row(
                        new CbArgs.CbNotifyArgs(
                                ONE, HANDLE, List.of(new Notification(Bitmap.of(2), Opaque.ofHex("07")))),
                        "00000006",
                        ONE_WORDS,
                        HANDLE_WORDS,
                        "00000001 00000001 00000004 00000001 07000000"),
                row(
                        new CbArgs.CbPushDelegArgs(HANDLE, new OpenDelegation.None()),
                        "00000007",
                        HANDLE_WORDS,
                        "00000000"),
                row(new CbArgs.CbRecallAnyArgs(5, Bitmap.of(4)), "00000008 00000005 00000001 00000010"),
                row(new CbArgs.CbRecallableObjAvailArgs(5, Bitmap.of(4)), "00000009 00000005 00000001 00000010"),
                row(new CbArgs.CbRecallSlotArgs(6), "0000000a 00000006"),
                row(
                        new CbArgs.CbSequenceArgs(
                                ID, 1, 2, 3, false, List.of(new ReferringCalls(ID, List.of(new ReferringCall(4, 5))))),
                        "0000000b",
                        ID_WORDS,
                        "00000001 00000002 00000003 00000000 00000001",
                        ID_WORDS,
                        "00000001 00000004 00000005"),
                row(new CbArgs.CbWantsCancelledArgs(true, false), "0000000c 00000001 00000000"),
                row(new CbArgs.CbNotifyLockArgs(HANDLE, OWNER), "0000000d", HANDLE_WORDS, OWNER_WORDS),
                row(
                        new CbArgs.CbNotifyDeviceIdArgs(List.of(
                                new DeviceNotice.Deleted(LayoutType.SCSI, ID),
                                new DeviceNotice.Changed(LayoutType.SCSI, ID, true))),
                        "0000000e 00000002 00000001 00000004 00000014 00000005",
                        ID_WORDS,
                        "00000001 00000002 00000018 00000005",
                        ID_WORDS,
                        "00000001"),
                row(
                        new CbArgs.CbOffloadArgs(HANDLE, ONE, new OffloadOutcome.Done(RESPONSE)),
                        "0000000f",
                        HANDLE_WORDS,
                        ONE_WORDS,
                        "00000000",
                        RESPONSE_WORDS),
                row(
                        new CbArgs.CbOffloadArgs(HANDLE, ONE, new OffloadOutcome.Failed(NfsStatus.IO, 9)),
                        "0000000f",
                        HANDLE_WORDS,
                        ONE_WORDS,
                        "00000005 00000000 00000009"));
    }

    private static Arguments row(Object message, String... words) {
        return Arguments.of(message, String.join(" ", words));
    }
}
