package pnfs.wire.nfs4;

import java.util.List;
import pnfs.wire.xdr.Opaque;

/// `callback_sec_parms4`, RFC 8881 §18.33: how a server may sign its callbacks.
public sealed interface CallbackSecurity {
    record None() implements CallbackSecurity {}

    record Sys(int stamp, String machine, int uid, int gid, List<Integer> gids) implements CallbackSecurity {
        public Sys {
            gids = List.copyOf(gids);
        }
    }

    record Gss(int service, Opaque serverHandle, Opaque clientHandle) implements CallbackSecurity {}
}
