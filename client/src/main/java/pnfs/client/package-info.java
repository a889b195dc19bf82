/// A pNFS client in user space: ask the metadata server where a file's bytes are (map), move them straight to
/// and from the data servers (write), and make them part of the file (commit). What cannot go directly goes
/// through the metadata server, and is counted.
///
/// [PnfsClient] is the door. Everything here blocks its caller; what goes on underneath does not.
@NullMarked
package pnfs.client;

import org.jspecify.annotations.NullMarked;
