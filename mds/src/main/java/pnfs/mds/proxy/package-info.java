/// READ, WRITE, COMMIT and the cutting off of files through this server, for clients without a layout: the same
/// map and commit as theirs, with the data sent to the data servers by us. A shore.
@NullMarked
package pnfs.mds.proxy;

import org.jspecify.annotations.NullMarked;
