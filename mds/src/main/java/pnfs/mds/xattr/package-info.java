/// Extended attributes (RFC 8276): what users keep about a file, by name.
@NullMarked
package pnfs.mds.xattr;

import org.jspecify.annotations.NullMarked;
