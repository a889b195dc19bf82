/// What of this server is offered to whom: exports, their rules, and the directories that join them.
@NullMarked
package pnfs.mds.export;

import org.jspecify.annotations.NullMarked;
