/// The whole cluster in one thread on simulated time: production code between simulated shores, model clients,
/// faults from a seed, and a checker that knows every byte that was acknowledged. A shore.
@NullMarked
package pnfs.it.sim;

import org.jspecify.annotations.NullMarked;
