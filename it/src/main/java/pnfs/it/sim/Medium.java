package pnfs.it.sim;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.Durability;
import pnfs.ds.region.Persistence;

/// Persistent memory behind a cache: what the processor sees, and what a power loss leaves. A line of the cache
/// may be written back at any time, so of what was stored and not yet made durable each word is there or not,
/// whichever. One thread.
final class Medium {
    private static final int PAGE_BYTES = 4096;
    private static final int LINE_BYTES = 64;
    private static final int WORD_BYTES = 8;

    private final byte[] live;
    /// A page as all are at first.
    private final byte[] untouched = new byte[PAGE_BYTES];
    /// What a power loss leaves, by page; null where nothing has been made durable yet.
    private final byte[] @Nullable [] durable;

    /// @param bytes whole pages
    /// @param first what each byte is at first
    Medium(int bytes, byte first) {
        this.live = new byte[bytes];
        if (first != 0) {
            Arrays.fill(live, first);
            Arrays.fill(untouched, first);
        }
        this.durable = new byte[bytes / PAGE_BYTES][];
    }

    MemorySegment segment() {
        return MemorySegment.ofArray(live);
    }

    byte[] live() {
        return live;
    }

    /// The power goes.
    void losePower(RandomGenerator random) {
        for (int page = 0; page < durable.length; page++) {
            int at = page * PAGE_BYTES;
            byte[] kept = durable[page] == null ? untouched : durable[page];
            if (Arrays.mismatch(live, at, at + PAGE_BYTES, kept, 0, PAGE_BYTES) >= 0) {
                byte[] left = ours(page);
                writeSomeBack(at, left, random);
                System.arraycopy(left, 0, live, at, PAGE_BYTES);
            }
        }
    }

    private void writeSomeBack(int pageAt, byte[] page, RandomGenerator random) {
        for (int line = 0; line < PAGE_BYTES; line += LINE_BYTES) {
            int at = pageAt + line;
            if (Arrays.mismatch(live, at, at + LINE_BYTES, page, line, line + LINE_BYTES) >= 0) {
                for (int word = 0; word < LINE_BYTES; word += WORD_BYTES) {
                    if (random.nextBoolean()) {
                        System.arraycopy(live, at + word, page, line + word, WORD_BYTES);
                    }
                }
            }
        }
    }

    /// The bytes of a page that a power loss leaves, to be changed.
    private byte[] ours(int page) {
        byte[] bytes = durable[page];
        if (bytes == null) {
            bytes = untouched.clone();
            durable[page] = bytes;
        }
        return bytes;
    }

    /// Makes bytes durable.
    void writeBack(long offset, long length) {
        int end = (int) (offset + length);
        for (int at = (int) offset; at < end; ) {
            int inPage = at % PAGE_BYTES;
            int bytes = Math.min(PAGE_BYTES - inPage, end - at);
            System.arraycopy(live, at, ours(at / PAGE_BYTES), inPage, bytes);
            at += bytes;
        }
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
                    writeBack(offset, length);
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
