/// Clusters of containers, and what can befall them: processes that die or hang, links that are cut, disks that
/// are full.
@NullMarked
package pnfs.it.container;

import org.jspecify.annotations.NullMarked;
