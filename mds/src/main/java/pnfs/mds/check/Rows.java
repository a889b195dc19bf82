package pnfs.mds.check;

import java.util.function.BiConsumer;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;

/// A walk over the records of one kind whose keys begin with an inode's number, number by number. Confined to one
/// check.
final class Rows implements AutoCloseable {
    static final long END = Long.MAX_VALUE;

    private final StoreEngine.Cursor cursor;
    private final Damage nameless;
    private final Findings findings;
    private boolean more;

    Rows(StoreEngine engine, Keys kind, Findings findings) {
        this.findings = findings;
        nameless = kind == Keys.EXTENT ? Damage.UNREADABLE_EXTENT : Damage.UNREADABLE_KEY;
        cursor = engine.open(kind.first(), kind.end());
        advance();
    }

    private void advance() {
        more = cursor.next();
        while (more && cursor.key().length <= Long.BYTES) {
            findings.add(nameless, "a key of " + cursor.key().length + " bytes");
            Salvage.putAside(findings.repair, cursor.key(), cursor.value());
            more = cursor.next();
        }
    }

    /// The number of the next record; [#END] where there is none.
    long number() {
        return more ? Keys.number(cursor.key()) : END;
    }

    /// Goes past all records of `number`.
    void take(long number, BiConsumer<byte[], byte[]> row) {
        while (number() == number) {
            row.accept(cursor.key(), cursor.value());
            advance();
        }
    }

    @Override
    public void close() {
        cursor.close();
    }
}
