package pnfs.mds.layout;

import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.grant.Commit;
import pnfs.layout.grant.CommitOutcome;
import pnfs.layout.grant.CommitOutcome.Committed;
import pnfs.layout.grant.LayoutFile;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Refusal;
import pnfs.layout.grant.Want;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutCommitResult;

/// LAYOUTCOMMIT, RFC 8881 §18.42: what was written to storage becomes the file's data, in one step with its size,
/// times and change attribute. The reply leaves when all of it is durable; the data was, when the data server
/// acknowledged it.
final class LayoutCommit implements Operation<LayoutCommitArgs> {
    private static final Logger log = LoggerFactory.getLogger(LayoutCommit.class);

    private final Inodes inodes;
    private final FileLocks locks;
    private final Clients clients;
    private final LayoutManager manager;
    private final FileLayouts layouts;
    private final LayoutBodies bodies;

    LayoutCommit(
            Inodes inodes,
            FileLocks locks,
            Clients clients,
            LayoutManager manager,
            FileLayouts layouts,
            LayoutBodies bodies) {
        this.inodes = inodes;
        this.locks = locks;
        this.clients = clients;
        this.manager = manager;
        this.layouts = layouts;
        this.bodies = bodies;
    }

    @Override
    public OpResult run(LayoutCommitArgs args, CompoundState state) {
        FileHandle handle = state.currentFile();
        LayoutType type = bodies.require(args.update().type());
        if (args.reclaim()) {
            clients.grace().requireReclaim(state);
        }
        var commit = new Commit(
                type,
                LayoutBodies.layoutStateid(args.stateid(), state.resolve(args.stateid()), state),
                args.range().offset(),
                args.range().reachesEnd() ? Want.TO_END : args.range().length(),
                args.lastWriteOffset(),
                LayoutBodies.readWritten(type, args.update().body()));
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            file.regular();
            return switch (decide(args.reclaim(), commit, layouts.view(file), state)) {
                case Committed committed -> committed(file, committed, args, state);
                case CommitOutcome.Refused(var refusal, var detail) -> throw FileLayouts.refused(refusal, detail);
            };
        }
    }

    private CommitOutcome decide(boolean reclaim, Commit commit, LayoutFile file, CompoundState state) {
        long former = clients.formerId(state.clientId());
        if (reclaim) {
            return manager.reclaim(file, commit, former);
        }
        CommitOutcome outcome = manager.commit(file, bodies.requester(state), commit);
        boolean isUnknown =
                outcome instanceof CommitOutcome.Refused refused && refused.refusal() == Refusal.BAD_STATEID;
        return isUnknown && former != 0 && manager.isOfEarlierRun(commit.stateid())
                ? manager.commitLate(file, commit, former)
                : outcome;
    }

    private OpResult committed(Inode file, Committed committed, LayoutCommitArgs args, CompoundState state) {
        if (committed.lostRanges()) {
            log.warn(
                    "commit without a size listed ranges client={} inode={} bytes={}: a Linux client up to 6.12 may have"
                            + " lost the ranges before these",
                    Long.toHexString(state.clientId()),
                    file.id(),
                    committed.writtenBytes());
        }
        Inode written = file.written(
                committed.newSize(), committed.changes().allocatedBytes(), modified(file, args, state), state.now());
        if (!Caller.of(state).isPrivileged()) {
            written = written.described(written.rights().withoutSetId(), written.times(), state.now());
        }
        FileChange change = inodes.change();
        change.put(written);
        state.dependsOn(layouts.append(change, file.id(), committed.changes()));
        state.dependsOn(layouts.ticketOf(file));
        return new LayoutCommitResult(
                committed.newSize() == file.size() ? OptionalLong.empty() : OptionalLong.of(committed.newSize()));
    }

    /// The client may know better when it wrote, but time does not go back.
    private static NfsTime modified(Inode file, LayoutCommitArgs args, CompoundState state) {
        return args.modified()
                .filter(suggested -> suggested.compareTo(file.times().modified()) > 0)
                .orElse(state.now());
    }
}
