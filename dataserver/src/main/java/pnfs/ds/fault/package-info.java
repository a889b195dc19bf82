/// Faults on purpose: which commands go wrong, how, and how often.
@NullMarked
package pnfs.ds.fault;

import org.jspecify.annotations.NullMarked;
