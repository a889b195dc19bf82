/// Callbacks to clients, and recalls: RFC 8881 §20, §2.10.
@NullMarked
package pnfs.mds.callback;

import org.jspecify.annotations.NullMarked;
