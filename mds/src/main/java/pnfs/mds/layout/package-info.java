/// LAYOUTGET, LAYOUTCOMMIT, LAYOUTRETURN and GETDEVICEINFO, thin over `layout.grant`; and what the store keeps of
/// extents and free space.
@NullMarked
package pnfs.mds.layout;

import org.jspecify.annotations.NullMarked;
