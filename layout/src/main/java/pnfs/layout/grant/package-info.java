/// Who may touch what: layouts granted to clients, ranges that the metadata server's own I/O has under way, and
/// the rules between them. Decides, remembers, and returns what must become durable; does no I/O.
@NullMarked
package pnfs.layout.grant;

import org.jspecify.annotations.NullMarked;
