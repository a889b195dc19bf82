/// The main job, shown: a cluster of real processes, real files through layouts, a crash, and everything still
/// there.
@NullMarked
package pnfs.it.demo;

import org.jspecify.annotations.NullMarked;
