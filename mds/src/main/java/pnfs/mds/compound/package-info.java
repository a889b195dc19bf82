/// COMPOUND: the framing of RFC 8881 §16 around operations that other rooms bring. Knows none of those rooms; they
/// register in the [OpTable].
@NullMarked
package pnfs.mds.compound;

import org.jspecify.annotations.NullMarked;
