package pnfs.mds.attribute;

import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.SetAttrResult;

/// SETATTR, RFC 8881 §18.30: all of it or nothing.
final class SetAttr implements Operation<SetAttrArgs> {
    private final Inodes inodes;
    private final FileLocks locks;
    private final FileAttributes attributes;
    private final FileSpace space;
    private final WriteAccess access;

    SetAttr(Inodes inodes, FileLocks locks, FileAttributes attributes, FileSpace space, WriteAccess access) {
        this.inodes = inodes;
        this.locks = locks;
        this.attributes = attributes;
        this.space = space;
        this.access = access;
    }

    @Override
    public OpResult run(SetAttrArgs args, CompoundState state) {
        return new SetAttrResult(NfsStatus.OK, set(args, state));
    }

    private Bitmap set(SetAttrArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        state.requireWritable();
        SetAttributes wanted = SetAttributes.forChange(args.attributes(), attributes, state);
        try (var _ = locks.lock(file.inode())) {
            Inode before = inodes.require(file, state);
            if (wanted.isEmpty()) {
                return Bitmap.EMPTY;
            }
            Inode after = wanted.applyTo(before, Caller.of(state), state.now());
            FileChange change = inodes.change();
            if (wanted.hasSize()) {
                requireRegular(before);
                access.requireWrite(state.resolve(args.stateid()), before, state);
                long spaceUsed = space.resize(change, before, wanted.size());
                after = resized(after, wanted, spaceUsed, state);
            }
            change.put(after);
            change.append(state);
            return wanted.names();
        }
    }

    private static void requireRegular(Inode inode) {
        if (inode.isDirectory()) {
            throw new NfsException(NfsStatus.ISDIR, "size of " + inode);
        }
        if (!inode.isRegular()) {
            throw new NfsException(NfsStatus.INVAL, "size of " + inode + ", a " + inode.type());
        }
    }

    private static Inode resized(Inode inode, SetAttributes wanted, long spaceUsed, CompoundState state) {
        NfsTime modified = wanted.setsModified() ? inode.times().modified() : state.now();
        Inode resized = inode.written(wanted.size(), spaceUsed, modified, state.now());
        boolean keepsSetId = Caller.of(state).isPrivileged() || wanted.setsMode();
        return keepsSetId ? resized : resized.described(inode.rights().withoutSetId(), resized.times(), state.now());
    }
}
