package pnfs.wire.nfs4;

import java.util.List;
import pnfs.wire.xdr.Opaque;

/// `state_protect4_a`, RFC 8881 §18.35: who may touch a client's state, as it asks for.
public sealed interface StateProtection {
    record None() implements StateProtection {}

    /// The bitmaps hold numbers of operations.
    record MachineCredential(Bitmap mustEnforce, Bitmap mustAllow) implements StateProtection {}

    /// Algorithms by object identifier.
    record Ssv(
            Bitmap mustEnforce, Bitmap mustAllow, List<Opaque> hashes, List<Opaque> ciphers, int window, int gssHandles)
            implements StateProtection {
        public Ssv {
            hashes = List.copyOf(hashes);
            ciphers = List.copyOf(ciphers);
        }
    }
}
