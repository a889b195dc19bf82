package pnfs.it.sim;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Simulation.Outcome;
import pnfs.it.sim.Simulation.Plan;

/// A run that failed.
///
/// @param step at which it was noticed
/// @param what went wrong
record Finding(Plan plan, long step, String what) {
    /// Runs a plan twice: null when all was well and both runs were the same.
    ///
    /// @param tally has both runs added
    static @Nullable Finding in(Plan plan, Tally tally) {
        return in(plan, tally, null);
    }

    /// The same; one of the runs is told event by event, which changes nothing.
    static @Nullable Finding in(Plan plan, Tally tally, @Nullable Consumer<String> lines) {
        Outcome first = Simulation.run(plan, lines != null);
        Outcome second = Simulation.run(plan, false);
        if (lines != null) {
            first.trace().forEach(lines);
        }
        tally.add(first);
        tally.add(second);
        if (first.violation() != null) {
            return new Finding(plan, first.steps(), first.violation());
        }
        if (first.hash() != second.hash()) {
            return new Finding(
                    plan,
                    first.steps(),
                    "two runs of one seed differ, of " + first.steps() + " and of " + second.steps() + " steps");
        }
        return null;
    }

    /// With as few faults and as few steps as still fail somehow.
    Plan smallest() {
        Plan quiet = new Plan(plan.seed(), plan.steps(), Set.of());
        if (fails(quiet)) {
            return shortest(quiet);
        }
        Plan small = shortest(plan);
        var left = new TreeSet<Integer>();
        int faults = Simulation.run(small, false).faults();
        for (int fault = 0; fault < faults; fault++) {
            if (plan.has(fault)) {
                left.add(fault);
            }
        }
        for (boolean fewer = true; fewer; ) {
            fewer = false;
            for (int fault : List.copyOf(left)) {
                left.remove(fault);
                if (fails(small.with(left))) {
                    fewer = true;
                } else {
                    left.add(fault);
                }
            }
        }
        return shortest(small.with(left));
    }

    private static Plan shortest(Plan failing) {
        int works = 0;
        int fails = failing.steps();
        while (fails - works > 1) {
            int middle = (works + fails) / 2;
            if (fails(failing.with(middle))) {
                fails = middle;
            } else {
                works = middle;
            }
        }
        return failing.with(fails);
    }

    private static boolean fails(Plan plan) {
        return Simulation.run(plan, false).violation() != null;
    }
}
