/// The data servers: who they are, which regions they export, which volumes are made of these, and who is there
/// now. A shore.
@NullMarked
package pnfs.mds.cluster;

import org.jspecify.annotations.NullMarked;
