package pnfs.mds.namespace;

import java.util.List;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.SecinfoArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoNoNameArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.SecinfoNoNameResult;
import pnfs.wire.nfs4.OpResult.SecinfoResult;
import pnfs.wire.nfs4.SecinfoStyle;
import pnfs.wire.nfs4.SecurityFlavor;

/// SECINFO and SECINFO_NO_NAME, RFC 8881 §18.29 and §18.45: by which credentials a file can be reached. The
/// same everywhere: AUTH_SYS, and AUTH_NONE for acting as nobody. Both use up the current filehandle.
final class Secinfo {
    private static final int AUTH_SYS = 1;
    private static final int AUTH_NONE = 0;
    private static final List<SecurityFlavor> FLAVORS =
            List.of(new SecurityFlavor.Plain(AUTH_SYS), new SecurityFlavor.Plain(AUTH_NONE));

    private final Inodes inodes;
    private final Namespace namespace;

    Secinfo(Inodes inodes, Namespace namespace) {
        this.inodes = inodes;
        this.namespace = namespace;
    }

    OpResult byName(SecinfoArgs args, CompoundState state) {
        namespace.lookup(inodes.requireCurrent(state), args.name(), state);
        state.clearCurrentFile();
        return new SecinfoResult(FLAVORS);
    }

    OpResult withoutName(SecinfoNoNameArgs args, CompoundState state) {
        Inode inode = inodes.requireCurrent(state);
        if (args.style() == SecinfoStyle.PARENT) {
            if (inode.directory().parent().equals(inode.file())) {
                throw new NfsException(NfsStatus.NOENT, "nothing above the root");
            }
        }
        state.clearCurrentFile();
        return new SecinfoNoNameResult(FLAVORS);
    }
}
