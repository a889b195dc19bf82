package pnfs.it.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import pnfs.wire.iscsi.Completion;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.scsi.Capacity;

/// Keeps a logical unit busy with `depth` commands of one kind and size at random places. A slot starts its next
/// command when the last has ended.
///
/// @param name as reports call it
/// @param bytes of each command
record IscsiLoad(String name, Direction direction, int bytes, int depth) {
    private static final long SEED = 1;

    enum Direction {
        READ,
        WRITE
    }

    /// What came out of a time.
    record Counted(long commands, long nanos) {}

    /// Runs for the time; returns when all commands have ended.
    Counted drive(IscsiInitiator initiator, int lun, Duration time) throws IOException, InterruptedException {
        try {
            Capacity capacity = initiator.readCapacity(lun).get(30, TimeUnit.SECONDS);
            var run = new Run(initiator, lun, capacity, time);
            return run.go();
        } catch (ExecutionException | TimeoutException failed) {
            throw new IOException(name + ": " + failed, failed);
        }
    }

    private final class Run {
        private final IscsiInitiator initiator;
        private final int lun;
        private final Capacity capacity;
        private final CompletableFuture<Counted> result = new CompletableFuture<>();
        private final long beganNanos = System.nanoTime();
        private final long endNanos;
        // Confined to the initiator's loop once commands flow.
        private long commands;
        private int busy;

        Run(IscsiInitiator initiator, int lun, Capacity capacity, Duration time) {
            this.initiator = initiator;
            this.lun = lun;
            this.capacity = capacity;
            this.endNanos = beganNanos + time.toNanos();
        }

        Counted go() throws ExecutionException, InterruptedException, TimeoutException {
            busy = depth;
            var random = new SplittableRandom(SEED);
            for (int slot = 0; slot < depth; slot++) {
                new Slot(random.split()).next();
            }
            return result.get(endNanos - beganNanos + TimeUnit.SECONDS.toNanos(60), TimeUnit.NANOSECONDS);
        }

        private final class Slot implements Completion {
            private final SplittableRandom random;
            private final ByteBuffer data = ByteBuffer.allocateDirect(bytes);

            Slot(SplittableRandom random) {
                this.random = random;
            }

            private void next() {
                int blocks = bytes / capacity.blockBytes();
                long first = random.nextLong(capacity.blocks() / blocks) * blocks;
                if (direction == Direction.READ) {
                    initiator.read(lun, first, blocks, data.clear(), this);
                } else {
                    initiator.write(lun, first, blocks, data.clear(), this);
                }
            }

            @Override
            public void done(int moved, @Nullable RuntimeException failure) {
                if (failure != null) {
                    result.completeExceptionally(failure);
                    return;
                }
                commands++;
                if (System.nanoTime() < endNanos) {
                    next();
                } else if (--busy == 0) {
                    result.complete(new Counted(commands, System.nanoTime() - beganNanos));
                }
            }
        }
    }
}
