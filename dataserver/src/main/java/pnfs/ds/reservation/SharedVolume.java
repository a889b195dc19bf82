package pnfs.ds.reservation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.region.Memo;
import pnfs.ds.volume.Volume;

/// A volume and who may use it: what every protocol that reaches the volume serves. Safe for use by many threads.
public record SharedVolume(Volume volume, ReservationTable reservations) {
    private static final Logger log = LoggerFactory.getLogger(SharedVolume.class);

    /// Finds the registrations that the last run has kept in the volume's memo, and keeps them there from here on.
    public static SharedVolume open(Volume volume) {
        Memo memo = volume.memo();
        Reservations restored = memo.content()
                .map(record -> ReservationRecord.read(record)
                        .orElseThrow(() -> new IllegalStateException(
                                "registrations of volume " + volume.naa() + " are of another version")))
                .orElse(Reservations.NONE);
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
}
