/// Emptying volumes: which files are to move next, how many at once, and what they wait for.
@NullMarked
package pnfs.mds.drain;

import org.jspecify.annotations.NullMarked;
