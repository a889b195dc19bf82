/// What the metadata server must not forget: ordered keys over an engine that commits in groups. Knows no other
/// room; each room owns the bytes of its own records and puts them here.
@NullMarked
package pnfs.mds.store;

import org.jspecify.annotations.NullMarked;
