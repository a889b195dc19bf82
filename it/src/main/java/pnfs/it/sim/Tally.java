package pnfs.it.sim;

import java.util.concurrent.atomic.LongAdder;
import pnfs.it.sim.Simulation.Outcome;

/// What came of many runs, in whatever order they ended. Safe for use by many threads.
final class Tally {
    private final LongAdder steps = new LongAdder();
    private final LongAdder digest = new LongAdder();

    void add(Outcome outcome) {
        steps.add(outcome.steps());
        digest.add(outcome.hash());
    }

    /// Of all runs, peace included.
    long steps() {
        return steps.sum();
    }

    /// The same wherever the same seeds are run, with the same version.
    long digest() {
        return digest.sum();
    }
}
