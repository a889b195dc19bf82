package pnfs.wire.rpc;

import java.util.List;

/// Who a call says it is from: RFC 5531 §8.2, Appendix A. Immutable.
public sealed interface RpcCredential {
    /// AUTH_NONE.
    record None() implements RpcCredential {}

    /// AUTH_SYS; ids are unsigned 32-bit.
    record Sys(int stamp, String machine, int uid, int gid, List<Integer> gids) implements RpcCredential {
        public Sys {
            gids = List.copyOf(gids);
        }
    }
}
