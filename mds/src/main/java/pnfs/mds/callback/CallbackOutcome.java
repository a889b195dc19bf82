package pnfs.mds.callback;

import pnfs.wire.nfs4.CbResult;

/// What became of a callback.
public sealed interface CallbackOutcome {
    /// The client has answered; DELAY is an answer too.
    record Answered(CbResult result) implements CallbackOutcome {}

    /// No session of the client can carry it now. It may have been executed all the same.
    record Unreachable(String why) implements CallbackOutcome {}
}
