package pnfs.mds.layout;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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

/// Who asked, with GETDEVICEINFO, to hear when a device it knows is reached in another way, or is no more:
/// CB_NOTIFY_DEVICEID (RFC 8881 §18.40, §20.12), and in the answer of each SEQUENCE DEVID_CHANGED until it has
/// asked again, DEVID_DELETED until it has said that it wants to hear nothing more of that device. A device id
/// names the same bytes for ever here; what moves is the data server in front of them, and a client that keeps
/// the disk it found at the old place would wait there in vain. A device goes only when no layout names it. Safe
/// for any thread.
public final class DeviceWatch implements StateHolder {
    private static final Bitmap EITHER = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);

    private final Callbacks callbacks;
    private final Clients clients;
    private final Map<DeviceId, Map<Long, Known>> watchers = new ConcurrentHashMap<>();
    /// By client: devices that are gone, by the ids by which it knew them.
    private final Map<Long, Set<DeviceId>> gone = new ConcurrentHashMap<>();

    /// What a client knows of a device.
    ///
    /// @param id by which the client knows it
    /// @param wanted what it wants to hear of
    private record Known(DeviceId id, LayoutType type, Bitmap wanted, boolean outdated) {}

    public DeviceWatch(Callbacks callbacks, Clients clients) {
        this.callbacks = callbacks;
        this.clients = clients;
    }

    /// A client is about to learn of a volume under this id, and wants to hear of what `notifications` names.
    void learns(long clientId, DeviceId volume, DeviceId id, LayoutType type, Bitmap notifications) {
        Map<Long, Known> those = watchers.computeIfAbsent(volume, _ -> new ConcurrentHashMap<>());
        Known before = notifications.intersects(EITHER)
                ? those.put(clientId, new Known(id, type, notifications, false))
                : those.remove(clientId);
        if (before != null && before.outdated()) {
            clients.deviceLearned(clientId);
        }
    }

    /// A client wants to hear nothing of the device that it knows, or knew, by this id.
    void renounces(long clientId, DeviceId id) {
        Set<DeviceId> unacknowledged = gone.get(clientId);
        if (unacknowledged != null && unacknowledged.remove(id)) {
            clients.deviceRenounced(clientId);
        }
    }

    /// A region of `volume` is served elsewhere now.
    public void moved(Volume volume) {
        Map<Long, Known> those = watchers.getOrDefault(volume.id(), Map.of());
        those.keySet().forEach(client -> changed(client, those));
    }

    /// The volume is gone.
    public void forget(DeviceId volume) {
        Map<Long, Known> those = watchers.remove(volume);
        if (those != null) {
            those.forEach(this::deleted);
        }
    }

    private void changed(long clientId, Map<Long, Known> those) {
        Known before = those.computeIfPresent(clientId, (_, known) -> {
            if (!known.wanted().intersects(DeviceNotice.CHANGE)) {
                return known;
            }
            if (!known.outdated()) {
                clients.deviceChanged(clientId);
            }
            return new Known(known.id(), known.type(), known.wanted(), true);
        });
        if (before != null && before.outdated()) {
            notice(clientId, new DeviceNotice.Changed(before.type(), wire(before.id()), false));
        }
    }

    private void deleted(long clientId, Known known) {
        if (known.outdated()) {
            clients.deviceLearned(clientId); // there is nothing to ask for any more
        }
        if (known.wanted().intersects(DeviceNotice.DELETE)) {
            gone.computeIfAbsent(clientId, _ -> ConcurrentHashMap.newKeySet()).add(known.id());
            clients.deviceGone(clientId);
            notice(clientId, new DeviceNotice.Deleted(known.type(), wire(known.id())));
        }
    }

    private void notice(long clientId, DeviceNotice notice) {
        callbacks.send(clientId, new CbNotifyDeviceIdArgs(List.of(notice)), Optional.empty(), _ -> {});
    }

    private static Opaque wire(DeviceId id) {
        return Opaque.of(id.bytes());
    }

    /// What a client wants to hear keeps it from nothing.
    @Override
    public boolean holdsStateOf(long clientId) {
        return false;
    }

    @Override
    public void release(long clientId) {
        watchers.values().forEach(clientsOf -> clientsOf.remove(clientId));
        gone.remove(clientId);
    }
}
