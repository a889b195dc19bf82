package pnfs.mds.layout;

import java.util.List;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.DiskSignature;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.mds.layout.Fences.Told;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.DeviceInfoTooSmall;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.xdr.Opaque;

/// GETDEVICEINFO, RFC 8881 §18.40.
final class GetDeviceInfo implements Operation<GetDeviceInfoArgs> {
    /// In front of the body: layout type and length.
    private static final int ADDRESS_HEADER_BYTES = 2 * Integer.BYTES;
    /// CHANGE and DELETE. Linux keeps a device only where exactly these two come back; until then it asks anew
    /// with every layout.
    private static final Bitmap NOTIFICATIONS = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);

    private final Fences fences;
    private final LayoutBodies bodies;
    private final DeviceWatch watch;

    GetDeviceInfo(Fences fences, LayoutBodies bodies, DeviceWatch watch) {
        this.fences = fences;
        this.bodies = bodies;
        this.watch = watch;
    }

    @Override
    public OpResult run(GetDeviceInfoArgs args, CompoundState state) {
        LayoutType type = bodies.require(args.type());
        var device = DeviceId.of(args.device().toByteArray());
        if (args.notifications().isEmpty()) {
            watch.renounces(state.clientId(), device);
        }
        Told told = fences.tell(device, state);
        Opaque body = address(type, told);
        int addressBytes = ADDRESS_HEADER_BYTES + (body.length() + 3) / 4 * 4;
        Bitmap notifications = args.notifications().and(NOTIFICATIONS);
        boolean justNotifications = args.maxBytes() == 0;
        if (!justNotifications && Integer.compareUnsigned(args.maxBytes(), addressBytes) < 0) {
            return new DeviceInfoTooSmall(addressBytes);
        }
        state.dependsOn(watch.learns(state.clientId(), told.volume().id(), device, args.type(), notifications));
        return new GetDeviceInfoResult(
                new LayoutBody(args.type(), justNotifications ? Opaque.EMPTY : body), notifications);
    }

    /// The reservation key is the client's own, so that it can be shut out alone. A client of block layouts gets
    /// none, and is shut out with all who have none.
    private static Opaque address(LayoutType type, Told told) {
        VolumeTopology topology = told.volume().topology();
        return switch (type) {
            case SCSI -> ScsiLayoutCodec.writeDevice(new ScsiLayoutCodec.Device(topology, told.key()));
            case BLOCK_VOLUME -> BlockLayoutCodec.writeDevice(topology.withLeaves(GetDeviceInfo::signed));
        };
    }

    /// The disk as block layouts name it.
    private static Leaf signed(Leaf disk) {
        var signature = new Signature(0, DiskSignature.of(disk.region()));
        return new Simple(disk.region(), disk.capacity(), List.of(signature));
    }
}
