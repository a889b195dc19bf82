/// What an NFSv4.1 and 4.2 client may expect of the metadata server, operation by operation, asked over a real
/// connection of a server process.
@NullMarked
package pnfs.it.conformance;

import org.jspecify.annotations.NullMarked;
