/// Open files: who has which file open for what, the stateids that say so, and OPEN, OPEN_DOWNGRADE, CLOSE,
/// TEST_STATEID, FREE_STATEID.
@NullMarked
package pnfs.mds.open;

import org.jspecify.annotations.NullMarked;
