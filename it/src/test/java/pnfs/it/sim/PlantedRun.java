package pnfs.it.sim;

import java.util.EnumSet;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// One run of the cluster, for who sees other classes of it.
public final class PlantedRun implements LongFunction<@Nullable String> {
    private static final int STEPS = 1_000;

    /// Of the class that was loaded with bugs in reach.
    public PlantedRun() {}

    @Override
    public @Nullable String apply(long seed) {
        return Simulation.run(new Simulation.Plan(seed, STEPS, EnumSet.allOf(FaultKind.class)), false)
                .violation();
    }
}
