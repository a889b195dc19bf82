package pnfs.mds.layout;

import java.util.Optional;
import java.util.function.LongPredicate;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Return;
import pnfs.layout.grant.ReturnOutcome;
import pnfs.layout.grant.Want;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.mds.compound.RecalledException;
import pnfs.mds.layout.ClientLayouts.HeldFile;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.Stateid;

/// LAYOUTRETURN, RFC 8881 §18.44. The body that comes with it is for other layout types.
final class LayoutReturn implements Operation<LayoutReturnArgs> {
    private final Inodes inodes;
    private final FileLocks locks;
    private final Clients clients;
    private final LayoutManager manager;
    private final FileLayouts layouts;
    private final LayoutBodies bodies;
    private final ClientLayouts held;
    private final LayoutRecalls recalls;

    LayoutReturn(
            Inodes inodes,
            FileLocks locks,
            Clients clients,
            LayoutManager manager,
            FileLayouts layouts,
            LayoutBodies bodies,
            ClientLayouts held,
            LayoutRecalls recalls) {
        this.inodes = inodes;
        this.locks = locks;
        this.clients = clients;
        this.manager = manager;
        this.layouts = layouts;
        this.bodies = bodies;
        this.held = held;
        this.recalls = recalls;
    }

    @Override
    public OpResult run(LayoutReturnArgs args, CompoundState state) {
        LayoutType type = bodies.require(args.type());
        if (args.reclaim()) {
            clients.grace().requireReclaim(state);
            return new LayoutReturnResult(Optional.empty()); // whatever it was, it is not held any more
        }
        return switch (args.scope()) {
            case LayoutReturnScope.OfFile file -> ofFile(type, args, file, state);
            case LayoutReturnScope.OfFileSystem() -> {
                int export = Inodes.exportOf(inodes.requireCurrent(state).id());
                yield all(type, inode -> Inodes.exportOf(inode) == export, state);
            }
            case LayoutReturnScope.All() -> all(type, _ -> true, state);
        };
    }

    private OpResult all(LayoutType type, LongPredicate files, CompoundState state) {
        held.giveBackAll(state.clientId(), Optional.of(type), files);
        recalls.endBulk(state.clientId(), type);
        return new LayoutReturnResult(Optional.empty());
    }

    private OpResult ofFile(
            LayoutType type, LayoutReturnArgs args, LayoutReturnScope.OfFile scope, CompoundState state) {
        FileHandle handle = state.currentFile();
        if (recalls.isBulk(state.clientId(), type)) {
            throw new NfsException(NfsStatus.RECALLCONFLICT, "return all that was recalled, not one file");
        }
        var what = new Return(
                type,
                LayoutBodies.layoutStateid(scope.stateid(), state.resolve(scope.stateid()), state),
                LayoutBodies.iomode(args.iomode()),
                scope.range().offset(),
                scope.range().reachesEnd() ? Want.TO_END : scope.range().length());
        held.free(what.stateid().other(), state.clientId()); // where it lost it, it does not count on it any more
        Optional<Stateid> left;
        try (var _ = locks.lock(handle.inode())) {
            inodes.requireNotGone(handle, state);
            left = giveBack(held.require(handle.inode()), what, state);
        }
        left.ifPresent(state::setCurrentStateid);
        held.reap(handle.inode());
        return new LayoutReturnResult(left);
    }

    private Optional<Stateid> giveBack(HeldFile file, Return what, CompoundState state) {
        try (var _ = layouts.lockSpace()) {
            return switch (manager.giveBack(file.view(), bodies.requester(state), what)) {
                case ReturnOutcome.Returned(var stateid, var changes) -> {
                    state.dependsOn(held.append(file, state.clientId(), changes));
                    yield stateid.map(next -> new Stateid(next.seqid(), next.other()));
                }
                case ReturnOutcome.Early(var detail) -> throw new RecalledException(detail);
                case ReturnOutcome.Refused(var refusal, var detail) -> throw FileLayouts.refused(refusal, detail);
            };
        }
    }
}
