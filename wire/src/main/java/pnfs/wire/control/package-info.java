/// The control protocol between our own programs: Protobuf messages (`control.proto`) over Grizzly. A shore.
@NullMarked
package pnfs.wire.control;

import org.jspecify.annotations.NullMarked;
