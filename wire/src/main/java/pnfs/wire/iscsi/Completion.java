package pnfs.wire.iscsi;

import org.jspecify.annotations.Nullable;

/// What happens when a command has ended. Called once, on the initiator's loop (or, if the command was refused at
/// once, on the caller's thread); must not wait.
public interface Completion {
    /// The command has ended.
    ///
    /// @param bytes how many were moved; less than asked for if the unit had no more
    /// @param failure null if the command ended GOOD; otherwise a [pnfs.wire.scsi.ScsiException] with what the
    ///     unit answered, or an [IscsiSessionException]
    void done(int bytes, @Nullable RuntimeException failure);
}
