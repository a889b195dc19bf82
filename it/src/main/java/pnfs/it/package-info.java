/// All modules together under one command.
@NullMarked
package pnfs.it;

import org.jspecify.annotations.NullMarked;
