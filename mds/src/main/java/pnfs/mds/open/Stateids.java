package pnfs.mds.open;

import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.Stateid;

/// TEST_STATEID and FREE_STATEID, RFC 8881 §18.48 and §18.38: how a client finds out what it lost.
final class Stateids {
    private final OpenFiles opens;

    Stateids(OpenFiles opens) {
        this.opens = opens;
    }

    OpResult test(TestStateidArgs args, CompoundState state) {
        return new TestStateidResult(args.stateids().stream()
                .map(stateid -> status(stateid, state.clientId()))
                .toList());
    }

    /// What is open is not freed but closed; anything else is not there.
    OpResult free(FreeStateidArgs args, CompoundState state) {
        OpenState open = opens.require(state.resolve(args.stateid()), state.clientId());
        throw new NfsException(NfsStatus.LOCKS_HELD, open + " is still open");
    }

    private NfsStatus status(Stateid stateid, long clientId) {
        try {
            opens.require(stateid, clientId);
            return NfsStatus.OK;
        } catch (NfsException e) {
            return e.status();
        }
    }
}
