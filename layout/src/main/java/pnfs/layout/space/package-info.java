/// What nobody owns: the free storage of each volume, and the one rule by which storage changes hands. Storage
/// that was freed is given out again only when the change that freed it is durable and nobody holds it any more
/// (invariant I2).
@NullMarked
package pnfs.layout.space;

import org.jspecify.annotations.NullMarked;
