package pnfs.mds.layout;

import java.util.List;
import pnfs.layout.device.DeviceId;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetDeviceListResult;
import pnfs.wire.xdr.Opaque;

/// GETDEVICELIST, RFC 8881 §18.41: the ids of all volumes, in order; a cookie is the number of those before it.
/// RFC 7862 took it out of 4.2, where no client misses it; who asks there is answered all the same.
final class GetDeviceList implements Operation<GetDeviceListArgs> {
    /// Opcode, status, cookie, verifier, count and end.
    private static final int AROUND_BYTES = 5 * Integer.BYTES + 2 * Long.BYTES;

    private final Inodes inodes;
    private final FileLayouts layouts;
    private final Fences fences;
    private final LayoutBodies bodies;

    GetDeviceList(Inodes inodes, FileLayouts layouts, Fences fences, LayoutBodies bodies) {
        this.inodes = inodes;
        this.layouts = layouts;
        this.fences = fences;
        this.bodies = bodies;
    }

    @Override
    public OpResult run(GetDeviceListArgs args, CompoundState state) {
        inodes.requireCurrent(state); // names the file system, of which there is one
        bodies.require(args.type());
        List<DeviceId> all = layouts.devices();
        long verifier = all.hashCode();
        if (args.cookie() != 0 && args.verifier() != verifier) {
            throw new NfsException(NfsStatus.NOT_SAME, "the volumes are not those of verifier " + args.verifier());
        }
        if (args.cookie() < 0 || args.cookie() > all.size()) {
            throw new NfsException(NfsStatus.BAD_COOKIE, "cookie " + args.cookie() + " of " + all.size());
        }
        int from = (int) args.cookie();
        int room = Math.max(0, (state.resultBytesLeft() - AROUND_BYTES) / DeviceId.BYTES);
        long asked = Math.min(Integer.toUnsignedLong(args.maxDevices()), room);
        int to = (int) Math.min(from + asked, all.size());
        List<Opaque> ids = all.subList(from, to).stream()
                .map(device -> Opaque.of(fences.wireId(state.clientId(), device).bytes()))
                .toList();
        return new GetDeviceListResult(to, verifier, ids, to == all.size());
    }
}
