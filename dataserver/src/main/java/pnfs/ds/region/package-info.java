/// Persistent-memory bytes: a file is mapped once and then read, written and made durable by address. The one
/// place of the data server that checks bounds. Knows no other room.
@NullMarked
package pnfs.ds.region;

import org.jspecify.annotations.NullMarked;
