package pnfs.mds.check;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;
import pnfs.mds.session.SessionRecords;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;
import pnfs.wire.xdr.Opaque;

/// Sessions that outlive a run of the server: each is of a client that is known, each slot of a session that is
/// there. Anything else the next start drops, too.
final class SessionCheck {
    private final StoreEngine engine;
    private final Findings findings;

    private SessionCheck(StoreEngine engine, Findings findings) {
        this.engine = engine;
        this.findings = findings;
    }

    static void run(StoreEngine engine, Findings findings) {
        var check = new SessionCheck(engine, findings);
        Set<Opaque> sessions = check.sound(
                Keys.SESSION, session -> engine.get(Keys.CLIENT.of(SessionRecords.clientOf(session))) != null);
        check.sound(Keys.SLOT, sessions::contains);
        check.sound(Keys.CALLBACK, sessions::contains);
    }

    /// The sessions of all records of this kind but those that are to go.
    private Set<Opaque> sound(Keys kind, Predicate<Opaque> isThere) {
        Set<Opaque> sound = new HashSet<>();
        try (StoreEngine.Cursor records = engine.open(kind.first(), kind.end())) {
            while (records.next()) {
                Opaque session = Findings.salvaged(
                        records.key(), records.value(), (key, value) -> SessionRecords.sessionOf(kind, key, value));
                if (session == null) {
                    continue;
                }
                if (isThere.test(session)) {
                    sound.add(session);
                } else {
                    findings.add(Damage.STRAY_SESSION, kind + " of session " + session);
                    findings.repair.delete(records.key());
                }
            }
        }
        return sound;
    }
}
