package pnfs.mds.layout;

import java.util.List;
import java.util.Optional;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.GrantOutcome;
import pnfs.layout.grant.Iomode;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutStateid;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Want;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LayoutSegment;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutTryLater;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// LAYOUTGET, RFC 8881 §18.43. Answers at once; who is in the way is asked to go behind our back.
///
/// The reply has exactly one layout, because Linux takes no other number. It asks for its return on close:
/// Linux (6.1) sets the size in an open with O_TRUNC without returning first what it kept from the open before,
/// and would wait for the recall of its own layout.
public final class LayoutGet implements Operation<LayoutGetArgs> {
    /// Of the result, what stands around the layout: opcode, status, return_on_close, stateid, count.
    private static final int RESULT_BYTES = 4 * Integer.BYTES + Stateid.OTHER_BYTES + 2 * Integer.BYTES;

    private final Inodes inodes;
    private final FileLocks locks;
    private final OpenFiles opens;
    private final Clients clients;
    private final LayoutManager manager;
    private final FileLayouts layouts;
    private final LayoutBodies bodies;
    private final ClientLayouts held;
    private final Fences fences;
    private final LayoutRecalls recalls;

    LayoutGet(
            Inodes inodes,
            FileLocks locks,
            OpenFiles opens,
            Clients clients,
            LayoutManager manager,
            FileLayouts layouts,
            LayoutBodies bodies,
            ClientLayouts held,
            Fences fences,
            LayoutRecalls recalls) {
        this.inodes = inodes;
        this.locks = locks;
        this.opens = opens;
        this.clients = clients;
        this.manager = manager;
        this.layouts = layouts;
        this.bodies = bodies;
        this.held = held;
        this.fences = fences;
        this.recalls = recalls;
    }

    @Override
    public OpResult run(LayoutGetArgs args, CompoundState state) {
        FileHandle handle = state.currentFile();
        Want want = want(args, state);
        Stateid stateid = state.resolve(args.stateid());
        clients.grace().requireOver(state);
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            requireRegular(file);
            Optional<LayoutStateid> presented = Optional.empty();
            if (LayoutStateid.isLayout(stateid.other())) {
                presented = Optional.of(LayoutBodies.layoutStateid(args.stateid(), stateid, state));
            } else {
                requireOpen(stateid, file, want.iomode(), state);
                if (clients.wasToldOfLosses(state.clientId())) {
                    held.forgetLost(state.clientId()); // Linux frees no layout stateid: it begins anew
                }
            }
            if (recalls.isBulk(state.clientId(), want.type())) {
                throw new NfsException(NfsStatus.RECALLCONFLICT, "all layouts of the client are recalled");
            }
            boolean isRecalled = manager.isRecalled(file.id(), state.clientId(), want.type());
            if (!isRecalled && recalls.mustWait(file.id(), state.clientId())) {
                return new LayoutTryLater(false);
            }
            return grant(file, presented, want, state);
        }
    }

    /// A client that is losing all its layouts must not be left with this one. One that it held before is found by
    /// who takes them, one that is new perhaps not; the client has yet to hear of it.
    ///
    /// @throws NfsException EXPIRED when it was let go, DELAY while its key is being fenced
    private void requireKept(Inode file, LayoutType type, LayoutStateid granted, long clientId) {
        try {
            clients.checkLive(clientId);
            if (fences.isBarred(clientId)) {
                throw new NfsException(NfsStatus.DELAY, "layouts of this client are being taken");
            }
        } catch (NfsException taken) {
            if (granted.isFirst()) {
                held.giveBack(file.id(), clientId, Optional.of(type));
            }
            throw taken;
        }
    }

    /// Whatever else it is, unlike READ and WRITE (RFC 8881 §15.2).
    private static void requireRegular(Inode file) {
        if (!file.isRegular()) {
            throw new NfsException(NfsStatus.WRONG_TYPE, "layout of " + file + ", a " + file.type());
        }
    }

    /// What is asked for.
    ///
    /// @throws NfsException UNKNOWN_LAYOUTTYPE
    public Want want(LayoutGetArgs args, CompoundState state) {
        return new Want(
                bodies.require(args.type()),
                LayoutBodies.iomode(args.iomode()),
                args.range().offset(),
                length(args.range()),
                args.minLength() == Long.MAX_VALUE ? Want.TO_END : args.minLength(),
                Math.min(args.maxBytes(), Math.max(0, state.resultBytesLeft() - RESULT_BYTES)));
    }

    /// RFC 8881 §18.43.3: the special stateids of READ and WRITE give no layout.
    private void requireOpen(Stateid stateid, Inode file, Iomode iomode, CompoundState state) {
        if (stateid.isSpecial()) {
            throw new NfsException(NfsStatus.BAD_STATEID, "LAYOUTGET with the special stateid " + stateid);
        }
        opens.requireAccess(stateid, file, iomode == Iomode.READ ? ShareBits.READ : ShareBits.WRITE, state);
    }

    private OpResult grant(Inode file, Optional<LayoutStateid> presented, Want want, CompoundState state) {
        GrantOutcome outcome;
        if (want.iomode() == Iomode.READ) {
            outcome = decide(file, presented, want, state);
        } else {
            try (var _ = layouts.lockSpace()) {
                outcome = decide(file, presented, want, state);
            }
        }
        return answer(file, outcome, want, state);
    }

    /// What is granted, and stored.
    private GrantOutcome decide(Inode file, Optional<LayoutStateid> presented, Want want, CompoundState state) {
        GrantOutcome outcome = manager.grant(layouts.view(file), bodies.requester(state), presented, want);
        if (outcome instanceof GrantOutcome.Granted granted) {
            FileChange change = inodes.change();
            if (!granted.changes().isEmpty()) {
                change.put(FileLayouts.withSpaceUsed(file, granted.changes().allocatedBytes()));
            }
            held.granted(change.batch(), file.id(), state.session());
            if (want.iomode() == Iomode.READ && granted.changes().isEmpty()) {
                opens.states().append(change, state); // nothing of it can be committed, or needs the record
            } else {
                state.dependsOn(layouts.append(change, file.id(), granted.changes()));
            }
            // Storage that is not durably the file's must not be written to, and extents that a crash could take
            // back must not be read.
            state.dependsOn(layouts.ticketOf(file));
        }
        return outcome;
    }

    private OpResult answer(Inode file, GrantOutcome outcome, Want want, CompoundState state) {
        return switch (outcome) {
            case GrantOutcome.Granted granted -> {
                requireKept(file, want.type(), granted.stateid(), state.clientId());
                recalls.granted(file.id(), state.session());
                yield result(granted, want, state);
            }
            case GrantOutcome.Conflict(var holders) -> {
                recalls.met(file, holders, state.clientId());
                yield new LayoutTryLater(false);
            }
            case GrantOutcome.Refused(var refusal, var detail) -> {
                NfsException refused = FileLayouts.refused(refusal, detail);
                if (refused.status() == NfsStatus.LAYOUTTRYLATER) {
                    yield new LayoutTryLater(false);
                }
                throw refused;
            }
        };
    }

    private OpResult result(GrantOutcome.Granted granted, Want want, CompoundState state) {
        var stateid = new Stateid(granted.stateid().seqid(), granted.stateid().other());
        state.setCurrentStateid(stateid);
        ByteRange range = granted.range();
        var segment = new LayoutSegment(
                new FileRange(range.offset(), range.end()),
                LayoutBodies.iomode(granted.iomode()),
                new LayoutBody(
                        LayoutBodies.type(want.type()),
                        LayoutBodies.write(want.type(), fences.seenBy(state.clientId(), granted.extents()))));
        return new LayoutGetResult(true, stateid, List.of(segment));
    }

    private static long length(FileRange range) {
        return range.reachesEnd() ? Want.TO_END : range.length();
    }
}
