package pnfs.it.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
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
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// What `pnfs bench mds` measures: one COMPOUND each, on files that nobody else uses.
enum MdsOperation {
    /// A call without a COMPOUND.
    NULL("NULL"),
    GETATTR("SEQUENCE PUTFH GETATTR"),
    LOOKUP("SEQUENCE PUTFH LOOKUP GETFH GETATTR"),
    OPEN("SEQUENCE PUTFH OPEN CLOSE"),
    MKDIR("SEQUENCE PUTFH SAVEFH CREATE RESTOREFH REMOVE"),
    CREATE("SEQUENCE PUTFH SAVEFH OPEN CLOSE RESTOREFH REMOVE"),
    /// Of 100 files, with attributes.
    READDIR("SEQUENCE PUTFH READDIR"),
    LOCK("SEQUENCE PUTFH LOCK LOCKU"),
    LAYOUTGET("SEQUENCE PUTFH LAYOUTGET LAYOUTRETURN");

    private static final int FILES = 100;
    private static final int REPLY_BYTES = 32 << 10;
    private static final FileRange PIECE = FileRange.of(0, 1 << 20);
    private static final Fattr MODE = AttributeCodec.write(
            Attributes.builder().uint32(Attribute.MODE, 0755).build());
    /// What Linux asks for.
    static final GetAttrArgs GET_ATTRIBUTES = new GetAttrArgs(Bitmap.of(
            Attribute.TYPE,
            Attribute.CHANGE,
            Attribute.SIZE,
            Attribute.FSID,
            Attribute.FILEID,
            Attribute.MODE,
            Attribute.NUMLINKS,
            Attribute.OWNER,
            Attribute.OWNER_GROUP,
            Attribute.RAWDEV,
            Attribute.SPACE_USED,
            Attribute.TIME_ACCESS,
            Attribute.TIME_METADATA,
            Attribute.TIME_MODIFY,
            Attribute.MOUNTED_ON_FILEID));

    private final String compound;

    MdsOperation(String compound) {
        this.compound = compound;
    }

    /// The operations that are sent together.
    String compound() {
        return compound;
    }

    /// Makes what is needed in `directory`, and gives the calls of each slot. Waits; not for loops.
    ///
    /// @param layoutType of LAYOUTGET
    List<Supplier<XdrWriter>> calls(BenchClient client, int slots, PutFhArgs directory, LayoutType layoutType)
            throws IOException, InterruptedException {
        return switch (this) {
            case NULL -> Collections.nCopies(slots, BenchClient::nullCall);
            case GETATTR -> client.compounds(directory, GET_ATTRIBUTES);
            case LOOKUP -> {
                create(client, directory, "file");
                yield client.compounds(directory, new LookupArgs("file"), new GetFhArgs(), GET_ATTRIBUTES);
            }
            case OPEN ->
                eachSlot(
                        client,
                        slots,
                        directory,
                        slot -> () -> new OpArgs[] {
                            directory,
                            open("file" + slot, slot, new OpenHow.NoCreate()),
                            new CloseArgs(0, Stateid.CURRENT)
                        });
            case MKDIR ->
                ofNewNames(client, slots, (slot, name) -> new OpArgs[] {
                    directory,
                    new SaveFhArgs(),
                    new CreateArgs(new CreateObject.Directory(), name, MODE),
                    new RestoreFhArgs(),
                    new RemoveArgs(name)
                });
            case CREATE ->
                ofNewNames(client, slots, (slot, name) -> new OpArgs[] {
                    directory,
                    new SaveFhArgs(),
                    open(name, slot, new OpenHow.Guarded(MODE)),
                    new CloseArgs(0, Stateid.CURRENT),
                    new RestoreFhArgs(),
                    new RemoveArgs(name)
                });
            case READDIR -> {
                for (int i = 0; i < FILES; i++) {
                    create(client, directory, "file" + i);
                }
                yield client.compounds(
                        directory, new ReadDirArgs(0, 0, REPLY_BYTES, REPLY_BYTES, GET_ATTRIBUTES.attributes()));
            }
            case LOCK -> locks(client, slots, directory);
            case LAYOUTGET -> layouts(client, slots, directory, layoutType);
        };
    }

    private static List<Supplier<XdrWriter>> eachSlot(
            BenchClient client, int slots, PutFhArgs directory, Function<Integer, Supplier<OpArgs[]>> operations)
            throws IOException, InterruptedException {
        for (int slot = 0; slot < slots; slot++) {
            create(client, directory, "file" + slot);
        }
        return IntStream.range(0, slots)
                .mapToObj(slot -> client.compounds(slot, operations.apply(slot)))
                .toList();
    }

    private interface OfName {
        OpArgs[] operations(int slot, String name);
    }

    /// Names that were not there before, as those who make files take them.
    private static List<Supplier<XdrWriter>> ofNewNames(BenchClient client, int slots, OfName operations) {
        return IntStream.range(0, slots)
                .mapToObj(slot -> {
                    var made = new int[1];
                    return client.compounds(slot, () -> operations.operations(slot, "new-" + slot + "-" + made[0]++));
                })
                .toList();
    }

    private static List<Supplier<XdrWriter>> locks(BenchClient client, int slots, PutFhArgs directory)
            throws IOException, InterruptedException {
        var all = new ArrayList<Supplier<XdrWriter>>();
        for (int slot = 0; slot < slots; slot++) {
            Opened file = openNew(client, directory, "file" + slot, slot);
            var owner = new StateOwner(0, Opaque.ofUtf8("locker-" + slot));
            List<OpResult> locked = client.ask(
                    file.handle(),
                    new LockArgs(LockType.WRITE, false, PIECE, new Locker.NewOwner(0, file.stateid(), 0, owner)));
            Stateid lock = ((LockResult) locked.getLast()).stateid().withSeqid(0);
            client.ask(file.handle(), new LockuArgs(LockType.WRITE, 0, lock, PIECE));
            OpArgs[] operations = {
                file.handle(),
                new LockArgs(LockType.WRITE, false, PIECE, new Locker.KnownOwner(lock, 0)),
                new LockuArgs(LockType.WRITE, 0, lock, PIECE)
            };
            all.add(client.compounds(slot, () -> operations));
        }
        return all;
    }

    private static List<Supplier<XdrWriter>> layouts(
            BenchClient client, int slots, PutFhArgs directory, LayoutType type)
            throws IOException, InterruptedException {
        var all = new ArrayList<Supplier<XdrWriter>>();
        for (int slot = 0; slot < slots; slot++) {
            Opened file = openNew(client, directory, "file" + slot, slot);
            OpArgs[] operations = {
                file.handle(),
                new LayoutGetArgs(false, type, Iomode.READ_WRITE, PIECE, PIECE.length(), file.stateid(), REPLY_BYTES),
                new LayoutReturnArgs(
                        false,
                        type,
                        Iomode.ANY,
                        new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, Stateid.CURRENT, Opaque.EMPTY))
            };
            all.add(client.compounds(slot, () -> operations));
        }
        return all;
    }

    /// A file that stays open; its stateid is good in whatever version.
    private record Opened(PutFhArgs handle, Stateid stateid) {}

    private static Opened openNew(BenchClient client, PutFhArgs directory, String name, int slot)
            throws IOException, InterruptedException {
        List<OpResult> results = client.ask(directory, open(name, slot, new OpenHow.Guarded(MODE)), new GetFhArgs());
        OpenResult open = (OpenResult) results.get(1);
        return new Opened(
                new PutFhArgs(((GetFhResult) results.getLast()).fileHandle()),
                open.stateid().withSeqid(0));
    }

    private static void create(BenchClient client, PutFhArgs directory, String name)
            throws IOException, InterruptedException {
        client.ask(directory, open(name, 0, new OpenHow.Guarded(MODE)), new CloseArgs(0, Stateid.CURRENT));
    }

    private static OpenArgs open(String name, int slot, OpenHow how) {
        return new OpenArgs(
                0,
                ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                0,
                new StateOwner(0, Opaque.ofUtf8("opener-" + slot)),
                how,
                new OpenClaim.ByName(name));
    }
}
