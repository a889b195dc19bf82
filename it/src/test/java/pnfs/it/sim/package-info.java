/// Seeds of the simulator that every build runs.
@NullMarked
package pnfs.it.sim;

import org.jspecify.annotations.NullMarked;
