package pnfs.mds.delegation;

import java.util.function.BiFunction;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.session.Clients;
import pnfs.mds.store.Batch;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.GetDirDelegationArgs;
import pnfs.wire.nfs4.OpArgs.WantDelegationArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.DirDelegationUnavailable;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.OpResult.WantDelegationResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// DELEGRETURN, WANT_DELEGATION and GET_DIR_DELEGATION: RFC 8881 §18.6, §18.49, §18.39. Directories are never
/// delegated.
public final class DelegationOperations {
    private final Inodes inodes;
    private final FileLocks locks;
    private final OpenFiles opens;
    private final Delegations delegations;
    private final Clients clients;

    private DelegationOperations(
            Inodes inodes, FileLocks locks, OpenFiles opens, Delegations delegations, Clients clients) {
        this.inodes = inodes;
        this.locks = locks;
        this.opens = opens;
        this.delegations = delegations;
        this.clients = clients;
    }

    /// Adds the operations, and has whoever opens or changes a file ask about its delegations first.
    public static void register(
            OpTable ops, Inodes inodes, FileLocks locks, OpenFiles opens, Delegations delegations, Clients clients) {
        var operations = new DelegationOperations(inodes, locks, opens, delegations, clients);
        ops.register(OpCode.DELEGRETURN, DelegReturnArgs.class, operations::giveBack)
                .register(OpCode.WANT_DELEGATION, WantDelegationArgs.class, operations::want)
                .register(
                        OpCode.GET_DIR_DELEGATION,
                        GetDirDelegationArgs.class,
                        (_, _) -> new DirDelegationUnavailable(false));
        opens.delegateBy(delegations);
        inodes.delegateTo(delegations);
        clients.addHolder(delegations);
    }

    /// The file may be gone by now.
    private OpResult giveBack(DelegReturnArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        Stateid stateid = state.resolve(args.stateid());
        try (var _ = locks.lock(file.inode())) {
            delegations.giveBack(opens.states().require(Delegation.class, stateid, file, state));
        }
        return new OpSuccess(OpCode.DELEGRETURN);
    }

    private OpResult want(WantDelegationArgs args, CompoundState state) {
        int want = args.want() & ShareBits.WANT_MASK;
        return switch (args.claim()) {
            case OpenClaim.ByHandle() -> {
                clients.grace().requireOver(state);
                int access = want == ShareBits.WANT_READ_DELEG ? ShareBits.READ : ShareBits.BOTH;
                yield delegate(state, (batch, file) -> {
                    delegations.requireNone(file, access, state);
                    return delegations.offer(batch, file, access, want, state);
                });
            }
            case OpenClaim.Previous(var type) -> {
                clients.grace().requireReclaim(state);
                yield delegate(state, (batch, file) -> delegations.reclaim(batch, file, type, state));
            }
            case OpenClaim.DelegatePreviousByHandle() ->
                throw new NfsException(NfsStatus.NOTSUPP, "delegations do not outlive their client");
        };
    }

    private OpResult delegate(CompoundState state, BiFunction<Batch, Inode, OpenDelegation> how) {
        FileHandle handle = state.currentFile();
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            file.regular();
            FileChange change = inodes.change();
            OpenDelegation answer = how.apply(change.batch(), file);
            opens.states().append(change, state);
            return new WantDelegationResult(answer);
        }
    }
}
