package pnfs.mds.compound;

import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutPubFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.OpSuccess;

/// The operations that only move filehandles: RFC 8881 §18.8, §18.19 to §18.21, §18.27, §18.28.
public final class FileHandleOperations {
    private final FileHandle root;
    private final Gate gate;

    /// The operations over one tree.
    ///
    /// @param root of PUTROOTFH, and of PUTPUBFH, which may be the same (RFC 8881 §4.1.2)
    public FileHandleOperations(FileHandle root, Gate gate) {
        this.root = root;
        this.gate = gate;
    }

    /// Adds them.
    public void register(OpTable table) {
        table.register(OpCode.PUTFH, PutFhArgs.class, (args, state) -> {
                    FileHandle file = FileHandle.fromWire(args.fileHandle());
                    gate.enter(file, state);
                    state.setCurrentFile(file);
                    return new OpSuccess(OpCode.PUTFH);
                })
                .register(OpCode.PUTROOTFH, PutRootFhArgs.class, (args, state) -> {
                    gate.enter(root, state);
                    state.setCurrentFile(root);
                    return new OpSuccess(OpCode.PUTROOTFH);
                })
                .register(OpCode.PUTPUBFH, PutPubFhArgs.class, (args, state) -> {
                    gate.enter(root, state);
                    state.setCurrentFile(root);
                    return new OpSuccess(OpCode.PUTPUBFH);
                })
                .register(
                        OpCode.GETFH,
                        GetFhArgs.class,
                        (args, state) -> new GetFhResult(state.currentFile().toWire()))
                .register(OpCode.SAVEFH, SaveFhArgs.class, (args, state) -> {
                    state.save();
                    return new OpSuccess(OpCode.SAVEFH);
                })
                .register(OpCode.RESTOREFH, RestoreFhArgs.class, (args, state) -> {
                    state.restore();
                    return new OpSuccess(OpCode.RESTOREFH);
                });
    }
}
