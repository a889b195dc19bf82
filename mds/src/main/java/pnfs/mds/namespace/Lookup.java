package pnfs.mds.namespace;

import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Gate;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpSuccess;

/// LOOKUP and LOOKUPP, RFC 8881 §18.13 and §18.14: a step down the tree, or up.
final class Lookup {
    private final Inodes inodes;
    private final Namespace namespace;
    private final Gate gate;

    Lookup(Inodes inodes, Namespace namespace, Gate gate) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.gate = gate;
    }

    OpResult down(LookupArgs args, CompoundState state) {
        Inode directory = inodes.requireCurrent(state);
        directory.requireNoLink();
        go(namespace.lookup(directory, args.name(), state).file(), state);
        return new OpSuccess(OpCode.LOOKUP);
    }

    OpResult up(LookuppArgs args, CompoundState state) {
        Inode directory = inodes.requireCurrent(state);
        directory.requireNoLink();
        var names = directory.directory();
        directory.requireAllowed(Caller.of(state), Rights.EXECUTE);
        if (names.parent().equals(directory.file())) {
            throw new NfsException(NfsStatus.NOENT, "nothing above the root");
        }
        go(names.parent(), state);
        return new OpSuccess(OpCode.LOOKUPP);
    }

    /// Passes the gate where another export begins.
    private void go(FileHandle file, CompoundState state) {
        if (Inodes.exportOf(file.inode()) != Inodes.exportOf(state.currentFile().inode())) {
            gate.enter(file, state);
        }
        state.setCurrentFile(file);
    }
}
