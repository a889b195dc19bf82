package pnfs.ds.reservation;

import java.util.List;

/// What came of a PERSISTENT RESERVE OUT, or of NVMe's counterpart.
public sealed interface Outcome {
    /// It is done: `next` is the table from now on.
    ///
    /// @param notices what others must be told, at most one a nexus
    /// @param preempted whose registrations were removed by PREEMPT AND ABORT: their tasks end before the answer
    record Done(Reservations next, List<Notice> notices, List<Nexus> preempted) implements Outcome {
        public Done {
            notices = List.copyOf(notices);
            preempted = List.copyOf(preempted);
        }

        /// The same without ABORT: what the preempted have under way goes on.
        public Done withoutAbort() {
            return new Done(next, notices, List.of());
        }
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
