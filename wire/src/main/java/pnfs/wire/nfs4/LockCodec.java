package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readOwner;
import static pnfs.wire.nfs4.CommonCodec.readRange;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.writeOwner;
import static pnfs.wire.nfs4.CommonCodec.writeRange;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Byte-range locks: RFC 8881 §18.10 to §18.12. Every read undoes the write of the same name.
final class LockCodec {
    private LockCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.LockFamily family) {
        switch (family) {
            case OpArgs.LockArgs args -> writeLockArgs(out, args);
            case OpArgs.LocktArgs args -> writeLocktArgs(out, args);
            case OpArgs.LockuArgs args -> writeLockuArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.LockFamily family) {
        switch (family) {
            case OpResult.LockResult result -> writeLockResult(out, result);
            case OpResult.LockuResult result -> writeLockuResult(out, result);
            case OpResult.LockDenied result -> writeLockDenied(out, result);
        }
    }

    private static void writeLockArgs(XdrWriter out, OpArgs.LockArgs args) {
        out.writeUint32(args.type().wire());
        out.writeBool(args.reclaim());
        writeRange(out, args.range());
        writeLocker(out, args.locker());
    }

    static OpArgs.LockArgs readLockArgs(XdrReader in) {
        var type = LockType.fromWire(in.readUint32());
        var reclaim = in.readBool();
        var range = readRange(in);
        var locker = readLocker(in);
        return new OpArgs.LockArgs(type, reclaim, range, locker);
    }

    private static void writeLockResult(XdrWriter out, OpResult.LockResult result) {
        writeStateid(out, result.stateid());
    }

    static OpResult.LockResult readLockResult(XdrReader in) {
        var stateid = readStateid(in);
        return new OpResult.LockResult(stateid);
    }

    private static void writeLocktArgs(XdrWriter out, OpArgs.LocktArgs args) {
        out.writeUint32(args.type().wire());
        writeRange(out, args.range());
        writeOwner(out, args.owner());
    }

    static OpArgs.LocktArgs readLocktArgs(XdrReader in) {
        var type = LockType.fromWire(in.readUint32());
        var range = readRange(in);
        var owner = readOwner(in);
        return new OpArgs.LocktArgs(type, range, owner);
    }

    private static void writeLockuArgs(XdrWriter out, OpArgs.LockuArgs args) {
        out.writeUint32(args.type().wire());
        out.writeUint32(args.sequence());
        writeStateid(out, args.stateid());
        writeRange(out, args.range());
    }

    static OpArgs.LockuArgs readLockuArgs(XdrReader in) {
        var type = LockType.fromWire(in.readUint32());
        var sequence = in.readUint32();
        var stateid = readStateid(in);
        var range = readRange(in);
        return new OpArgs.LockuArgs(type, sequence, stateid, range);
    }

    private static void writeLockuResult(XdrWriter out, OpResult.LockuResult result) {
        writeStateid(out, result.stateid());
    }

    static OpResult.LockuResult readLockuResult(XdrReader in) {
        var stateid = readStateid(in);
        return new OpResult.LockuResult(stateid);
    }

    private static void writeLockDenied(XdrWriter out, OpResult.LockDenied result) {
        writeRange(out, result.range());
        out.writeUint32(result.type().wire());
        writeOwner(out, result.owner());
    }

    static OpResult.LockDenied readLockDenied(XdrReader in, OpCode op) {
        var range = readRange(in);
        var type = LockType.fromWire(in.readUint32());
        return new OpResult.LockDenied(op, range, type, readOwner(in));
    }

    private static void writeLocker(XdrWriter out, Locker locker) {
        switch (locker) {
            case Locker.NewOwner newOwner -> {
                out.writeBool(true);
                out.writeUint32(newOwner.openSequence());
                writeStateid(out, newOwner.open());
                out.writeUint32(newOwner.lockSequence());
                writeOwner(out, newOwner.owner());
            }
            case Locker.KnownOwner known -> {
                out.writeBool(false);
                writeStateid(out, known.lock());
                out.writeUint32(known.lockSequence());
            }
        }
    }

    private static Locker readLocker(XdrReader in) {
        if (in.readBool()) {
            int openSequence = in.readUint32();
            var open = readStateid(in);
            int lockSequence = in.readUint32();
            return new Locker.NewOwner(openSequence, open, lockSequence, readOwner(in));
        }
        var lock = readStateid(in);
        return new Locker.KnownOwner(lock, in.readUint32());
    }
}
