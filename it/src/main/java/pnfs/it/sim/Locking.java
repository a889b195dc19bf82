package pnfs.it.sim;

import java.util.List;
import java.util.function.Consumer;
import pnfs.it.sim.LockModel.Owner;
import pnfs.it.sim.LockModel.Run;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What a client does with byte-range locks; it has two owners, which forbid each other what clients do. One
/// thread.
final class Locking {
    private static final List<LockType> TYPES = List.of(LockType.values());
    private static final int OWNERS = 2;
    private static final int CELLS = LockModel.CELLS;
    private static final int CURRENT = 0; // of a stateid, whatever version the server has

    private final Caller me;
    private final OpenFiles open;

    Locking(Caller me, OpenFiles open) {
        this.me = me;
        this.open = open;
    }

    private Owner owner() {
        return new Owner(me.number, me.random.nextInt(OWNERS));
    }

    private StateOwner wire(Owner owner) {
        return new StateOwner(me.session.clientId(), Opaque.ofUtf8("lock " + owner.number()));
    }

    private LockType type() {
        return TYPES.get(me.random.nextInt(TYPES.size()));
    }

    /// Locks something, or is denied it.
    void lock(OpenFile file, Runnable then) {
        int first = me.random.nextInt(CELLS);
        lock(file, owner(), type(), first, first + 1 + me.random.nextInt(CELLS - first), false, _ -> then.run());
    }

    /// Locks all, whoever has to give it up first, and lets it go.
    void prove(OpenFile file, Runnable then) {
        var owner = new Owner(me.number, 0);
        lock(file, owner, LockType.WRITE, 0, CELLS, false, answer -> {
            if (answer.status() == NfsStatus.DENIED) {
                me.later(() -> prove(file, then));
            } else {
                unlock(file, owner, 0, CELLS, then);
            }
        });
    }

    private void lock(
            OpenFile file, Owner owner, LockType type, int first, int end, boolean reclaim, Consumer<Answer> then) {
        Stateid known = file.locks.get(owner.number());
        Locker locker = known == null
                ? new Locker.NewOwner(0, file.open.withSeqid(CURRENT), 0, wire(owner))
                : new Locker.KnownOwner(known.withSeqid(CURRENT), 0);
        int asked = me.era();
        file.model.locks.asked(owner, type, first, end);
        me.ask(
                List.of(new PutFhArgs(file.handle), new LockArgs(type, reclaim, LockModel.range(first, end), locker)),
                answer -> {
                    me.note(
                            "LOCK %s by %d of %s %d..%d: %s",
                            type, owner.number(), file.model, first, end, answer.status());
                    if (answer.isOk() && me.era() == asked) {
                        file.locks.put(
                                owner.number(),
                                answer.find(OpResult.LockResult.class).stateid());
                        me.checker.locked(file.model, owner, type, first, end);
                    } else if (answer.known()) {
                        open.refused(file, answer, "LOCK");
                    }
                    then.accept(answer);
                });
    }

    /// Takes back what it has locked.
    void reclaim(OpenFile file, Runnable then) {
        file.locks.clear();
        reclaim(file, 0, 0, then);
    }

    private void reclaim(OpenFile file, int number, int from, Runnable then) {
        if (number == OWNERS) {
            then.run();
            return;
        }
        var owner = new Owner(me.number, number);
        Run run = file.model.locks.next(owner, from);
        if (run == null) {
            reclaim(file, number + 1, 0, then);
            return;
        }
        int asked = me.era();
        lock(file, owner, run.type(), run.first(), run.end(), true, answer -> {
            if (me.era() != asked) {
                return; // it begins anew
            }
            if (answer.isOk()) {
                me.reclaimed(answer);
            } else {
                if (me.mustReclaim(run.claim(), answer)) {
                    throw me.checker.fail("locks: " + owner + " has " + run + " of " + file.model
                            + ", and may not have it back: " + answer.status());
                }
                file.model.locks.released(owner, run.first(), run.end());
            }
            reclaim(file, number, run.end(), then);
        });
    }

    void unlock(OpenFile file, Runnable then) {
        Owner owner = owner();
        int first = me.random.nextInt(CELLS);
        unlock(file, owner, first, first + 1 + me.random.nextInt(CELLS - first), then);
    }

    private void unlock(OpenFile file, Owner owner, int first, int end, Runnable then) {
        Stateid known = file.locks.get(owner.number());
        if (known == null) {
            then.run();
            return;
        }
        int asked = me.era();
        file.model.locks.released(owner, first, end);
        me.ask(
                List.of(
                        new PutFhArgs(file.handle),
                        new LockuArgs(LockType.WRITE, 0, known.withSeqid(CURRENT), LockModel.range(first, end))),
                answer -> {
                    me.note("LOCKU by %d of %s %d..%d: %s", owner.number(), file.model, first, end, answer.status());
                    if (answer.isOk() && me.era() == asked) {
                        file.locks.put(
                                owner.number(),
                                answer.find(OpResult.LockuResult.class).stateid());
                    } else if (answer.known()) {
                        open.refused(file, answer, "LOCKU");
                    }
                    then.run();
                });
    }

    /// Lets everything go of which it knows the stateid.
    void unlockAll(Runnable then) {
        for (OpenFile file : open.all()) {
            for (int number = 0; number < OWNERS; number++) {
                var owner = new Owner(me.number, number);
                if (file.locks.containsKey(number) && file.model.locks.next(owner, 0) != null) {
                    unlock(file, owner, 0, CELLS, () -> unlockAll(then));
                    return;
                }
            }
        }
        then.run();
    }

    void test(OpenFile file, Runnable then) {
        Owner owner = owner();
        LockType type = type();
        int first = me.random.nextInt(CELLS);
        int end = first + 1 + me.random.nextInt(CELLS - first);
        String conflict = file.model.locks.conflict(me.checker.leases, owner, type, first, end);
        me.ask(
                List.of(new PutFhArgs(file.handle), new LocktArgs(type, LockModel.range(first, end), wire(owner))),
                answer -> {
                    me.note("LOCKT %s of %s %d..%d: %s", type, file.model, first, end, answer.status());
                    if (answer.isOk()) {
                        me.checker.tested(file.model, conflict, owner, type, first, end);
                    } else if (answer.known()) {
                        open.refused(file, answer, "LOCKT");
                    }
                    then.run();
                });
    }
}
