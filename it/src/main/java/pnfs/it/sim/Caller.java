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
    private static final long LATE_NANOS = MetadataServerNode.LEASE.toNanos() / 2;
    private static final long DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    final Host host;
    final Checker checker;
    final int number;
    final RandomGenerator random;
    final Session session;
    private boolean insists;
    private int era;
    private long eraBeganNanos;

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
        checker.leases.forgotten(number);
    }

    /// A reclaim was refused: whether it should not have been. Grace goes on for who is at it, but not for long
    /// for who waits meanwhile, and be it for the server's slow disk.
    boolean mustReclaim(Claim claim, Answer answer) {
        boolean late = answer.status() == NfsStatus.NO_GRACE && host.nowNanos() - eraBeganNanos >= LATE_NANOS;
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
        long firstNanos = host.nowNanos();
        ask(operations, PATIENCE, answer -> then.accept(answer.askedAt(firstNanos)));
    }

    private void ask(List<OpArgs> operations, int patience, Consumer<Answer> then) {
        int asked = era;
        once(operations, answer -> {
            if (answer.known() && isLater(answer.status()) && (patience > 0 || insists) && era == asked) {
                later(() -> {
                    if (era == asked) {
                        ask(operations, patience - 1, then);
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
