package pnfs.it.demo;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import pnfs.client.IoEvents;
import pnfs.client.cli.Bytes;
import pnfs.layout.extent.ByteRange;

/// What happens, as it happens: every half second a line with how often was mapped, written, read and committed
/// since the line before, how many bytes, and how long one took on average. Safe for all threads.
final class Timeline implements IoEvents, AutoCloseable {
    private static final Duration TICK = Duration.ofMillis(500);
    private static final String ROW = "%8s  %-26s %-27s %-29s %-29s %s%n";

    private final ReentrantLock lock = new ReentrantLock();
    private final PrintStream out;
    private final long startNanos = System.nanoTime();
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("timeline").factory());
    private final Sum mapped = new Sum();
    private final Sum written = new Sum();
    private final Sum read = new Sum();
    private final Sum committed = new Sum();
    private String step = "";

    /// Events of one kind since the last line. Guarded by the timeline's lock.
    private static final class Sum {
        private long count;
        private long bytes;
        private long nanos;

        void add(long eventBytes, long eventNanos) {
            count++;
            bytes += eventBytes;
            nanos += eventNanos;
        }

        /// As `12 x   12.0 MiB   1.38 ms`; empties the sum.
        String take() {
            String text = count == 0
                    ? "-"
                    : String.format(Locale.ROOT, "%4d x %10s %6.2f ms", count, Bytes.human(bytes), nanos / 1e6 / count);
            count = 0;
            bytes = 0;
            nanos = 0;
            return text;
        }
    }

    Timeline(PrintStream out) {
        this.out = out;
        var _ = ticker.scheduleAtFixedRate(this::flush, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    void titles() {
        out.printf(ROW, "TIME", "STEP", "MAP", "WRITE", "READ", "COMMIT");
    }

    /// From now on events belong to this step.
    void step(String name) {
        lock.lock();
        try {
            flushLocked();
            step = name;
        } finally {
            lock.unlock();
        }
    }

    /// Something to say at this point of the timeline.
    void say(String text) {
        lock.lock();
        try {
            flushLocked();
            out.printf("%8s  %s%n", time(), text);
        } finally {
            lock.unlock();
        }
    }

    private void flush() {
        lock.lock();
        try {
            flushLocked();
        } finally {
            lock.unlock();
        }
    }

    private void flushLocked() {
        if (mapped.count + written.count + read.count + committed.count > 0) {
            out.printf(ROW, time(), step, mapped.take(), written.take(), read.take(), committed.take());
        }
    }

    private String time() {
        return String.format(Locale.ROOT, "%.2f s", (System.nanoTime() - startNanos) / 1e9);
    }

    private void add(Sum sum, long bytes, long nanos) {
        lock.lock();
        try {
            sum.add(bytes, nanos);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void mapped(String path, ByteRange range, int extents, long nanos) {
        add(mapped, range.length(), nanos);
    }

    @Override
    public void written(String path, ByteRange range, long nanos) {
        add(written, range.length(), nanos);
    }

    @Override
    public void read(String path, ByteRange range, long nanos) {
        add(read, range.length(), nanos);
    }

    @Override
    public void committed(String path, int ranges, long bytes, long nanos) {
        add(committed, bytes, nanos);
    }

    @Override
    public void throughMds(String path, ByteRange range, String why) {
        say(path + " " + range + " goes through the metadata server: " + why);
    }

    @Override
    public void close() {
        ticker.shutdownNow();
        flush();
    }
}
