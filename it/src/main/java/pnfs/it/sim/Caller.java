package pnfs.it.sim;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import pnfs.it.sim.Leases.Claim;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;

/// A client as its activities see it: who it is, and how it asks. One thread.
final class Caller {
    private static final int PATIENCE = 40;
    private static final long LEASE_NANOS = MetadataServerNode.LEASE.toNanos();
    /// Who asks for so long for nothing more to take back counts as done with it.
    private static final long LATE_NANOS = LEASE_NANOS / 2;
    private static final long DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    final Host host;
    final Checker checker;
    final int number;
    final RandomGenerator random;
    final Session session;
    private boolean insists;
    private int era;
    private long eraBeganNanos;
    /// When something was asked for that was taken back in this era, the last time.
    private long reclaimedNanos;

    Caller(Host host, Checker checker, int number, RandomGenerator random, Session.Owner owner) {
        this.host = host;
        this.checker = checker;
        this.number = number;
        this.random = random;
        this.session = new Session(host, checker, number, random.nextLong(), owner);
    }

    /// Counts how often the server has forgotten us: what belongs to an earlier time is nothing.
    int era() {
        return era;
    }

    void beginEra() {
        era++;
        eraBeganNanos = host.nowNanos();
        reclaimedNanos = eraBeganNanos;
        checker.leases.forgotten(number);
    }

    /// A reclaim was granted.
    void reclaimed(Answer answer) {
        reclaimedNanos = answer.askedNanos();
    }

    /// A reclaim was refused: whether it should not have been. The first comes within the lease that grace
    /// lasts at least, since the client has kept its own. For who is at it grace goes on, but not for long for
    /// whom nobody hears meanwhile, and not for ever.
    boolean mustReclaim(Claim claim, Answer answer) {
        long nowNanos = host.nowNanos();
        boolean late = answer.status() == NfsStatus.NO_GRACE
                && (nowNanos - reclaimedNanos >= LATE_NANOS || nowNanos - eraBeganNanos >= LEASE_NANOS);
        return answer.known() && !late && checker.leases.goesOn(claim);
    }

    /// Whether it takes no "later" for an answer.
    boolean insists() {
        return insists;
    }

    void insist(boolean wanted) {
        insists = wanted;
    }

    void note(String what, Object... more) {
        checker.note("client " + number + " " + what, more);
    }

    void later(Runnable task) {
        host.schedule(DELAY_NANOS, task);
    }

    /// Asks until the server does not want us to come later, for some time.
    void ask(List<OpArgs> operations, Consumer<Answer> then) {
        ask(operations, operations.size(), then);
    }

    /// The same for the first `count` of them, which are not done twice: those behind may hear "later" and be
    /// asked for again by themselves.
    void ask(List<OpArgs> operations, int count, Consumer<Answer> then) {
        ask(operations, count, PATIENCE, host.nowNanos(), false, then);
    }

    private void ask(
            List<OpArgs> operations, int count, int patience, long firstNanos, boolean again, Consumer<Answer> then) {
        int asked = era;
        once(operations, last -> {
            Answer answer = last.after(firstNanos, again);
            if (answer.known()
                    && isLater(answer.ofFirst(count).status())
                    && (patience > 0 || insists)
                    && era == asked) {
                later(() -> {
                    if (era == asked) {
                        ask(operations, count, patience - 1, firstNanos, answer.again(), then);
                    } else {
                        then.accept(answer);
                    }
                });
            } else {
                then.accept(answer);
            }
        });
    }

    /// Asks, and takes the first answer.
    void once(List<OpArgs> operations, Consumer<Answer> then) {
        session.ask(operations, answer -> {
            if (answer.status() == NfsStatus.SERVERFAULT) {
                throw checker.fail("SERVERFAULT to " + operations);
            }
            then.accept(answer);
        });
    }

    static boolean isLater(NfsStatus status) {
        return switch (status) {
            case DELAY, GRACE, LAYOUTTRYLATER, RECALLCONFLICT, RETURNCONFLICT -> true;
            default -> false;
        };
    }
}
