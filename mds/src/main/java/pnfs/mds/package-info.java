/// The metadata server as a process: its command, its limits, and the one place where its parts are put
/// together. A shore.
@NullMarked
package pnfs.mds;

import org.jspecify.annotations.NullMarked;
