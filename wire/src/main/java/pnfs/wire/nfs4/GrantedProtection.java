package pnfs.wire.nfs4;

import java.util.List;
import pnfs.wire.xdr.Opaque;

/// `state_protect4_r`, RFC 8881 §18.35: what a server grants of a [StateProtection].
public sealed interface GrantedProtection {
    record None() implements GrantedProtection {}

    record MachineCredential(Bitmap mustEnforce, Bitmap mustAllow) implements GrantedProtection {}

    /// `hash` and `cipher` index the lists asked for.
    record Ssv(
            Bitmap mustEnforce,
            Bitmap mustAllow,
            int hash,
            int cipher,
            int ssvBytes,
            int window,
            List<Opaque> gssHandles)
            implements GrantedProtection {
        public Ssv {
            gssHandles = List.copyOf(gssHandles);
        }
    }
}
