/// Files as their attributes tell them: inodes and the cache over their records, and GETATTR, SETATTR, VERIFY,
/// NVERIFY, ACCESS. The inode lives here and not in `namespace`, because attributes are read from it and names
/// only lead to it: so `namespace` and `open` know this room, and it knows neither.
@NullMarked
package pnfs.mds.attribute;

import org.jspecify.annotations.NullMarked;
