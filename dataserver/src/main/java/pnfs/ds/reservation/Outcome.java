package pnfs.ds.reservation;

import java.util.List;

/// What came of a PERSISTENT RESERVE OUT, or of NVMe's counterpart.
public sealed interface Outcome {
    /// It is done: `next` is the table from now on.
    ///
    /// @param notices what others must be told, at most one a nexus
    /// @param preempted whose registrations were removed by PREEMPT AND ABORT: their tasks end before the answer
    /// @param strangers what becomes of the tasks of all others who may not write any more
    record Done(Reservations next, List<Notice> notices, List<Nexus> preempted, Strangers strangers)
            implements Outcome {
        public Done {
            notices = List.copyOf(notices);
            preempted = List.copyOf(preempted);
        }

        /// The same without ABORT: what the preempted have under way goes on.
        public Done withoutAbort() {
            return new Done(next, notices, List.of(), strangers);
        }

        /// Whether any task may have to end before the answer.
        public boolean endsTasks() {
            return !preempted.isEmpty() || strangers == Strangers.END;
        }

        /// Whether the tasks of this nexus end before the answer.
        public boolean ends(Nexus nexus) {
            return preempted.contains(nexus) || (strangers == Strangers.END && !next.permits(nexus, Access.WRITE));
        }
    }

    /// What becomes of tasks that began when their nexus might still write.
    enum Strangers {
        /// They go on, as SCSI has it.
        GO_ON,
        /// A fence ends them: who is to be kept out may have taken its registration away itself, with writes under
        /// way.
        END
    }

    /// RESERVATION CONFLICT; nothing changed.
    record Conflict() implements Outcome {}

    /// A field of the parameter list is wrong: ILLEGAL REQUEST, INVALID FIELD IN PARAMETER LIST.
    record InvalidField() implements Outcome {}

    /// RELEASE names another type than the reservation has: ILLEGAL REQUEST, INVALID RELEASE OF PERSISTENT
    /// RESERVATION.
    record InvalidRelease() implements Outcome {}

    /// The table is full: ILLEGAL REQUEST, INSUFFICIENT REGISTRATION RESOURCES.
    record Full() implements Outcome {}

    /// A unit attention for one nexus.
    record Notice(Nexus nexus, Event event) {}

    /// What happened to a nexus without its doing (SPC-4 §5.12.11, ASC 2Ah).
    enum Event {
        RESERVATIONS_PREEMPTED,
        RESERVATIONS_RELEASED,
        REGISTRATIONS_PREEMPTED
    }
}
