/// The control protocol's data-server end: tells the metadata server who we are and what we have, and that we
/// still are there.
@NullMarked
package pnfs.ds.agent;

import org.jspecify.annotations.NullMarked;
