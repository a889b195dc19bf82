package pnfs.ds.fault;

import java.time.Duration;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// A way in which a command goes wrong.
public sealed interface Fault {
    /// The longest [Delay]: no initiator waits longer for one command.
    Duration MAX_DELAY = Duration.ofHours(1);

    /// The command is done; its answer comes so much later.
    record Delay(Duration delay) implements Fault {
        public Delay {
            if (delay.isNegative() || delay.compareTo(MAX_DELAY) > 0) {
                throw new IllegalArgumentException("delay of " + delay + ", may be " + MAX_DELAY + " at most");
            }
        }
    }

    /// The command is done and never answered: it is stuck until the initiator aborts it or goes.
    record Drop() implements Fault {}

    /// The command is not done; this is its answer.
    ///
    /// @param status such as [ScsiStatus#BUSY]
    /// @param sense what CHECK CONDITION means; [Sense#NONE] with any other status
    record Fail(int status, Sense sense) implements Fault {
        public Fail {
            boolean explains = !sense.equals(Sense.NONE);
            if (status < 0 || status > 0xff || status == ScsiStatus.GOOD) {
                throw new IllegalArgumentException("status " + status + " is no failure");
            }
            if (explains != (status == ScsiStatus.CHECK_CONDITION)) {
                throw new IllegalArgumentException("sense data goes with CHECK CONDITION, and with nothing else");
            }
        }

        public static Fail with(Sense sense) {
            return new Fail(ScsiStatus.CHECK_CONDITION, sense);
        }
    }

    /// A READ moves so many bytes at most, says GOOD, and tells the rest as a residual.
    record ShortRead(int bytes) implements Fault {
        public ShortRead {
            if (bytes < 0) {
                throw new IllegalArgumentException("short read of " + bytes + " bytes");
            }
        }
    }

    /// The command is not done and its connection closed.
    record Reset() implements Fault {}

    /// A WRITE of which only some cache lines reach the medium, because the power fails: the process ends there
    /// and then, without an answer. A WRITE ATOMIC loses its power in the same way, and is whole or absent when
    /// the region is opened again.
    ///
    /// @param seed decides which lines, and whether a WRITE ATOMIC was remembered
    record TornWrite(Survivors survivors, long seed) implements Fault {}

    /// Which cache lines of a torn write have reached the medium.
    enum Survivors {
        /// The first so many of them.
        PREFIX,
        /// Each one or not.
        SUBSET
    }
}
