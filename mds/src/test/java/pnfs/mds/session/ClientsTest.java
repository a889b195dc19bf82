package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.wire.xdr.Opaque;

class ClientsTest {
    private static Clients run(long boot, int numbersAfter) {
        var store = new MetadataStore(MemoryEngine.committing(), 1 << 20, failure -> {
            throw new AssertionError(failure);
        });
        var identity = new ServerIdentity(Opaque.of(new byte[16]), boot, boot);
        return new Clients(store, identity, TestServer.LIMITS, numbersAfter, 0);
    }

    @Test
    void numbers_are_positive_and_come_once_wherever_they_begin_and_also_when_starts_are_counted_anew() {
        Set<Long> seen = new HashSet<>();
        for (Clients run : new Clients[] {run(6, -2), run(7, -2), run(6, Integer.MAX_VALUE - 1), run(6, 77)}) {
            for (int i = 0; i < 4; i++) {
                long number = run.uniqueNumber();
                assertThat(number).isPositive();
                assertThat(seen.add(number)).as("%x is new", number).isTrue();
            }
        }
    }
}
