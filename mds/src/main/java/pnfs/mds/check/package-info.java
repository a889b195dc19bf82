/// Whether what the store holds agrees with itself, and what would make it agree: the work of `pnfs fsck`.
@NullMarked
package pnfs.mds.check;

import org.jspecify.annotations.NullMarked;
