package pnfs.mds.layout;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.session.Clients;
import pnfs.mds.session.StateHolder;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.xdr.Opaque;

/// Who asked, with GETDEVICEINFO, to hear when a device it knows is reached in another way: CB_NOTIFY_DEVICEID
/// (RFC 8881 §18.40, §20.12), and DEVID_CHANGED in the answer of each SEQUENCE until it has asked again. A
/// device id names the same bytes for ever here; what moves is the data server in front of them, and a client
/// that keeps the disk it found at the old place would wait there in vain. A device goes only when it is empty and
/// nobody is there to serve it, so nobody is told of that (DELETE). Safe for any thread.
public final class DeviceWatch implements StateHolder {
    private final Callbacks callbacks;
    private final Clients clients;
    private final Map<DeviceId, Map<Long, Known>> watchers = new ConcurrentHashMap<>();

    /// What a client knows of a device.
    ///
    /// @param id by which the client knows it
    private record Known(DeviceId id, LayoutType type, boolean outdated) {}

    public DeviceWatch(Callbacks callbacks, Clients clients) {
        this.callbacks = callbacks;
        this.clients = clients;
    }

    /// A client is about to learn of a volume under this id, and wants to hear of what `notifications` names.
    void learns(long clientId, DeviceId volume, DeviceId id, LayoutType type, Bitmap notifications) {
        Map<Long, Known> those = watchers.computeIfAbsent(volume, _ -> new ConcurrentHashMap<>());
        Known before = notifications.intersects(DeviceNotice.CHANGE)
                ? those.put(clientId, new Known(id, type, false))
                : those.remove(clientId);
        if (before != null && before.outdated()) {
            clients.deviceLearned(clientId);
        }
    }

    /// A region of `volume` is served elsewhere now.
    public void moved(Volume volume) {
        Map<Long, Known> those = watchers.getOrDefault(volume.id(), Map.of());
        those.keySet().forEach(client -> notice(client, those));
    }

    /// The volume is gone.
    public void forget(DeviceId volume) {
        Map<Long, Known> those = watchers.remove(volume);
        if (those != null) {
            those.forEach((client, known) -> {
                if (known.outdated()) {
                    clients.deviceLearned(client); // there is nothing to ask for any more
                }
            });
        }
    }

    private void notice(long clientId, Map<Long, Known> those) {
        Known before = those.computeIfPresent(clientId, (_, known) -> {
            if (!known.outdated()) {
                clients.deviceChanged(clientId);
            }
            return new Known(known.id(), known.type(), true);
        });
        if (before != null) {
            var changed = new DeviceNotice.Changed(
                    before.type(), Opaque.of(before.id().bytes()), false);
            callbacks.send(clientId, new CbNotifyDeviceIdArgs(List.of(changed)), Optional.empty(), _ -> {});
        }
    }

    /// What a client wants to hear keeps it from nothing.
    @Override
    public boolean holdsStateOf(long clientId) {
        return false;
    }

    @Override
    public void release(long clientId) {
        watchers.values().forEach(clientsOf -> clientsOf.remove(clientId));
    }
}
