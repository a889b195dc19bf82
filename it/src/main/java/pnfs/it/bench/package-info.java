/// Benchmarks: what a figure is worth is the ratio to another one of the same machine and hour.
@NullMarked
package pnfs.it.bench;

import org.jspecify.annotations.NullMarked;
