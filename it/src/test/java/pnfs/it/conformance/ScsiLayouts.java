package pnfs.it.conformance;

import static pnfs.it.conformance.Tree.at;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import pnfs.it.conformance.Tree.Opened;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What who writes through a SCSI layout asks for, at the file.
final class ScsiLayouts {
    private static final int MOST_BYTES = 0xffff;

    private ScsiLayouts() {}

    /// All of `range`, for writing.
    static OpArgs[] get(Opened file, FileRange range, Stateid stateid) {
        return at(
                file.file(),
                new LayoutGetArgs(
                        false, LayoutType.SCSI, Iomode.READ_WRITE, range, range.length(), stateid, MOST_BYTES));
    }

    /// Everything from the beginning of the file to `end` was written.
    static OpArgs[] commit(Opened file, Stateid layout, long end) {
        Opaque body = ScsiLayoutCodec.writeUpdate(List.of(ByteRange.ofLength(0, end)));
        return at(
                file.file(),
                new LayoutCommitArgs(
                        FileRange.of(0, end),
                        false,
                        layout,
                        OptionalLong.of(end - 1),
                        Optional.empty(),
                        new LayoutBody(LayoutType.SCSI, body)));
    }

    static OpArgs[] giveBack(Opened file, Stateid layout, FileRange range) {
        return at(file.file(), giveBack(new LayoutReturnScope.OfFile(range, layout, Opaque.EMPTY)));
    }

    static OpArgs giveBack(LayoutReturnScope scope) {
        return new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, scope);
    }
}
