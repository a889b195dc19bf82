/// Engines under the store: RocksDB in production, memory in tests and simulation. A shore: only Wiring and
/// tests know it.
@NullMarked
package pnfs.mds.store.engine;

import org.jspecify.annotations.NullMarked;
