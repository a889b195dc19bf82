package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.HoldOutcome;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.Inode;
import pnfs.mds.store.CorruptStoreException;

/// Moves what files have on one volume to others, a piece at a time, while clients go on. Copies are made
/// first; then the new extents and the freeing of the old ones are one durable step, so that a crash leaves the
/// file where it was or where it goes. Operations of clients on that piece wait for it at the turnstile, and
/// layouts of it are recalled.
public final class Relocation {
    private static final Logger log = LoggerFactory.getLogger(Relocation.class);
    /// Moved in one step, for which clients may have to wait.
    private static final long PIECE_BYTES = 8L << 20;
    /// In memory at a time.
    private static final int COPY_BYTES = 1 << 20;

    private final ProxyFiles files;

    Relocation(ProxyFiles files) {
        this.files = files;
    }

    /// What came of a step.
    public sealed interface Step {
        /// The file has nothing on that volume up to the end of `range` any more, from where the step began.
        record Moved(ByteRange range) implements Step {}

        /// Nor behind that; or it is no file any more.
        record Finished() implements Step {}

        /// Something is in the way, and was asked to go where it can be: try again.
        ///
        /// @param why for people, what is waited for
        record Blocked(String why) implements Step {}
    }

    /// Moves the first piece that the file has on `from` at or after `offset`.
    ///
    /// @param then hears what came of it, once, on any thread and without locks
    public void step(long inode, DeviceId from, long offset, Consumer<Step> then) {
        Runnable next;
        try (var _ = files.locks.lock(inode)) {
            Inode file = files.inodes.find(inode).value();
            Optional<HoldOutcome> outcome = file == null || !file.isRegular()
                    ? Optional.empty()
                    : files.layouts.beginMove(file, from, offset, PIECE_BYTES);
            next = outcome.isEmpty()
                    ? () -> then.accept(new Step.Finished())
                    : switch (outcome.get()) {
                        case HoldOutcome.Held(var hold) -> {
                            var copying = new Copying(hold, files.layouts.mustCopy(hold), then);
                            yield copying::next;
                        }
                        case HoldOutcome.Busy() -> {
                            files.turnstile.await(inode, () -> again(inode, from, offset, then));
                            yield () -> {};
                        }
                        case HoldOutcome.Conflict(var holders) ->
                            () -> then.accept(new Step.Blocked(waitsFor(holders.size())));
                        case HoldOutcome.Refused(var _, var detail) ->
                            () -> then.accept(new Step.Blocked("space: " + detail));
                    };
        } catch (CorruptStoreException damage) {
            next = () -> then.accept(blocked(inode, damage));
        }
        next.run();
    }

    /// On a thread of somebody else's operation, which must not suffer from what goes wrong here.
    private void again(long inode, DeviceId from, long offset, Consumer<Step> then) {
        try {
            step(inode, from, offset, then);
        } catch (RuntimeException bug) {
            log.error("piece could not be moved inode={} device={}", inode, from, bug);
            then.accept(new Step.Blocked("an error of the metadata server, which its log shows"));
        }
    }

    private Step blocked(long inode, CorruptStoreException damage) {
        files.inodes.damaged().met(damage);
        return new Step.Blocked("inode " + inode + ", of which a record is damaged: 'pnfs fsck' says what can be done");
    }

    private static String waitsFor(int holders) {
        return holders == 0
                ? "clients of before the restart, or a data server that is away, from which writes may still come"
                : "clients to return their layouts: " + holders;
    }

    /// One piece on its way. One writer: whoever moved the part before.
    private final class Copying {
        private final ProxyHold hold;
        private final Consumer<Step> then;
        /// To be read whatever its state: what is not committed yet has bytes, too.
        private final List<Extent> source;
        private final ByteBuffer buffer;
        private long at;

        Copying(ProxyHold hold, boolean mustCopy, Consumer<Step> then) {
            this.hold = hold;
            this.then = then;
            this.source = hold.extents().stream()
                    .map(extent -> extent.withState(ExtentState.READ_WRITE_DATA))
                    .toList();
            this.at = mustCopy ? hold.range().offset() : hold.range().end();
            this.buffer =
                    ByteBuffer.allocate((int) Math.min(COPY_BYTES, hold.range().end() - at));
        }

        void next() {
            var part = new ByteRange(at, Math.min(hold.range().end(), at + COPY_BYTES));
            if (part.isEmpty()) {
                files.finish(hold, null, this::moved, then);
                return;
            }
            ByteBuffer bytes = buffer.slice(0, (int) part.length());
            Transfer.read(files.io, Transfer.within(source, part), part, bytes, unread -> {
                if (unread != null) {
                    files.finish(hold, unread, () -> new Step.Blocked(unread.detail()), then);
                    return;
                }
                Transfer.write(files.io, Transfer.within(hold.copies(), part), part, bytes, unwritten -> {
                    if (unwritten != null) {
                        files.finish(hold, unwritten, () -> new Step.Blocked(unwritten.detail()), then);
                        return;
                    }
                    at = part.end();
                    next();
                });
            });
        }

        private Step moved() {
            try {
                Inode file = files.inodes.find(hold.inode()).value();
                if (file == null) {
                    throw new IllegalStateException("inode " + hold.inode() + " went while it was held");
                }
                files.layouts.finishMove(files.inodes.change(), file, hold);
                return new Step.Moved(hold.range());
            } catch (CorruptStoreException damage) {
                return blocked(hold.inode(), damage);
            }
        }
    }
}
