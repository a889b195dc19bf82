/// Logical units: a region with an identity and a geometry. The engine between blocks and bytes is the plain
/// one: block n is the n-th piece of the region.
@NullMarked
package pnfs.ds.volume;

import org.jspecify.annotations.NullMarked;
