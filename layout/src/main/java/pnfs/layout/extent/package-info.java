/// What a file is made of: ranges of its bytes, the storage behind them and what is known about its content.
@NullMarked
package pnfs.layout.extent;

import org.jspecify.annotations.NullMarked;
