/// Bodies of the layout types: what LAYOUTGET, GETDEVICEINFO and LAYOUTCOMMIT carry as opaque bytes, to and from
/// extents and volumes.
@NullMarked
package pnfs.layout.codec;

import org.jspecify.annotations.NullMarked;
