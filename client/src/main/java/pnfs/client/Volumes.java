package pnfs.client;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.Disks.Found;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec.Device;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Piece;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;

/// What the device ids of layouts stand for: asked once with GETDEVICEINFO (RFC 8881 §18.40), resolved to disks
/// that we are logged in to. Safe for all threads.
final class Volumes implements DirectIo.Finder, MdsSession.StateHolder {
    private static final Logger log = LoggerFactory.getLogger(Volumes.class);

    private static final int MAX_BODY_BYTES = 64 << 10;

    private static final Bitmap NOTIFICATIONS = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);

    private final MdsSession.Caller session;
    private final Disks disks;
    private final Map<DeviceId, Volume> known = new ConcurrentHashMap<>();

    /// A volume and the disks under it.
    record Volume(VolumeTopology topology, Map<RegionId, Disk> disks) {
        Volume {
            disks = Map.copyOf(disks);
        }

        /// Where bytes of the volume are, in their order.
        List<Piece> pieces(ByteRange storage) throws NoDirectWayException {
            try {
                return topology.resolve(storage.offset(), storage.length());
            } catch (IllegalArgumentException e) {
                throw new NoDirectWayException("an extent outside its volume: " + e.getMessage());
            }
        }

        Disk disk(RegionId region) {
            Disk disk = disks.get(region);
            if (disk == null) {
                throw new IllegalStateException("region " + region + " of " + topology + " was not resolved");
            }
            return disk;
        }
    }

    Volumes(MdsSession.Caller session, Disks disks) {
        this.session = session;
        this.disks = disks;
    }

    @Override
    public Volume volume(DeviceId id) throws IOException, NoDirectWayException {
        Volume volume = known.get(id);
        if (volume == null) {
            volume = resolve(address(id));
            known.put(id, volume);
        }
        return volume;
    }

    /// As another client to the server we get other keys: what device ids stand for is asked again.
    @Override
    public void reclaim(MdsSession.Caller recovery) {
        known.clear();
    }

    /// CB_NOTIFY_DEVICEID, RFC 8881 §20.12. Does not wait.
    void heard(DeviceNotice notice) {
        switch (notice) {
            case DeviceNotice.Deleted deleted -> known.remove(id(deleted.device()));
            case DeviceNotice.Changed changed -> {
                DeviceId id = id(changed.device());
                boolean isKnown = changed.immediate() ? known.remove(id) != null : known.containsKey(id);
                if (isKnown) {
                    later(() -> learnAgain(List.of(id)));
                }
            }
        }
    }

    private static DeviceId id(Opaque device) {
        return DeviceId.of(device.toByteArray());
    }

    /// Some device changed, as SEQUENCE says: the callback that told which may not have reached us. Does not wait.
    void someChanged() {
        later(() -> learnAgain(List.copyOf(known.keySet())));
    }

    private void learnAgain(List<DeviceId> ids) {
        disks.lookAgain();
        for (DeviceId id : ids) {
            try {
                known.put(id, resolve(address(id)));
                log.info("device learned again device={}", id);
            } catch (IOException | NoDirectWayException e) {
                known.remove(id); // who needs it asks once more
                log.warn("device not learned again device={} why={}", id, e.getMessage());
            }
        }
    }

    private static void later(Runnable work) {
        Thread.ofVirtual().name("devices").start(work);
    }

    private Opaque address(DeviceId id) throws IOException, NoDirectWayException {
        Reply reply = session.ask(
                "device " + id,
                () -> List.of(
                        new GetDeviceInfoArgs(Opaque.of(id.bytes()), LayoutType.SCSI, MAX_BODY_BYTES, NOTIFICATIONS)));
        if (reply.status() != NfsStatus.OK) {
            throw new NoDirectWayException("GETDEVICEINFO: " + reply.status());
        }
        return reply.get(GetDeviceInfoResult.class).address().body();
    }

    private Volume resolve(Opaque address) throws NoDirectWayException {
        var found = new HashMap<RegionId, Disk>();
        try {
            Device device = ScsiLayoutCodec.readDevice(address, designator -> find(designator, found));
            for (Disk disk : found.values()) {
                disks.register(disk, device.key());
            }
            return new Volume(device.topology(), found);
        } catch (XdrException e) {
            throw new NoDirectWayException("device: " + e.getMessage());
        } catch (IOException e) {
            throw new NoDirectWayException("registration: " + e.getMessage());
        }
    }

    private Scsi find(Designator designator, Map<RegionId, Disk> found) {
        Found disk = disks.find(designator);
        if (disk == null) {
            throw new XdrException("no disk " + designator.bytes() + " at the portals " + disks.portals());
        }
        // The region's own name is the data server's affair; to us the designator is the name.
        var region = new RegionId(UUID.nameUUIDFromBytes(designator.bytes().toByteArray()));
        found.put(region, disk.disk());
        return new Scsi(region, disk.capacityBytes(), designator);
    }
}
