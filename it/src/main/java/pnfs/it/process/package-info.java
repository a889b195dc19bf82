/// The servers as processes on loopback: started on free ports, watched, killed and always cleaned up. Tests
/// and the demo run the same binaries a user runs.
@NullMarked
package pnfs.it.process;

import org.jspecify.annotations.NullMarked;
