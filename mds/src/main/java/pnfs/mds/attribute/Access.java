package pnfs.mds.attribute;

import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.AccessBits;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.AccessArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.AccessResult;

/// ACCESS, RFC 8881 §18.1: what the caller may do, as far as permissions decide it. Bits that mean nothing for
/// the kind of file are not among the supported ones.
final class Access implements Operation<AccessArgs> {
    private static final int XATTR = AccessBits.XATTR_READ | AccessBits.XATTR_WRITE | AccessBits.XATTR_LIST;
    private static final int CHANGES =
            AccessBits.MODIFY | AccessBits.EXTEND | AccessBits.DELETE | AccessBits.XATTR_WRITE;
    private static final int OF_DIRECTORY =
            AccessBits.READ | AccessBits.LOOKUP | AccessBits.MODIFY | AccessBits.EXTEND | AccessBits.DELETE | XATTR;
    private static final int OF_OTHERS = AccessBits.READ | AccessBits.MODIFY | AccessBits.EXTEND | AccessBits.EXECUTE;

    private final Inodes inodes;

    Access(Inodes inodes) {
        this.inodes = inodes;
    }

    @Override
    public OpResult run(AccessArgs args, CompoundState state) {
        Inode inode = inodes.requireCurrent(state);
        int known = (OF_DIRECTORY | OF_OTHERS) & (state.minorVersion() >= 2 ? -1 : ~XATTR);
        if ((args.access() & ~known) != 0) {
            throw new NfsException(NfsStatus.INVAL, "access bits " + Integer.toHexString(args.access()));
        }
        int supported = args.access() & meaningful(inode);
        Caller caller = Caller.of(state);
        int allowed = 0;
        int possible = state.permit().readOnly() ? supported & ~CHANGES : supported;
        for (int left = possible; left != 0; left &= left - 1) {
            int bit = Integer.lowestOneBit(left);
            if (inode.allows(caller, wanted(bit, inode.isDirectory()))) {
                allowed |= bit;
            }
        }
        return new AccessResult(supported, allowed);
    }

    private static int meaningful(Inode inode) {
        return switch (inode.content()) {
            case Content.Directory _ -> OF_DIRECTORY;
            case Content.Regular _ -> OF_OTHERS | XATTR;
            case Content.Symlink _, Content.Device _, Content.Meeting _ -> OF_OTHERS;
        };
    }

    private static int wanted(int bit, boolean isDirectory) {
        return switch (bit) {
            case AccessBits.READ, AccessBits.XATTR_READ, AccessBits.XATTR_LIST -> Rights.READ;
            case AccessBits.XATTR_WRITE -> Rights.WRITE;
            case AccessBits.LOOKUP, AccessBits.EXECUTE -> Rights.EXECUTE;
            default -> isDirectory ? Rights.WRITE | Rights.EXECUTE : Rights.WRITE;
        };
    }
}
