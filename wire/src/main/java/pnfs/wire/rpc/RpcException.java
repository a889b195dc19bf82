package pnfs.wire.rpc;

import java.io.IOException;

/// A call that did not succeed, for those who wait for a future.
public final class RpcException extends IOException {
    private static final long serialVersionUID = 1L;
    private final transient RpcOutcome outcome;

    RpcException(RpcOutcome outcome) {
        super(
                switch (outcome) {
                    case RpcOutcome.Success ignored -> throw new IllegalArgumentException("that is a success");
                    case RpcOutcome.Rejected(RpcRejection why) -> "call rejected: " + why;
                    case RpcOutcome.Failed(RpcOutcome.Reason reason, String detail) ->
                        "call failed: " + reason + ", " + detail;
                });
        this.outcome = outcome;
    }

    /// A `Rejected` or a `Failed`.
    public RpcOutcome outcome() {
        return outcome;
    }
}
