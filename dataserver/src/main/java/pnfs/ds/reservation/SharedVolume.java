package pnfs.ds.reservation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.region.Memo;
import pnfs.ds.volume.Volume;

/// A volume and who may use it: what every protocol that reaches the volume serves. Safe for use by many threads.
public record SharedVolume(Volume volume, ReservationTable reservations) {
    private static final Logger log = LoggerFactory.getLogger(SharedVolume.class);

    /// Finds the registrations that the last run has kept in the volume's memo, and keeps them there from here on.
    ///
    /// @throws UnreadableRegistrationsException when it finds some that it cannot read
    public static SharedVolume open(Volume volume) {
        Memo memo = volume.memo();
        Reservations restored =
                memo.content().map(record -> read(record, volume)).orElse(Reservations.NONE);
        if (!restored.keys().isEmpty()) {
            log.info(
                    "reservations restored volume={} registrations={} reservation={}",
                    volume.naa(),
                    restored.keys().size(),
                    restored.reservation());
        }
        ReservationTable.Keeper keeper = (record, waiter) -> memo.keep(
                record,
                durable -> waiter.accept(
                        durable ? ReservationTable.Keeper.Result.DURABLE : ReservationTable.Keeper.Result.FAILED));
        return new SharedVolume(volume, new ReservationTable(restored, keeper));
    }

    private static Reservations read(byte[] record, Volume volume) {
        try {
            return ReservationRecord.read(record);
        } catch (UnreadableRegistrationsException unreadable) {
            throw new UnreadableRegistrationsException(
                    "the registrations that volume " + volume.naa() + " keeps " + unreadable.getMessage());
        }
    }
}
