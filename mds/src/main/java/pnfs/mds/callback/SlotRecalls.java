package pnfs.mds.callback;

import pnfs.mds.session.Backchannel;
import pnfs.mds.session.SessionLimits;
import pnfs.mds.session.Sessions;
import pnfs.wire.nfs4.CbArgs.CbRecallSlotArgs;

/// Asks clients for slots that the server has no room for, CB_RECALL_SLOT (RFC 8881 §20.8). Who sends requests
/// reads the same in the answer of each SEQUENCE; this reaches those that are idle and keep replies nobody will
/// ask for.
public final class SlotRecalls {
    private final Sessions sessions;
    private final Callbacks callbacks;

    public SlotRecalls(Sessions sessions, Callbacks callbacks) {
        this.sessions = sessions;
        this.callbacks = callbacks;
    }

    /// To be called every now and then.
    public void tick() {
        for (Backchannel session : sessions.overgrown()) {
            callbacks.send(session, new CbRecallSlotArgs(SessionLimits.FEW_SLOTS - 1));
        }
    }
}
