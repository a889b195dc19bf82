package pnfs.mds;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.RandomMessages;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// COMPOUNDs that get somewhere: few names, files that are opened right before they are used, small numbers.
final class FuzzOperations {
    static final int MOST_OPERATIONS = 12;
    static final List<String> NAMES = List.of("a", "b", "directory", "link");
    private static final Bitmap ATTRIBUTES = Bitmap.of(Attribute.TYPE, Attribute.SIZE, Attribute.CHANGE);
    private static final List<Class<? extends OpArgs>> OPERATIONS = RandomMessages.leaves(OpArgs.class);
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));

    /// Makes all bits of a byte: 2^64 / φ.
    private static final long SPREAD = 0x9e3779b97f4a7c15L;

    private FuzzOperations() {}

    /// Some operations, encoded, mostly such as find something to work on.
    static byte[] operations(RandomGenerator random) {
        var all = new ArrayList<OpArgs>();
        for (int i = random.nextInt(MOST_OPERATIONS / 2); i >= 0; i--) {
            if (random.nextInt(4) > 0) {
                all.add(new PutRootFhArgs());
            }
            switch (random.nextInt(8)) {
                case 0 -> all.add(anything(random));
                case 1, 2, 3 -> all.add(aboutNames(random));
                default -> {
                    all.add(open(NAMES.get(random.nextInt(NAMES.size()))));
                    all.add(aboutContent(random));
                    all.add(aboutContent(random));
                }
            }
        }
        byte[] whole = TestPeer.encode(2, all.toArray(OpArgs[]::new));
        return Arrays.copyOfRange(whole, 16, whole.length);
    }

    private static OpArgs anything(RandomGenerator random) {
        return new RandomMessages(random).of(OPERATIONS.get(random.nextInt(OPERATIONS.size())));
    }

    /// What finds something to work on in a directory: there are few names.
    private static OpArgs aboutNames(RandomGenerator random) {
        String name = NAMES.get(random.nextInt(NAMES.size()));
        return switch (random.nextInt(9)) {
            case 0 -> new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY);
            case 1 -> new CreateArgs(new CreateObject.Symlink(Opaque.ofUtf8(name)), "link", Fattr.EMPTY);
            case 2 -> new LookupArgs(name);
            case 3 -> new LookuppArgs();
            case 4 -> new RemoveArgs(name);
            case 5 -> new RenameArgs(name, NAMES.get(random.nextInt(NAMES.size())));
            case 6 -> random.nextBoolean() ? new SaveFhArgs() : new RestoreFhArgs();
            case 7 -> new GetAttrArgs(ATTRIBUTES);
            default -> new ReadDirArgs(random.nextInt(9), 0, 4096, random.nextInt(4096), ATTRIBUTES);
        };
    }

    /// What finds something to work on in a file that was opened just now: most of it is small.
    private static OpArgs aboutContent(RandomGenerator random) {
        long offset = random.nextInt(4) == 0 ? random.nextLong(Long.MAX_VALUE) : random.nextInt(40_000);
        int length = random.nextInt(9000);
        FileRange range = offset > Long.MAX_VALUE - length || random.nextBoolean()
                ? FileRange.toEnd(offset)
                : new FileRange(offset, offset + length);
        LayoutType type = random.nextBoolean() ? LayoutType.SCSI : LayoutType.BLOCK_VOLUME;
        return switch (random.nextInt(16)) {
            case 6 -> new AllocateArgs(Stateid.CURRENT, range);
            case 7 -> new DeallocateArgs(Stateid.CURRENT, range);
            case 8 -> new SeekArgs(Stateid.CURRENT, offset, random.nextBoolean() ? SeekWhat.DATA : SeekWhat.HOLE);
            case 9 -> new ReadPlusArgs(Stateid.CURRENT, offset, length);
            case 10 ->
                new LockArgs(
                        random.nextBoolean() ? LockType.READ : LockType.WRITE,
                        false,
                        range,
                        new Locker.NewOwner(0, Stateid.CURRENT, 0, OWNER));
            case 11 -> new SetXattrArgs(SetXattrMode.EITHER, "name" + length % 3, Opaque.of(new byte[length / 8]));
            case 12 ->
                new LayoutReturnArgs(
                        false, type, Iomode.ANY, new LayoutReturnScope.OfFile(range, Stateid.CURRENT, Opaque.EMPTY));
            case 13 ->
                new LayoutCommitArgs(
                        range,
                        false,
                        Stateid.CURRENT,
                        random.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(offset),
                        Optional.empty(),
                        new LayoutBody(type, random.nextBoolean() ? Opaque.EMPTY : written(type, random)));
            case 0 -> new WriteArgs(Stateid.CURRENT, offset, StableHow.FILE_SYNC, ByteBuffer.allocate(length / 4));
            case 1 -> new ReadArgs(Stateid.CURRENT, offset, length);
            case 2 -> new CloseArgs(0, Stateid.CURRENT);
            case 3 ->
                new SetAttrArgs(
                        Stateid.CURRENT,
                        AttributeCodec.write(Attributes.builder().size(offset).build()));
            default ->
                new LayoutGetArgs(
                        false,
                        type,
                        random.nextBoolean() ? Iomode.READ : Iomode.READ_WRITE,
                        range,
                        random.nextInt(1 + length),
                        Stateid.CURRENT,
                        length);
        };
    }

    /// Blocks that a client says it has written.
    private static Opaque written(LayoutType type, RandomGenerator random) {
        ByteRange blocks = ByteRange.ofLength(random.nextLong(8) * 4096, (1 + random.nextLong(4)) * 4096);
        return type == LayoutType.SCSI
                ? ScsiLayoutCodec.writeUpdate(List.of(blocks))
                : BlockLayoutCodec.writeUpdate(
                        List.of(new Extent(new DeviceId(0, 0, 0), blocks, 0, ExtentState.READ_WRITE_DATA)));
    }

    private static OpenArgs open(String name) {
        return new OpenArgs(
                0,
                ShareBits.BOTH | ShareBits.WANT_ANY_DELEG,
                0,
                OWNER,
                new OpenHow.Unchecked(Fattr.EMPTY),
                new OpenClaim.ByName(name));
    }

    /// A COMPOUND that promises `count` operations behind its SEQUENCE; fewer end it with BADXDR.
    static byte[] behindSequence(TestSession session, int count, byte[] operations) {
        byte[] head = TestPeer.encode(2, session.next(false));
        byte[] whole = Arrays.copyOf(head, head.length + operations.length);
        System.arraycopy(operations, 0, whole, head.length, operations.length);
        ByteBuffer.wrap(whole).putInt(12, 1 + count); // behind the tag's 8 bytes and the minor version
        return whole;
    }

    /// The same with a bit turned over, now and then.
    static byte[] mutated(byte[] operations, RandomGenerator random) {
        if (operations.length > 0 && random.nextInt(4) == 0) {
            operations[random.nextInt(operations.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        }
        return operations;
    }

    /// Chance as a fuzzer wants it: each byte decides one thing; what comes after the last is always the same.
    static RandomGenerator scripted(byte[] script) {
        var bytes = ByteBuffer.wrap(script);
        var rest = new SplittableRandom(1);
        return () -> bytes.hasRemaining() ? (bytes.get() & 0xff) * SPREAD : rest.nextLong();
    }
}
