package pnfs.client;

import com.sun.security.auth.module.UnixSystem;
import java.util.Arrays;
import pnfs.wire.rpc.RpcCredential;

/// Who runs this process, as AUTH_SYS tells it.
final class ProcessOwner {
    private static final int MAX_GROUPS = 16; // RFC 5531 appendix A
    private static final String MACHINE = "pnfs";

    private ProcessOwner() {}

    static RpcCredential credential() {
        var system = new UnixSystem();
        var groups = Arrays.stream(system.getGroups())
                .limit(MAX_GROUPS)
                .mapToObj(gid -> (int) gid)
                .toList();
        return new RpcCredential.Sys(0, MACHINE, (int) system.getUid(), (int) system.getGid(), groups);
    }
}
