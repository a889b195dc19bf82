package pnfs.mds.export;

import java.net.InetSocketAddress;
import java.util.List;
import pnfs.mds.compound.Permit;
import pnfs.wire.rpc.RpcCredential;

/// How clients of a subnet may use an export. Immutable.
///
/// @param anonUid, anonGid as whom those act who are not taken at their word
record ExportRule(Subnet subnet, Access access, Ports ports, Squash squash, int anonUid, int anonGid) {
    private static final int FIRST_UNPRIVILEGED_PORT = 1024;

    enum Access {
        READ_ONLY,
        READ_WRITE
    }

    /// Which ports of a client's machine a call may come from.
    enum Ports {
        ANY,
        /// Those that only its root can use.
        PRIVILEGED
    }

    /// Who is not taken at his word.
    enum Squash {
        NONE,
        ROOT,
        ALL
    }

    boolean admits(InetSocketAddress peer) {
        return subnet.contains(peer.getAddress()) && (ports == Ports.ANY || peer.getPort() < FIRST_UNPRIVILEGED_PORT);
    }

    /// What somebody may do who says that he is `credential`.
    Permit permit(RpcCredential credential) {
        return new Permit(identity(credential), access == Access.READ_ONLY);
    }

    private RpcCredential identity(RpcCredential credential) {
        return switch (credential) {
            case RpcCredential.None _ -> new RpcCredential.Sys(0, "", anonUid, anonGid, List.of());
            case RpcCredential.Sys sys ->
                switch (squash) {
                    case NONE -> sys;
                    case ALL -> new RpcCredential.Sys(sys.stamp(), sys.machine(), anonUid, anonGid, List.of());
                    case ROOT ->
                        new RpcCredential.Sys(
                                sys.stamp(),
                                sys.machine(),
                                sys.uid() == 0 ? anonUid : sys.uid(),
                                group(sys.gid()),
                                sys.gids().stream().map(this::group).toList());
                };
        };
    }

    private int group(int gid) {
        return gid == 0 ? anonGid : gid;
    }
}
