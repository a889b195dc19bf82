package pnfs.mds.layout;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.mds.callback.CallbackOutcome;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.layout.WatchRecords.WatchRecord;
import pnfs.mds.session.Clients;
import pnfs.mds.session.StateHolder;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

/// Who asked, with GETDEVICEINFO, to hear when a device it knows is reached in another way, or is no more:
/// CB_NOTIFY_DEVICEID (RFC 8881 §18.40, §20.12), and in the answer of each SEQUENCE DEVID_CHANGED until it has
/// asked again, DEVID_DELETED until it has said that it wants to hear nothing more of that device. A device id
/// names the same bytes for ever here; what moves is the data server in front of them, and a client that keeps
/// the disk it found at the old place would wait there in vain. A device goes only when no layout names it.
/// Safe for any thread.
///
/// **Restarts.** A client that goes on keeps its devices and does not ask again, so what it wants to hear of is
/// in the store before it hears of the device, and with it where the volume was then. What became of the volume
/// since is not: a run finds it by looking where the volume is now. So nothing is lost in between, and a client
/// may be told twice.
public final class DeviceWatch implements StateHolder {
    private static final Bitmap EITHER = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);

    private final MetadataStore store;
    private final Callbacks callbacks;
    private final Clients clients;
    private final Map<DeviceId, Map<Long, Known>> watchers = new ConcurrentHashMap<>();
    /// Notices that have yet to reach their clients.
    private final Set<Due> due = ConcurrentHashMap.newKeySet();

    private Places places = _ -> OptionalInt.empty();

    /// Where volumes are.
    @FunctionalInterface
    public interface Places {
        /// A number that is another where the volume is reached in another way, the same in each run; empty
        /// where it is no more.
        OptionalInt of(DeviceId volume);
    }

    /// What a client does not know of a device yet.
    private enum News {
        NONE,
        CHANGED,
        GONE
    }

    /// What a client knows of a device.
    private record Known(WatchRecord record, News news) {
        boolean wants(Bitmap what) {
            return record.wanted().intersects(what);
        }

        Known with(News next) {
            return new Known(record, next);
        }

        DeviceNotice notice() {
            Opaque id = Opaque.of(record.id().bytes());
            return news == News.GONE
                    ? new DeviceNotice.Deleted(record.type(), id)
                    : new DeviceNotice.Changed(record.type(), id, false);
        }
    }

    private record Due(DeviceId volume, long clientId) {}

    public DeviceWatch(MetadataStore store, Callbacks callbacks, Clients clients) {
        this.store = store;
        this.callbacks = callbacks;
        this.clients = clients;
    }

    /// Reads what the run before left. Before the first client comes.
    ///
    /// @param where the volumes are, from now on
    public void restore(Places where) {
        places = where;
        var stale = new Batch();
        for (WatchRecord left : WatchRecords.readAll(store)) {
            OptionalInt place = places.of(left.volume());
            var known = new Known(left, News.NONE);
            if (!clients.isLive(left.clientId()) || (place.isEmpty() && !known.wants(DeviceNotice.DELETE))) {
                WatchRecords.delete(stale, left.clientId(), left.volume());
                continue;
            }
            Map<Long, Known> those = of(left.volume());
            those.put(left.clientId(), known);
            if (place.isEmpty()) {
                deleted(left.volume(), left.clientId(), those);
            } else if (place.getAsInt() != left.place()) {
                changed(left.volume(), left.clientId(), those);
            }
        }
        store.append(stale);
    }

    /// Sends what did not reach its client. To be called every now and then.
    public void tick() {
        List.copyOf(due).forEach(this::send);
    }

    private Map<Long, Known> of(DeviceId volume) {
        return watchers.computeIfAbsent(volume, _ -> new ConcurrentHashMap<>());
    }

    /// A client is about to learn of a volume under this id, and wants to hear of what `notifications` names.
    ///
    /// @return the ticket for its answer to wait for
    long learns(long clientId, DeviceId volume, DeviceId id, LayoutType type, Bitmap notifications) {
        int place = places.of(volume).orElse(0);
        var batch = new Batch();
        Map<Long, Known> those = of(volume);
        Known before;
        if (notifications.intersects(EITHER)) {
            var now = new Known(new WatchRecord(clientId, volume, id, type, notifications, place), News.NONE);
            before = those.put(clientId, now);
            if (before == null || !before.record().equals(now.record())) {
                WatchRecords.put(batch, now.record());
            }
        } else {
            before = those.remove(clientId);
            if (before != null) {
                WatchRecords.delete(batch, clientId, volume);
            }
        }
        long ticket = store.append(batch);
        if (before != null && before.news() == News.CHANGED) {
            clients.deviceLearned(clientId);
        }
        if (places.of(volume).orElse(place) != place) {
            changed(volume, clientId, those); // just now: whoever told the others may not have seen this one
        }
        return ticket;
    }

    /// A client wants to hear nothing of the device that it knows, or knew, by this id.
    void renounces(long clientId, DeviceId id) {
        watchers.forEach((volume, those) -> {
            Known known = those.get(clientId);
            if (known != null
                    && known.news() == News.GONE
                    && known.record().id().equals(id)
                    && those.remove(clientId, known)) {
                forget(volume, clientId);
                clients.deviceRenounced(clientId);
            }
        });
    }

    /// A region of `volume` is served elsewhere now.
    public void moved(Volume volume) {
        Map<Long, Known> those = watchers.getOrDefault(volume.id(), Map.of());
        those.keySet().forEach(client -> changed(volume.id(), client, those));
    }

    /// The volume is gone.
    public void forget(DeviceId volume) {
        Map<Long, Known> those = watchers.getOrDefault(volume, Map.of());
        those.keySet().forEach(client -> deleted(volume, client, those));
    }

    private void changed(DeviceId volume, long clientId, Map<Long, Known> those) {
        Known known = those.computeIfPresent(clientId, (_, before) -> {
            if (before.news() == News.NONE && before.wants(DeviceNotice.CHANGE)) {
                clients.deviceChanged(clientId);
                return before.with(News.CHANGED);
            }
            return before;
        });
        if (known != null && known.news() == News.CHANGED) {
            send(new Due(volume, clientId));
        }
    }

    private void deleted(DeviceId volume, long clientId, Map<Long, Known> those) {
        Known known = those.computeIfPresent(clientId, (_, before) -> {
            if (before.news() == News.CHANGED) {
                clients.deviceLearned(clientId); // there is nothing to ask for any more
            }
            if (!before.wants(DeviceNotice.DELETE)) {
                forget(volume, clientId);
                return null;
            }
            if (before.news() != News.GONE) {
                clients.deviceGone(clientId);
            }
            return before.with(News.GONE);
        });
        if (known != null) {
            send(new Due(volume, clientId));
        }
    }

    private void send(Due notice) {
        due.remove(notice);
        Known known = watchers.getOrDefault(notice.volume(), Map.of()).get(notice.clientId());
        if (known == null || known.news() == News.NONE) {
            return;
        }
        var call = new CbNotifyDeviceIdArgs(List.of(known.notice()));
        callbacks.send(notice.clientId(), call, Optional.empty(), outcome -> {
            boolean isTold =
                    outcome instanceof CallbackOutcome.Answered(var result) && result.status() != NfsStatus.DELAY;
            if (!isTold) {
                due.add(notice);
            }
        });
    }

    private void forget(DeviceId volume, long clientId) {
        var batch = new Batch();
        WatchRecords.delete(batch, clientId, volume);
        store.append(batch);
    }

    /// What a client wants to hear keeps it from nothing.
    @Override
    public boolean holdsStateOf(long clientId) {
        return false;
    }

    @Override
    public void release(long clientId) {
        watchers.forEach((volume, those) -> {
            if (those.remove(clientId) != null) {
                forget(volume, clientId);
            }
        });
    }
}
