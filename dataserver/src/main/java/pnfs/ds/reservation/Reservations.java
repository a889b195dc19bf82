package pnfs.ds.reservation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import pnfs.ds.reservation.Outcome.Conflict;
import pnfs.ds.reservation.Outcome.Done;
import pnfs.ds.reservation.Outcome.Event;
import pnfs.ds.reservation.Outcome.Full;
import pnfs.ds.reservation.Outcome.InvalidField;
import pnfs.ds.reservation.Outcome.InvalidRelease;
import pnfs.ds.reservation.Outcome.Notice;
import pnfs.ds.reservation.Outcome.Strangers;

/// All registrations of a volume and its reservation at one moment, and what each service action makes of them
/// (SPC-4 §5.12). Immutable: an action answers with the table that is to replace this one.
///
/// @param generation PRGENERATION: counts actions that changed registrations, wraps
/// @param persistent whether all this survives a power loss: as APTPL of the last registration has it, and
///     always where keys are barred
/// @param keys the key of each registered nexus, in the order of registration
/// @param barred keys that the metadata server fenced and never gives away again, the oldest first: nobody
///     registers with them. Their owner may have learnt its key before the fence and come with it only now
public record Reservations(
        int generation,
        boolean persistent,
        Map<Nexus, Long> keys,
        List<Long> barred,
        @Nullable Reservation reservation) {
    /// Most registrations of a volume.
    public static final int MAX_REGISTRATIONS = 512;

    /// Most keys that are barred; the oldest is forgotten for a newer one. A client would have to stand still
    /// between learning its key and registering it while so many are fenced; the memo has room for few more.
    public static final int MAX_BARRED = 1024;

    public static final Reservations NONE = new Reservations(0, false, Map.of(), List.of(), null);

    public Reservations {
        barred = List.copyOf(barred);
        persistent |= !barred.isEmpty();
        keys = Collections.unmodifiableMap(new LinkedHashMap<>(keys));
        if (reservation != null && keys.isEmpty()) {
            throw new IllegalArgumentException("a reservation without registrations");
        }
        if (reservation != null && reservation.holder() != null && !keys.containsKey(reservation.holder())) {
            throw new IllegalArgumentException("held by " + reservation.holder() + ", which is not registered");
        }
    }

    /// How a REGISTER treats the key that the nexus already has.
    public enum ExistingKey {
        MUST_MATCH,
        IGNORED
    }

    /// The key that comes with a command, and the key it is about: RESERVATION KEY and SERVICE ACTION
    /// RESERVATION KEY.
    public record KeyPair(long own, long other) {}

    public boolean isRegistered(Nexus nexus) {
        return keys.containsKey(nexus);
    }

    /// Whether a nexus holds the reservation, alone or as one of all registrants.
    public boolean isHolder(Nexus nexus) {
        return reservation != null
                && (reservation.holder() == null
                        ? isRegistered(nexus)
                        : reservation.holder().equals(nexus));
    }

    /// The conflict table: whether a command of this nexus may go on.
    public boolean permits(Nexus nexus, Access access) {
        return reservation == null || isHolder(nexus) || access.isAllowed(reservation.type(), isRegistered(nexus));
    }

    /// REGISTER and REGISTER AND IGNORE EXISTING KEY. An other key of 0 takes the registration away.
    ///
    /// @param alsoFor further initiator ports to register (SPEC_I_PT), which must not be registered yet
    public Outcome register(
            Nexus nexus, KeyPair pair, ExistingKey existing, boolean survivesPowerLoss, List<Nexus> alsoFor) {
        Long current = keys.get(nexus);
        if (existing == ExistingKey.MUST_MATCH && pair.own() != (current == null ? 0 : current)) {
            return new Conflict();
        }
        if (!alsoFor.isEmpty() && (current != null || existing == ExistingKey.IGNORED)) {
            return new InvalidField();
        }
        if (pair.other() == 0) {
            return current == null ? unchanged() : unregister(nexus, survivesPowerLoss);
        }
        if (barred.contains(pair.other())) {
            return new Conflict();
        }
        var next = new LinkedHashMap<>(keys);
        next.put(nexus, pair.other());
        for (Nexus other : alsoFor) {
            if (next.putIfAbsent(other, pair.other()) != null) {
                return new InvalidField();
            }
        }
        if (next.size() > MAX_REGISTRATIONS) {
            return new Full();
        }
        return done(new Reservations(generation + 1, survivesPowerLoss, next, barred, reservation), List.of());
    }

    private Outcome unregister(Nexus nexus, boolean survivesPowerLoss) {
        var left = new LinkedHashMap<>(keys);
        left.remove(nexus);
        Reservation kept = reservation;
        List<Notice> notices = List.of();
        if (kept != null && (nexus.equals(kept.holder()) || left.isEmpty())) {
            if (kept.type().admitsRegistrants()) {
                notices = tell(left.keySet(), nexus, Event.RESERVATIONS_RELEASED);
            }
            kept = null;
        }
        return done(new Reservations(generation + 1, survivesPowerLoss, left, barred, kept), notices);
    }

    /// RESERVE.
    public Outcome reserve(Nexus nexus, long key, ReservationType type) {
        if (!hasKey(nexus, key)) {
            return new Conflict();
        }
        if (reservation == null) {
            return done(new Reservations(generation, persistent, keys, barred, Reservation.by(nexus, type)), List.of());
        }
        return isHolder(nexus) && reservation.type() == type ? unchanged() : new Conflict();
    }

    /// RELEASE.
    public Outcome release(Nexus nexus, long key, ReservationType type) {
        if (!hasKey(nexus, key)) {
            return new Conflict();
        }
        if (reservation == null || !isHolder(nexus)) {
            return unchanged();
        }
        if (reservation.type() != type) {
            return new InvalidRelease();
        }
        List<Notice> notices =
                type.admitsRegistrants() ? tell(keys.keySet(), nexus, Event.RESERVATIONS_RELEASED) : List.of();
        return done(new Reservations(generation, persistent, keys, barred, null), notices);
    }

    /// CLEAR: no registration and no reservation is left. What the metadata server barred stays so.
    public Outcome clear(Nexus nexus, long key) {
        if (!hasKey(nexus, key)) {
            return new Conflict();
        }
        return done(
                new Reservations(generation + 1, persistent, Map.of(), barred, null),
                tell(keys.keySet(), nexus, Event.RESERVATIONS_PREEMPTED));
    }

    /// PREEMPT AND ABORT, and with [Done#withoutAbort] PREEMPT. The fence of pNFS is the case in which the
    /// other key is not the holder's: its registrations go and the reservation stays.
    public Outcome preempt(Nexus nexus, KeyPair pair, ReservationType type) {
        if (!hasKey(nexus, pair.own())) {
            return new Conflict();
        }
        if (reservation != null && reservation.type().heldByAll()) {
            return pair.other() == 0 ? takeOver(nexus, others(nexus), type) : removeAll(nexus, holdersOf(pair.other()));
        }
        if (pair.other() == 0) {
            return new InvalidField();
        }
        Nexus holder = reservation == null ? null : reservation.holder();
        if (holder != null && holdersOf(pair.other()).contains(holder)) {
            var victims = new ArrayList<>(holdersOf(pair.other()));
            victims.remove(nexus);
            return takeOver(nexus, victims, type);
        }
        return removeAll(nexus, holdersOf(pair.other()));
    }

    /// The reservation goes to the caller, and the victims' registrations go.
    private Outcome takeOver(Nexus nexus, List<Nexus> victims, ReservationType type) {
        var left = new LinkedHashMap<>(keys);
        victims.forEach(left::remove);
        var notices = new ArrayList<>(tell(victims, nexus, Event.REGISTRATIONS_PREEMPTED));
        if (reservation != null && reservation.type() != type) {
            notices.addAll(tell(left.keySet(), nexus, Event.RESERVATIONS_RELEASED));
        }
        return new Done(
                new Reservations(generation + 1, persistent, left, barred, Reservation.by(nexus, type)),
                notices,
                victims,
                Strangers.GO_ON);
    }

    /// The victims' registrations go. The caller may be among them: it asked for it.
    private Outcome removeAll(Nexus nexus, List<Nexus> victims) {
        if (victims.isEmpty()) {
            return new Conflict();
        }
        var left = new LinkedHashMap<>(keys);
        victims.forEach(left::remove);
        return new Done(
                new Reservations(generation + 1, persistent, left, barred, left.isEmpty() ? null : reservation),
                tell(victims, nexus, Event.REGISTRATIONS_PREEMPTED),
                victims,
                Strangers.GO_ON);
    }

    /// The fence that a metadata server asks for beside SCSI and NVMe: registers it with its own key if it is
    /// not yet, reserves the volume for registrants if nobody has reserved it, and takes the registrations of
    /// the other key away, which is barred from here on. All of that survives a power loss. A key that nobody
    /// has is kept out already, but its owner may be about to register it, and what it began before may be
    /// under way: that ends, too.
    public Outcome fence(Nexus server, KeyPair pair) {
        if (pair.own() == 0 || pair.other() == 0 || pair.own() == pair.other()) {
            return new InvalidField();
        }
        var registered = new LinkedHashMap<>(keys);
        registered.put(server, pair.own());
        List<Nexus> victims = holdersOf(pair.other()).stream()
                .filter(victim -> !victim.equals(server))
                .toList();
        victims.forEach(registered::remove);
        if (registered.size() > MAX_REGISTRATIONS) {
            return new Full();
        }
        Reservation kept = reservation;
        boolean holderGoes = kept != null && kept.holder() != null && victims.contains(kept.holder());
        if (kept == null || holderGoes) {
            ReservationType type = kept == null ? ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY : kept.type();
            kept = Reservation.by(server, type);
        }
        List<Long> barredNow = barring(pair.other());
        boolean changes = !registered.equals(keys) || !kept.equals(reservation) || !barredNow.equals(barred);
        return new Done(
                changes ? new Reservations(generation + 1, true, registered, barredNow, kept) : this,
                tell(victims, server, Event.REGISTRATIONS_PREEMPTED),
                victims,
                Strangers.END);
    }

    private List<Long> barring(long key) {
        if (barred.contains(key)) {
            return barred;
        }
        var next = new ArrayList<>(barred);
        next.add(key);
        return next.subList(Math.max(0, next.size() - MAX_BARRED), next.size());
    }

    /// What becomes of the caller's own registration in a REGISTER AND MOVE.
    public enum AfterMove {
        STAYS_REGISTERED,
        IS_UNREGISTERED
    }

    /// REGISTER AND MOVE: registers `to` with the other key and gives it the reservation.
    public Outcome registerAndMove(Nexus nexus, KeyPair pair, Nexus to, AfterMove after, boolean survivesPowerLoss) {
        if (!hasKey(nexus, pair.own())
                || !isHolder(nexus)
                || reservation == null
                || reservation.type().heldByAll()) {
            return new Conflict();
        }
        if (pair.other() == 0 || to.equals(nexus)) {
            return new InvalidField();
        }
        if (barred.contains(pair.other())) {
            return new Conflict();
        }
        var next = new LinkedHashMap<>(keys);
        next.put(to, pair.other());
        if (after == AfterMove.IS_UNREGISTERED) {
            next.remove(nexus);
        }
        if (next.size() > MAX_REGISTRATIONS) {
            return new Full();
        }
        return done(
                new Reservations(
                        generation + 1, survivesPowerLoss, next, barred, Reservation.by(to, reservation.type())),
                List.of());
    }

    /// What a power loss leaves: all of it, or nothing.
    public Reservations afterPowerLoss() {
        return persistent ? this : NONE;
    }

    private boolean hasKey(Nexus nexus, long key) {
        Long current = keys.get(nexus);
        return current != null && current == key;
    }

    /// Those that are registered with a key.
    public List<Nexus> holdersOf(long key) {
        return keys.entrySet().stream()
                .filter(entry -> entry.getValue() == key)
                .map(Map.Entry::getKey)
                .toList();
    }

    private List<Nexus> others(Nexus nexus) {
        return keys.keySet().stream().filter(other -> !other.equals(nexus)).toList();
    }

    private static List<Notice> tell(Iterable<Nexus> whom, Nexus butNot, Event event) {
        var notices = new ArrayList<Notice>();
        for (Nexus nexus : whom) {
            if (!nexus.equals(butNot)) {
                notices.add(new Notice(nexus, event));
            }
        }
        return notices;
    }

    private Outcome unchanged() {
        return done(this, List.of());
    }

    private static Outcome done(Reservations next, List<Notice> notices) {
        return new Done(next, notices, List.of(), Strangers.GO_ON);
    }
}
