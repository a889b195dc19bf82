/// Names: directories over the store, LOOKUP, CREATE, REMOVE, RENAME, LINK, READLINK, READDIR, and the files
/// that have lost their last name.
@NullMarked
package pnfs.mds.namespace;

import org.jspecify.annotations.NullMarked;
