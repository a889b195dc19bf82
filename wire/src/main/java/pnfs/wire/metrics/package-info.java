/// What a server counts, over HTTP for whoever watches it.
@NullMarked
package pnfs.wire.metrics;

import org.jspecify.annotations.NullMarked;
