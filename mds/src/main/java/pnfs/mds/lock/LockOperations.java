package pnfs.mds.lock;

import java.util.Optional;
import java.util.function.Supplier;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.lock.ByteRangeLocks.Held;
import pnfs.mds.lock.ByteRangeLocks.Kind;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenState;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LockDenied;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.LockuResult;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;

/// LOCK, LOCKT and LOCKU, RFC 8881 §18.10 to §18.12.
public final class LockOperations {
    /// Clients that one operation lets go; a further one is in the way for another try.
    private static final int HOLDERS_LET_GO = 8;

    private final Inodes inodes;
    private final FileLocks locks;
    private final OpenFiles opens;
    private final LockTable table;
    private final Clients clients;

    private LockOperations(Inodes inodes, FileLocks locks, OpenFiles opens, LockTable table, Clients clients) {
        this.inodes = inodes;
        this.locks = locks;
        this.opens = opens;
        this.table = table;
        this.clients = clients;
    }

    /// Adds the operations, and sees to it that locks end with the opens they were taken through.
    public static void register(
            OpTable ops, Inodes inodes, FileLocks locks, OpenFiles opens, LockTable table, Clients clients) {
        var operations = new LockOperations(inodes, locks, opens, table, clients);
        ops.register(OpCode.LOCK, LockArgs.class, operations::lock)
                .register(OpCode.LOCKT, LocktArgs.class, operations::test)
                .register(OpCode.LOCKU, LockuArgs.class, operations::unlock);
        opens.addEnd(table);
    }

    private OpResult lock(LockArgs args, CompoundState state) {
        return courteously(state, () -> tryLock(args, state));
    }

    private OpResult test(LocktArgs args, CompoundState state) {
        return courteously(state, () -> tryTest(args, state));
    }

    /// A client whose lease is over keeps nobody from a lock: it is let go, and the operation done again.
    private OpResult courteously(CompoundState state, Supplier<OpResult> operation) {
        OpResult result = operation.get();
        for (int i = 0; i < HOLDERS_LET_GO && result instanceof LockDenied denied; i++) {
            if (!clients.releaseIfLapsed(denied.owner().clientId(), state.nowNanos())) {
                return denied;
            }
            result = operation.get();
        }
        return result;
    }

    private OpResult tryLock(LockArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        Kind kind = Kind.of(args.type());
        requireNotEmpty(args.range());
        if (args.reclaim()) {
            clients.grace().requireReclaim(state);
        } else {
            clients.grace().requireOver(state);
        }
        try (var _ = locks.lock(file.inode())) {
            inodes.require(file, state).regular();
            LockState lock = lockOf(args.locker(), file, state);
            int needed = kind == Kind.WRITE ? ShareBits.WRITE : ShareBits.READ;
            if ((lock.access() & needed) == 0) {
                throw new NfsException(NfsStatus.OPENMODE, lock.open() + " has access " + lock.access());
            }
            Optional<Held<LockOwner>> conflict = table.conflict(file.inode(), lock.owner(), args.range(), kind);
            if (conflict.isPresent()) {
                if (args.type() == LockType.READW || args.type() == LockType.WRITEW) {
                    table.await(file.inode(), lock.owner(), args.range(), kind);
                }
                return denied(OpCode.LOCK, conflict.get());
            }
            FileChange change = inodes.change();
            table.lock(change.batch(), lock, args.range(), kind);
            opens.states().append(change, state);
            state.setCurrentStateid(lock.stateid());
            return new LockResult(lock.stateid());
        }
    }

    private LockState lockOf(Locker locker, FileHandle file, CompoundState state) {
        return switch (locker) {
            case Locker.NewOwner first -> {
                Stateid stateid = state.resolve(first.open());
                OpenState open = opens.states().require(OpenState.class, stateid, file, state);
                yield table.under(open, owner(first.owner(), state));
            }
            case Locker.KnownOwner known ->
                opens.states().require(LockState.class, state.resolve(known.lock()), file, state);
        };
    }

    private OpResult tryTest(LocktArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        requireNotEmpty(args.range());
        clients.grace().requireOver(state);
        try (var _ = locks.lock(file.inode())) {
            inodes.require(file, state).regular();
            return table.conflict(file.inode(), owner(args.owner(), state), args.range(), Kind.of(args.type()))
                    .<OpResult>map(held -> denied(OpCode.LOCKT, held))
                    .orElse(new OpSuccess(OpCode.LOCKT));
        }
    }

    private OpResult unlock(LockuArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        requireNotEmpty(args.range());
        inodes.require(file, state).regular();
        try (var _ = locks.lock(file.inode())) {
            Stateid stateid = state.resolve(args.stateid());
            LockState lock = opens.states().require(LockState.class, stateid, file, state);
            FileChange change = inodes.change();
            table.unlock(change.batch(), lock, args.range());
            opens.states().append(change, state);
            state.setCurrentStateid(lock.stateid());
            return new LockuResult(lock.stateid());
        }
    }

    private static OpResult denied(OpCode op, Held<LockOwner> held) {
        return new LockDenied(
                op,
                held.range(),
                held.kind() == Kind.WRITE ? LockType.WRITE : LockType.READ,
                new StateOwner(held.owner().clientId(), held.owner().owner()));
    }

    private static LockOwner owner(StateOwner named, CompoundState state) {
        return new LockOwner(state.clientId(), named.owner());
    }

    private static void requireNotEmpty(FileRange range) {
        if (range.isEmpty()) {
            throw new NfsException(NfsStatus.INVAL, "a lock of no byte at " + range.offset());
        }
    }
}
