package pnfs.it.sim;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import pnfs.ds.region.Durability;
import pnfs.ds.region.Persistence;

/// Persistent memory behind a cache: what the processor sees, and what a power loss leaves. A line of the cache
/// may be written back at any time, so of what was stored and not yet made durable each word is there or not,
/// whichever. One thread.
final class Medium {
    private static final int LINE_BYTES = 64;
    private static final int WORD_BYTES = 8;

    private final byte[] live;
    private final byte[] durable;

    /// @param first what each byte is at first
    Medium(int bytes, byte first) {
        this.live = new byte[bytes];
        if (first != 0) {
            Arrays.fill(live, first);
        }
        this.durable = live.clone();
    }

    MemorySegment segment() {
        return MemorySegment.ofArray(live);
    }

    byte[] live() {
        return live;
    }

    /// The power goes.
    void losePower(RandomGenerator random) {
        for (int at = Arrays.mismatch(live, durable); at >= 0 && at < live.length; at = nextDifference(at)) {
            at -= at % LINE_BYTES;
            for (int word = at; word < at + LINE_BYTES; word += WORD_BYTES) {
                if (random.nextBoolean()) {
                    System.arraycopy(live, word, durable, word, WORD_BYTES);
                }
            }
            at += LINE_BYTES;
        }
        System.arraycopy(durable, 0, live, 0, live.length);
    }

    private int nextDifference(int from) {
        int at = Arrays.mismatch(live, from, live.length, durable, from, live.length);
        return at < 0 ? at : from + at;
    }

    /// Whoever wants to know that bytes were stored and are to become durable.
    interface Watcher {
        void stored(long offset, long length);
    }

    /// How the program on `host` makes its bytes durable: a little later.
    Persistence persistence(Host host, Pace pace, Watcher watcher) {
        return new Persistence() {
            @Override
            public void persist(long offset, long length, Waiter waiter) {
                watcher.stored(offset, length);
                host.schedule(pace.nanos(), () -> {
                    System.arraycopy(live, (int) offset, durable, (int) offset, (int) length);
                    waiter.persisted(true);
                });
            }

            @Override
            public Durability durability() {
                return Durability.MSYNC;
            }

            @Override
            public boolean hasFailed() {
                return false;
            }

            @Override
            public void close() {}
        };
    }
}
