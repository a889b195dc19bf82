package pnfs.mds.open;

import java.util.Optional;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileLocks;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.Stateid;

/// TEST_STATEID and FREE_STATEID, RFC 8881 §18.48 and §18.38: how a client finds out what it lost, and says
/// that it knows.
final class Stateids {
    private final StateTable states;
    private final FileLocks locks;

    Stateids(StateTable states, FileLocks locks) {
        this.states = states;
        this.locks = locks;
    }

    OpResult test(TestStateidArgs args, CompoundState state) {
        return new TestStateidResult(
                args.stateids().stream().map(stateid -> status(stateid, state)).toList());
    }

    OpResult free(FreeStateidArgs args, CompoundState state) {
        Stateid stateid = state.resolve(args.stateid());
        Optional<NfsStatus> elsewhere = states.elsewhere().test(stateid, state);
        if (elsewhere.isPresent()) {
            switch (elsewhere.get()) {
                case DELEG_REVOKED -> states.elsewhere().free(stateid.other(), state.clientId());
                case OK -> throw new NfsException(NfsStatus.LOCKS_HELD, "layout " + stateid + ": return it first");
                default -> throw new NfsException(elsewhere.get(), "layout " + stateid);
            }
            return new OpSuccess(OpCode.FREE_STATEID);
        }
        long inode = states.find(stateid, state.clientId()).file().inode();
        try (var _ = locks.lock(inode)) {
            states.find(stateid, state.clientId()).free();
        }
        return new OpSuccess(OpCode.FREE_STATEID);
    }

    private NfsStatus status(Stateid stateid, CompoundState state) {
        Optional<NfsStatus> elsewhere = states.elsewhere().test(stateid, state);
        if (elsewhere.isPresent()) {
            return elsewhere.get();
        }
        try {
            states.require(stateid, state.clientId());
            return NfsStatus.OK;
        } catch (NfsException e) {
            return e.status();
        }
    }
}
