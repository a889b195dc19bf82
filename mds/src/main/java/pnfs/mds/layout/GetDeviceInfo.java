package pnfs.mds.layout;

import java.util.List;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.DiskSignature;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
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
    private static final Bitmap NOTIFICATIONS = Bitmap.of(1, 2);

    private final FileLayouts layouts;
    private final LayoutBodies bodies;

    GetDeviceInfo(FileLayouts layouts, LayoutBodies bodies) {
        this.layouts = layouts;
        this.bodies = bodies;
    }

    @Override
    public OpResult run(GetDeviceInfoArgs args, CompoundState state) {
        LayoutType type = bodies.require(args.type());
        Volume volume = require(args.device());
        Opaque body = address(type, volume, state.clientId());
        int addressBytes = ADDRESS_HEADER_BYTES + (body.length() + 3) / 4 * 4;
        Bitmap notifications = args.notifications().and(NOTIFICATIONS);
        if (args.maxBytes() == 0) {
            return new GetDeviceInfoResult(new LayoutBody(args.type(), Opaque.EMPTY), notifications);
        }
        if (Integer.compareUnsigned(args.maxBytes(), addressBytes) < 0) {
            return new DeviceInfoTooSmall(addressBytes);
        }
        return new GetDeviceInfoResult(new LayoutBody(args.type(), body), notifications);
    }

    private Volume require(Opaque device) {
        return layouts.volume(DeviceId.of(device.toByteArray()))
                .orElseThrow(() -> new NfsException(NfsStatus.NOENT, "device " + device));
    }

    /// The reservation key is the client's own, so that it can be shut out alone: its id, which no other client
    /// ever gets and which is never 0.
    private static Opaque address(LayoutType type, Volume volume, long clientId) {
        return switch (type) {
            case SCSI -> ScsiLayoutCodec.writeDevice(new ScsiLayoutCodec.Device(volume.topology(), clientId));
            case BLOCK_VOLUME -> BlockLayoutCodec.writeDevice(volume.topology().withLeaves(GetDeviceInfo::signed));
        };
    }

    /// The disk as block layouts name it.
    private static Leaf signed(Leaf disk) {
        var signature = new Signature(0, DiskSignature.of(disk.region()));
        return new Simple(disk.region(), disk.capacity(), List.of(signature));
    }
}
