/// Linux kernels as clients: a guest with an unmodified kernel mounts a cluster on this machine's loopback and
/// runs a scenario. The guest, what builds it and the scenarios' scripts are in `deploy/kernel`.
@NullMarked
package pnfs.it.kernel;

import org.jspecify.annotations.NullMarked;
