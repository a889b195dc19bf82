/// Byte-range locks: LOCK, LOCKT, LOCKU (RFC 8881 §9, §18.10 to §18.12). They are advisory: READ and WRITE do
/// not look at them.
@NullMarked
package pnfs.mds.lock;

import org.jspecify.annotations.NullMarked;
