package pnfs.mds.attribute;

import java.util.List;
import pnfs.mds.compound.CompoundState;
import pnfs.wire.rpc.RpcCredential;

/// Who asks, as far as permissions go. Immutable.
///
/// @param uid, gid unsigned; uid 0 has privilege
/// @param groups further groups
public record Caller(int uid, int gid, List<Integer> groups) {
    private static final int NOBODY = 65534;
    private static final Caller STRANGER = new Caller(NOBODY, NOBODY, List.of());

    /// As whom the COMPOUND acts where its current file is.
    public static Caller of(CompoundState state) {
        return switch (state.permit().identity()) {
            case RpcCredential.Sys sys -> new Caller(sys.uid(), sys.gid(), sys.gids());
            case RpcCredential.None _ -> STRANGER;
        };
    }

    public boolean isPrivileged() {
        return uid == 0;
    }

    /// Privilege does not make one a member.
    public boolean isIn(int group) {
        return gid == group || groups.contains(group);
    }
}
