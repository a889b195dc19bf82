/// Delegations: what a client may do to a file without asking, until it is recalled. RFC 8881 §10.
@NullMarked
package pnfs.mds.delegation;

import org.jspecify.annotations.NullMarked;
