/// A metadata server without sockets, threads or clocks, for tests of its rooms.
@NullMarked
package pnfs.mds.testing;

import org.jspecify.annotations.NullMarked;
