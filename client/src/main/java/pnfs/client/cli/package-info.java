/// The `pnfs` commands of a user: look at a cluster, copy in and out, see where a file's bytes are. Exit
/// status: 0 done, 1 failed, 2 wrong usage.
@NullMarked
package pnfs.client.cli;

import org.jspecify.annotations.NullMarked;
