/// Where file data can live: regions of data servers, the volumes made of them, and which volume the next piece
/// of a file goes to. Knows no file and no client. Everything here is immutable.
@NullMarked
package pnfs.layout.device;

import org.jspecify.annotations.NullMarked;
