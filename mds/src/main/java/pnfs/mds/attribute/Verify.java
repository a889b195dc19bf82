package pnfs.mds.attribute;

import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.NverifyArgs;
import pnfs.wire.nfs4.OpArgs.VerifyArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpSuccess;

/// VERIFY and NVERIFY, RFC 8881 §18.31 and §18.15: the COMPOUND goes on while attributes are, or are not, what
/// the client thinks. Values are compared as they are written.
final class Verify {
    private final Inodes inodes;
    private final FileAttributes attributes;

    Verify(Inodes inodes, FileAttributes attributes) {
        this.inodes = inodes;
        this.attributes = attributes;
    }

    OpResult same(VerifyArgs args, CompoundState state) {
        if (!isSame(args.attributes(), state)) {
            throw new NfsException(
                    NfsStatus.NOT_SAME, "attributes " + args.attributes().attributes());
        }
        return new OpSuccess(OpCode.VERIFY);
    }

    OpResult notSame(NverifyArgs args, CompoundState state) {
        if (isSame(args.attributes(), state)) {
            throw new NfsException(
                    NfsStatus.SAME, "attributes " + args.attributes().attributes());
        }
        return new OpSuccess(OpCode.NVERIFY);
    }

    private boolean isSame(Fattr expected, CompoundState state) {
        Inode inode = inodes.requireCurrent(state);
        Bitmap named = expected.attributes();
        Bitmap supported = attributes.supported(state.minorVersion());
        if (!supported.containsAll(named)) {
            throw new NfsException(NfsStatus.ATTRNOTSUPP, "attributes " + named.minus(supported));
        }
        if (named.has(Attribute.RDATTR_ERROR)) {
            throw new NfsException(NfsStatus.INVAL, "rdattr_error is no property of a file");
        }
        return attributes.read(inode, named, state).equals(expected);
    }
}
