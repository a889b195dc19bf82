/// Clients and their sessions: EXCHANGE_ID to SEQUENCE, leases, grace. RFC 8881 §2.4, §2.10, §8.3, §8.4.
@NullMarked
package pnfs.mds.session;

import org.jspecify.annotations.NullMarked;
