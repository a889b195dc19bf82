package pnfs.mds.proxy;

import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.HoldOutcome;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.RecalledException;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.store.CorruptStoreException;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpResult;

/// What READ, WRITE and SETATTR here have in common: they decide under the file's lock what to move, move it
/// without, and decide again. In between stands a hold, so that nobody else changes what lies under the range.
final class ProxyFiles {
    private static final Logger log = LoggerFactory.getLogger(ProxyFiles.class);

    final Inodes inodes;
    final FileLocks locks;
    final FileLayouts layouts;
    final BlockIo io;
    private final Orphans orphans;
    final Turnstile turnstile = new Turnstile();

    ProxyFiles(Inodes inodes, FileLocks locks, FileLayouts layouts, Orphans orphans, BlockIo io) {
        this.inodes = inodes;
        this.locks = locks;
        this.layouts = layouts;
        this.orphans = orphans;
        this.io = io;
    }

    /// What was decided at the beginning: an answer, or a hold with which to begin.
    sealed interface Decision {
        /// Nothing to move: the answer is made once the lock is given back.
        record Answer(Supplier<OpResult> result) implements Decision {}

        record Begin(HoldOutcome outcome) implements Decision {}
    }

    /// Begins the I/O of an operation.
    interface Begin {
        void begin(Inode file, ProxyHold hold);
    }

    /// Decides under the file's lock, again each time when other I/O of ours was in the way, and begins once.
    ///
    /// @param decide runs under the lock; an [NfsException] refuses
    /// @param begin runs without it
    void start(
            CompoundState state,
            Function<Inode, Decision> decide,
            Begin begin,
            Consumer<OpResult> done,
            Function<NfsStatus, OpResult> refusal) {
        Runnable next;
        try (var _ = locks.lock(state.currentFile().inode())) {
            Inode file = inodes.requireCurrent(state);
            next = switch (decide.apply(file)) {
                case Decision.Answer(var result) -> () -> done.accept(answerOf(result, refusal));
                case Decision.Begin(HoldOutcome.Held(var hold)) -> () -> begin.begin(file, hold);
                case Decision.Begin(HoldOutcome.Busy()) -> {
                    turnstile.await(file.id(), () -> again(state, decide, begin, done, refusal));
                    yield () -> {};
                }
                case Decision.Begin(HoldOutcome.Conflict(var holders)) ->
                    throw new RecalledException(
                            holders.isEmpty()
                                    ? "writes of before may still come from where they got stuck"
                                    : "layouts of clients " + holders + " are in the way");
                case Decision.Begin(HoldOutcome.Refused refused) -> throw FileLayouts.refused(refused);
            };
        } catch (RecalledException recalled) {
            next = state.pause(() -> again(state, decide, begin, done, refusal))
                    ? () -> {}
                    : () -> done.accept(refusal.apply(recalled.status()));
        } catch (NfsException refused) {
            next = () -> done.accept(refusal.apply(refused.status()));
        } catch (CorruptStoreException damage) {
            next = () -> done.accept(refused(damage, refusal));
        }
        next.run();
    }

    /// [#start] on a thread of somebody else's operation, which must not suffer from what goes wrong here.
    private void again(
            CompoundState state,
            Function<Inode, Decision> decide,
            Begin begin,
            Consumer<OpResult> done,
            Function<NfsStatus, OpResult> refusal) {
        try {
            start(state, decide, begin, done, refusal);
        } catch (RuntimeException bug) {
            log.error("operation could not be taken up again file={}", state.currentFile(), bug);
            done.accept(refusal.apply(NfsStatus.SERVERFAULT));
        }
    }

    /// What `result` answers, a refusal or a failure of ours included: for where no executor is above us any
    /// more to answer for it, and the client must hear something.
    OpResult answerOf(Supplier<OpResult> result, Function<NfsStatus, OpResult> refusal) {
        try {
            return result.get();
        } catch (NfsException refused) {
            return refusal.apply(refused.status());
        } catch (CorruptStoreException damage) {
            return refused(damage, refusal);
        } catch (RuntimeException bug) {
            log.error("operation could not be finished", bug);
            return refusal.apply(NfsStatus.SERVERFAULT);
        }
    }

    private OpResult refused(CorruptStoreException damage, Function<NfsStatus, OpResult> refusal) {
        inodes.damaged().met(damage);
        return refusal.apply(NfsStatus.IO);
    }

    /// Ends a hold: `last` decides under the file's lock what becomes of the I/O, which has failed or not; who
    /// waited for the file tries again after that.
    void finish(
            ProxyHold hold,
            BlockIo.@Nullable IoFailure failure,
            Supplier<OpResult> last,
            Consumer<OpResult> done,
            Function<NfsStatus, OpResult> refusal) {
        finish(hold, failure, () -> failure == null ? answerOf(last, refusal) : refusal.apply(statusOf(failure)), done);
    }

    /// Ends a hold, with whatever `last` makes of it under the file's lock. Where something of the I/O may still
    /// reach storage, the answer does not wait for that, but the hold does: whoever else wrote there meanwhile
    /// would find old bytes over the new ones.
    <R> void finish(ProxyHold hold, BlockIo.@Nullable IoFailure failure, Supplier<R> last, Consumer<R> done) {
        if (failure == null || failure.over().isDone()) {
            end(hold, last, done);
            return;
        }
        R result;
        try (var _ = locks.lock(hold.inode())) {
            result = last.get();
            layouts.linger(hold);
        }
        log.warn(
                "write may still reach storage inode={} range={} why={}", hold.inode(), hold.range(), failure.detail());
        turnstile.pass(hold.inode()); // nobody knows how long it takes: those who waited hear DELAY
        done.accept(result);
        var _ = failure.over().thenRun(() -> lingered(hold));
    }

    /// On a thread of the data server's session, which must not suffer from what goes wrong here.
    private void lingered(ProxyHold hold) {
        try {
            end(
                    hold,
                    () -> hold,
                    held -> log.info("nothing is on its way any more inode={} range={}", held.inode(), held.range()));
        } catch (RuntimeException bug) {
            log.error("hold could not be ended inode={} range={}", hold.inode(), hold.range(), bug);
        }
    }

    private <R> void end(ProxyHold hold, Supplier<R> last, Consumer<R> done) {
        R result;
        boolean isFree;
        try (var _ = locks.lock(hold.inode())) {
            result = last.get();
            isFree = layouts.end(hold);
        }
        if (isFree) {
            orphans.reap(hold.inode());
        }
        turnstile.pass(hold.inode());
        done.accept(result);
    }

    private static NfsStatus statusOf(BlockIo.IoFailure failure) {
        return switch (failure.passing()) {
            case PASSING -> NfsStatus.DELAY;
            case LASTING -> NfsStatus.IO;
        };
    }

    /// The file with other bytes or storage, as of now; a program loses its privileges when somebody without any
    /// changes it.
    static Inode changed(Inode before, long size, long spaceUsed, CompoundState state) {
        Inode after = before.written(size, spaceUsed, state.now(), state.now());
        return Caller.of(state).isPrivileged()
                ? after
                : after.described(after.rights().withoutSetId(), after.times(), state.now());
    }

    /// A range of a file that is to be changed.
    ///
    /// @throws NfsException FBIG where it ends beyond what a file can have
    static ByteRange requireRange(long offset, long length) {
        long most = ByteRange.alignDown(Long.MAX_VALUE);
        if (offset > most - length) {
            throw new NfsException(NfsStatus.FBIG, length + " bytes at " + offset + " end beyond " + most);
        }
        return ByteRange.ofLength(offset, length);
    }
}
