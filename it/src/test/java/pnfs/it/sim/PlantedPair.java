package pnfs.it.sim;

import java.util.EnumSet;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// Two runs of one seed, for who sees other classes of them: null when both were well and the same.
public final class PlantedPair implements LongFunction<@Nullable String> {
    private static final int STEPS = 1_000;

    /// Of the class that was loaded with bugs in reach.
    public PlantedPair() {}

    @Override
    public @Nullable String apply(long seed) {
        Finding found = Finding.in(new Simulation.Plan(seed, STEPS, EnumSet.allOf(FaultKind.class)), new Tally());
        return found == null ? null : found.what();
    }
}
