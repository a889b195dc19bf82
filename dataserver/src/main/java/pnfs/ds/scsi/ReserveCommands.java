package pnfs.ds.scsi;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.Outcome;
import pnfs.ds.reservation.Outcome.Done;
import pnfs.ds.reservation.Reservation;
import pnfs.ds.reservation.ReservationTable;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.ReservationType;
import pnfs.ds.reservation.Reservations;
import pnfs.ds.reservation.Reservations.AfterMove;
import pnfs.ds.reservation.Reservations.ExistingKey;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.wire.scsi.RegisterAndMoveParameters;
import pnfs.wire.scsi.ReserveInData;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.TransportId;

/// PERSISTENT RESERVE IN and OUT (SPC-4 §6.15, §6.16): between their bytes and the registration table. Control
/// path; safe for use by many connections.
final class ReserveCommands {
    private static final int LOGICAL_UNIT_SCOPE = 0;

    private final ReservationTable table;

    ReserveCommands(ReservationTable table) {
        this.table = table;
    }

    /// Answers PERSISTENT RESERVE IN, with what no crash takes back.
    void read(ScsiCommand.PersistentReserveIn command, ScsiTask task) {
        task.later(waiting -> table.read(now -> {
            reply(now, command, waiting);
            waiting.done();
        }));
    }

    private static void reply(Reservations now, ScsiCommand.PersistentReserveIn command, ScsiTask task) {
        ReserveInData data = switch (command.action()) {
            case READ_KEYS ->
                new ReserveInData.Keys(now.generation(), List.copyOf(now.keys().values()));
            case READ_RESERVATION -> new ReserveInData.Reservation(now.generation(), holder(now));
            case REPORT_CAPABILITIES ->
                new ReserveInData.Capabilities(
                        false, true, true, true, now.persistent(), EnumSet.allOf(pnfs.wire.scsi.ReservationType.class));
            case READ_FULL_STATUS -> new ReserveInData.FullStatus(now.generation(), registrations(now));
        };
        task.replyWith(data.toBytes(), command.allocationBytes());
    }

    /// With the all-registrants types nobody's key is the holder's, so the key is 0.
    private static ReserveInData.@Nullable Holder holder(Reservations now) {
        Reservation reservation = now.reservation();
        if (reservation == null) {
            return null;
        }
        Nexus holder = reservation.holder();
        long key = holder == null ? 0 : Objects.requireNonNull(now.keys().get(holder), "the holder is registered");
        return new ReserveInData.Holder(key, wire(reservation.type()));
    }

    private static List<ReserveInData.Registration> registrations(Reservations now) {
        Reservation reservation = now.reservation();
        return now.keys().entrySet().stream()
                .map((Map.Entry<Nexus, Long> entry) -> new ReserveInData.Registration(
                        entry.getValue(),
                        false,
                        reservation != null && now.isHolder(entry.getKey()) ? wire(reservation.type()) : null,
                        entry.getKey().targetPort(),
                        TransportId.named(entry.getKey().initiator())))
                .toList();
    }

    private static pnfs.wire.scsi.ReservationType wire(ReservationType type) {
        return pnfs.wire.scsi.ReservationType.fromWire(type.scsi());
    }

    /// Begins PERSISTENT RESERVE OUT: its parameter list is to come.
    void write(ScsiCommand.PersistentReserveOut command, ScsiTask task) {
        boolean namesReservation = switch (command.action()) {
            case RESERVE, RELEASE, PREEMPT, PREEMPT_AND_ABORT -> true;
            case REGISTER, REGISTER_AND_IGNORE_EXISTING_KEY, REGISTER_AND_MOVE, CLEAR -> false;
        };
        ReservationType type = ReservationType.ofScsi(command.type());
        if (namesReservation && (command.scope() != LOGICAL_UNIT_SCOPE || type == null)) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (command.parameterBytes() > ReserveOutParameters.MAX_BYTES) {
            task.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else {
            // Where no type is named, none is looked at.
            ReservationType named = type == null ? ReservationType.WRITE_EXCLUSIVE : type;
            task.gather(command.parameterBytes(), gathered -> run(command.action(), named, gathered));
        }
    }

    private void run(ReserveOutAction action, ReservationType type, ScsiTask task) {
        Function<Reservations, Outcome> change;
        try {
            change = action == ReserveOutAction.REGISTER_AND_MOVE
                    ? move(RegisterAndMoveParameters.read(task.gathered()), name(task))
                    : change(action, type, ReserveOutParameters.read(task.gathered()), name(task));
        } catch (ScsiException refused) {
            task.fail(refused.sense());
            task.done();
            return;
        }
        table.change(change, answer -> {
            conclude(answer, task);
            task.done();
        });
    }

    private static Nexus name(ScsiTask task) {
        return task.nexus().name();
    }

    private static Function<Reservations, Outcome> change(
            ReserveOutAction action, ReservationType type, ReserveOutParameters list, Nexus nexus) {
        var pair = new KeyPair(list.key(), list.actionKey());
        boolean survives = list.surviveReset();
        List<Nexus> others = list.registerOthers().stream()
                .map(port -> nexus(port, nexus.targetPort()))
                .toList();
        boolean registers =
                action == ReserveOutAction.REGISTER || action == ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY;
        if (!registers && !others.isEmpty()) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        return switch (action) {
            case REGISTER -> now -> now.register(nexus, pair, ExistingKey.MUST_MATCH, survives, others);
            case REGISTER_AND_IGNORE_EXISTING_KEY ->
                now -> now.register(nexus, pair, ExistingKey.IGNORED, survives, others);
            case RESERVE -> now -> now.reserve(nexus, pair.own(), type);
            case RELEASE -> now -> now.release(nexus, pair.own(), type);
            case CLEAR -> now -> now.clear(nexus, pair.own());
            case PREEMPT -> now -> withoutAbort(now.preempt(nexus, pair, type));
            case PREEMPT_AND_ABORT -> now -> now.preempt(nexus, pair, type);
            case REGISTER_AND_MOVE -> throw new IllegalStateException("REGISTER AND MOVE has another list");
        };
    }

    private static Outcome withoutAbort(Outcome outcome) {
        return outcome instanceof Done done ? done.withoutAbort() : outcome;
    }

    private static Function<Reservations, Outcome> move(RegisterAndMoveParameters list, Nexus nexus) {
        if (list.relativePort() != ScsiTarget.RELATIVE_PORT) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        var pair = new KeyPair(list.key(), list.actionKey());
        Nexus to = nexus(list.to(), list.relativePort());
        AfterMove after = list.unregister() ? AfterMove.IS_UNREGISTERED : AfterMove.STAYS_REGISTERED;
        return now -> now.registerAndMove(nexus, pair, to, after, list.surviveReset());
    }

    /// Sessions that are told apart by nothing but their initiator's name are none of ours.
    private static Nexus nexus(TransportId port, int targetPort) {
        if (port.isid() == TransportId.ANY_SESSION || port.initiatorName().isEmpty()) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        return new Nexus(port.name(), targetPort);
    }

    private static void conclude(Answer answer, ScsiTask task) {
        switch (answer) {
            case Answer.Decided(Done _) -> {
                // GOOD
            }
            case Answer.Decided(Outcome.Conflict _) -> task.refuse(ScsiStatus.RESERVATION_CONFLICT);
            case Answer.Decided(Outcome.InvalidField _) -> task.fail(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
            case Answer.Decided(Outcome.InvalidRelease _) -> task.fail(Sense.INVALID_RELEASE);
            case Answer.Decided(Outcome.Full _) -> task.fail(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
            case Answer.NotKept _ -> task.fail(Sense.WRITE_ERROR);
        }
    }
}
