package pnfs.ds.iscsi;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;

/// An iSCSI target: one SCSI device behind any number of connections, and the sessions that initiators have
/// with it. Safe for use by all loops; the registry of sessions is guarded by its lock, which is never held
/// while a session is told something.
public final class IscsiTarget {
    /// Instead of a session's handle: there are as many sessions as there may be.
    static final int NO_ROOM = 0;

    static final int EVERY_LUN = -1;

    private final TargetSettings settings;
    private final ScsiTarget scsi;

    private final ReentrantLock lock = new ReentrantLock();
    /// Guarded by the lock. An initiator port has one session; a new login takes the place of the old one.
    private final Map<Nexus, TargetSession> sessions = new HashMap<>();

    /// Guarded by the lock. Those that have a place, and those whose place another one has taken but whose tasks
    /// have not ended yet.
    private final Set<TargetSession> alive = new LinkedHashSet<>();

    private final Condition anyLeft = lock.newCondition();
    private int lastHandle;
    private boolean stopping;

    public IscsiTarget(TargetSettings settings, ScsiTarget scsi, MeterRegistry meters) {
        this.settings = settings;
        this.scsi = scsi;
        scsi.carriedBy(new ScsiTarget.Transport() {
            @Override
            public void settle(Runnable settled) {
                afterEachLoop(settled);
            }

            @Override
            public void abort(int lun, Predicate<Nexus> whose, Runnable drained) {
                endTasksForFence(lun, whose, drained);
            }
        });
        Gauge.builder("pnfs.ds.session", this, IscsiTarget::sessionCount)
                .description("iSCSI sessions")
                .baseUnit("sessions")
                .register(meters);
    }

    /// Serves a new connection: what its listener calls.
    public ConnectionHandler accept(Connection connection) {
        return new TargetConnection(this, connection);
    }

    TargetSettings settings() {
        return settings;
    }

    ScsiTarget scsi() {
        return scsi;
    }

    /// Sessions of all kinds, discovery included.
    public int sessionCount() {
        lock.lock();
        try {
            return sessions.size();
        } finally {
            lock.unlock();
        }
    }

    /// Whether there is a session with this handle (TSIH).
    boolean knows(int handle) {
        lock.lock();
        try {
            return sessions.values().stream().anyMatch(session -> session.handle() == handle);
        } finally {
            lock.unlock();
        }
    }

    /// Gives a session a handle and its place. If the initiator port has one already, that one is ended first,
    /// and no task of it touches a volume any more when the new one is told (RFC 7143 §6.3.5, session
    /// reinstatement).
    ///
    /// @param told gets the handle, or [#NO_ROOM], on the new session's loop
    void admit(TargetSession session, IntConsumer told) {
        @Nullable TargetSession former;
        int handle;
        lock.lock();
        try {
            boolean full = sessions.size() >= settings.maxSessions() && !sessions.containsKey(session.nexus());
            if (full || stopping) {
                former = null;
                handle = NO_ROOM;
            } else {
                handle = freeHandle();
                session.named(handle);
                former = sessions.put(session.nexus(), session);
                alive.add(session);
            }
        } finally {
            lock.unlock();
        }
        if (former == null) {
            told.accept(handle);
        } else {
            former.cutOff("its initiator logged in again", () -> session.loop().execute(() -> told.accept(handle)));
        }
    }

    private int freeHandle() {
        do {
            lastHandle = lastHandle % 0xffff + 1;
        } while (sessions.values().stream().anyMatch(session -> session.handle() == lastHandle));
        return lastHandle;
    }

    /// A session has lost its connection: its place is free.
    void leave(TargetSession session) {
        lock.lock();
        try {
            sessions.remove(session.nexus(), session);
        } finally {
            lock.unlock();
        }
    }

    /// A session that has left has no tasks any more.
    void forget(TargetSession session) {
        lock.lock();
        try {
            alive.remove(session);
            anyLeft.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Lets nobody in any more, asks every initiator to log out (RFC 7143 §11.9.1), and waits until they have,
    /// or for so long. Not on a loop.
    public void dismiss(Duration patience) throws InterruptedException {
        lock.lock();
        try {
            stopping = true;
        } finally {
            lock.unlock();
        }
        inEach(any -> true, (session, done) -> session.dismiss((int) patience.toSeconds()), () -> {});
        lock.lock();
        try {
            long nanos = patience.toNanos();
            while (!alive.isEmpty() && nanos > 0) {
                nanos = anyLeft.awaitNanos(nanos);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Ends all sessions.
    void endAll(String why) {
        inEach(any -> true, (session, done) -> session.end(why, done), () -> {});
    }

    /// Ends the sessions of some initiator ports, with what their connections still carry; they may log in again.
    ///
    /// @param ended runs, on any loop or at once, when no task of theirs touches a volume any more
    public void cutOff(Predicate<Nexus> whose, Runnable ended) {
        inEach(
                session -> whose.test(session.nexus()),
                (session, done) -> session.cutOff("the metadata server wants it ended", done),
                ended);
    }

    /// Ends the tasks of all sessions at one logical unit, or at all of them: without an answer those of the
    /// session that wants it, with TASK ABORTED the others.
    ///
    /// @param lun [#EVERY_LUN] for all
    /// @param drained runs, on any loop, when none of them can touch a volume any more
    void endTasks(int lun, TargetSession by, Runnable drained) {
        inEach(any -> true, (session, done) -> session.endTasks(lun, by, done), drained);
    }

    /// Ends what some initiator ports have under way at a unit: the transport's part of a fence.
    private void endTasksForFence(int lun, Predicate<Nexus> whose, Runnable drained) {
        inEach(session -> whose.test(session.nexus()), (session, done) -> session.endTasksForFence(lun, done), drained);
    }

    /// Stores into volumes are made on loops, a chunk at a time: when each loop has come by, those that had
    /// begun are over.
    private void afterEachLoop(Runnable settled) {
        List<Loop> loops;
        lock.lock();
        try {
            loops = alive.stream().map(TargetSession::loop).distinct().toList();
        } finally {
            lock.unlock();
        }
        var left = new AtomicInteger(loops.size() + 1);
        Runnable passed = () -> {
            if (left.decrementAndGet() == 0) {
                settled.run();
            }
        };
        for (Loop loop : loops) {
            if (loop.inLoop()) {
                passed.run(); // it is here, and so in no store
            } else {
                loop.execute(passed);
            }
        }
        passed.run();
    }

    /// Does something in each session that matches, on its loop; `done` runs when all have said that they are.
    private void inEach(Predicate<TargetSession> which, BiConsumer<TargetSession, Runnable> what, Runnable done) {
        List<TargetSession> all;
        lock.lock();
        try {
            all = alive.stream().filter(which).toList();
        } finally {
            lock.unlock();
        }
        if (all.isEmpty()) {
            done.run();
            return;
        }
        var left = new AtomicInteger(all.size());
        for (TargetSession session : all) {
            session.loop()
                    .execute(() -> what.accept(session, () -> {
                        if (left.decrementAndGet() == 0) {
                            done.run();
                        }
                    }));
        }
    }
}
