/// The data server: regions of persistent memory behind iSCSI logical units. Here are its commands, its wiring
/// and its limits; threads, sockets and clocks come from here.
@NullMarked
package pnfs.ds;

import org.jspecify.annotations.NullMarked;
