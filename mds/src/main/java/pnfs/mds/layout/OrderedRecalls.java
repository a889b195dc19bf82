package pnfs.mds.layout;

import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.SessionRef;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.NfsStatus;

/// Layouts that an operator wants back, in nobody's way: CB_LAYOUTRECALL of a file or a part of it, of an export,
/// of everything (RFC 8881 §12.5.5, §20.3). Who does not give them back within a lease is fenced, as after every
/// recall.
///
/// A recall of an export or of everything goes to clients of which no recall of a single file is under way. From
/// then on the client gets no layouts and returns none by file, until it has sent the LAYOUTRETURN of the same
/// kind or says that it has none. What it wrote it may commit all the while. Safe for any thread.
public final class OrderedRecalls {
    private static final Logger log = LoggerFactory.getLogger(OrderedRecalls.class);

    private final Inodes inodes;
    private final FileLocks locks;
    private final LayoutManager manager;
    private final Fences fences;
    private final Recalls recalls;
    private final LayoutRecalls layouts;

    /// What is wanted back.
    public sealed interface Scope {
        record OfFile(FileHandle file, ByteRange range) implements Scope {}

        /// All files of one export.
        ///
        /// @param fsidMajor of all exports
        /// @param export its number, the minor part of its fsid
        record OfExport(long fsidMajor, int export) implements Scope {}

        record All() implements Scope {}
    }

    /// How the recall of one client's layouts of one type ended.
    public enum Ending {
        /// The client gave them back.
        RETURNED,
        /// The client said that it has none.
        HAD_NONE,
        /// The client did neither within a lease: it is being fenced.
        TAKEN,
        /// The client is not there any more.
        GONE,
        /// Single files of it were being recalled, so it was not asked for more.
        BUSY
    }

    /// What became of one client's layouts of one type.
    ///
    /// @param delays how often it answered DELAY
    /// @param answer its last; null where it never answered
    /// @param answeredNanos from the order to that
    /// @param endedNanos from the order to the end, seen within a tenth of a second
    public record Outcome(
            long client,
            LayoutType type,
            int delays,
            @Nullable NfsStatus answer,
            long answeredNanos,
            Ending ending,
            long endedNanos) {}

    OrderedRecalls(
            Inodes inodes,
            FileLocks locks,
            LayoutManager manager,
            Fences fences,
            Recalls recalls,
            LayoutRecalls layouts) {
        this.inodes = inodes;
        this.locks = locks;
        this.manager = manager;
        this.fences = fences;
        this.recalls = recalls;
        this.layouts = layouts;
    }

    /// Recalls; `then` gets what became of it once, on any thread, a little more than a lease from now at the
    /// latest.
    public void recall(Scope scope, LongSupplier nanoTime, Consumer<List<Outcome>> then) {
        log.info("layouts recalled by an operator scope={}", scope);
        var order = new Order(nanoTime, then);
        switch (scope) {
            case Scope.OfFile(FileHandle file, ByteRange range) -> {
                try (var _ = locks.lock(file.inode())) {
                    manager.recall(file.inode(), range)
                            .forEach(recalled -> order.begin(recalled.type(), layouts.of(file, recalled)));
                }
            }
            case Scope.OfExport _, Scope.All _ -> {
                for (long client : manager.clients()) {
                    for (LayoutType type : LayoutType.values()) {
                        recallAll(client, type, scope, order);
                    }
                }
            }
        }
        order.allBegun();
    }

    private void recallAll(long client, LayoutType type, Scope scope, Order order) {
        boolean holds = false;
        boolean isBusy = false;
        for (long inode : manager.filesOf(client)) {
            try (var _ = locks.lock(inode)) {
                holds |= isOf(scope, inode) && manager.holds(inode, client, type);
                isBusy |= manager.isRecalled(inode, client, type);
            }
        }
        if (!holds) {
            return;
        }
        if (isBusy || !layouts.beginBulk(client, type)) {
            order.skip(client, type);
        } else {
            order.begin(type, new BulkRecall(client, type, scope));
        }
    }

    private static boolean isOf(Scope scope, long inode) {
        return !(scope instanceof Scope.OfExport only) || Inodes.exportOf(inode) == only.export();
    }

    /// One command of the operator's: counts what is not over.
    private final class Order {
        private final LongSupplier nanoTime;
        private final Consumer<List<Outcome>> then;
        private final long begunNanos;
        private final Queue<Outcome> outcomes = new ConcurrentLinkedQueue<>();
        /// Its own beginning, and each client asked.
        private final AtomicInteger open = new AtomicInteger(1);

        Order(LongSupplier nanoTime, Consumer<List<Outcome>> then) {
            this.nanoTime = nanoTime;
            this.then = then;
            this.begunNanos = nanoTime.getAsLong();
        }

        long nanos() {
            return nanoTime.getAsLong() - begunNanos;
        }

        void begin(LayoutType type, Recalls.Recall recall) {
            open.incrementAndGet();
            recalls.begin(new Watched(this, type, recall));
        }

        void skip(long client, LayoutType type) {
            open.incrementAndGet();
            over(new Outcome(client, type, 0, null, 0, Ending.BUSY, nanos()));
        }

        void allBegun() {
            close();
        }

        void over(Outcome outcome) {
            outcomes.add(outcome);
            close();
        }

        private void close() {
            if (open.decrementAndGet() == 0) {
                then.accept(List.copyOf(outcomes));
            }
        }
    }

    /// A recall, and how it goes.
    private static final class Watched implements Recalls.Recall {
        private final Order order;
        private final LayoutType type;
        private final Recalls.Recall recall;
        private final AtomicInteger delays = new AtomicInteger();
        private volatile @Nullable NfsStatus answer;
        private volatile long answeredNanos;
        private volatile boolean taken;

        Watched(Order order, LayoutType type, Recalls.Recall recall) {
            this.order = order;
            this.type = type;
            this.recall = recall;
        }

        @Override
        public long clientId() {
            return recall.clientId();
        }

        @Override
        public CbArgs callback() {
            return recall.callback();
        }

        @Override
        public Optional<SessionRef> grantedBy() {
            return recall.grantedBy();
        }

        @Override
        public boolean isOver() {
            return recall.isOver();
        }

        @Override
        public boolean isSettledBy(NfsStatus status) {
            return recall.isSettledBy(status);
        }

        @Override
        public void revoke() {
            taken = !recall.isOver();
            recall.revoke();
        }

        @Override
        public void heard(NfsStatus status) {
            answer = status;
            answeredNanos = order.nanos();
            if (status == NfsStatus.DELAY) {
                delays.incrementAndGet();
            }
        }

        @Override
        public void ended(boolean isClientGone) {
            recall.ended(isClientGone);
            order.over(new Outcome(
                    clientId(), type, delays.get(), answer, answeredNanos, ending(isClientGone), order.nanos()));
        }

        private Ending ending(boolean isClientGone) {
            if (taken) {
                return Ending.TAKEN;
            }
            if (isClientGone) {
                return Ending.GONE;
            }
            return answer == NfsStatus.NOMATCHING_LAYOUT ? Ending.HAD_NONE : Ending.RETURNED;
        }
    }

    /// All layouts of one client and type, or those of an export.
    private final class BulkRecall implements Recalls.Recall {
        private final long client;
        private final LayoutType type;
        private final Scope scope;

        BulkRecall(long client, LayoutType type, Scope scope) {
            this.client = client;
            this.type = type;
            this.scope = scope;
        }

        @Override
        public long clientId() {
            return client;
        }

        @Override
        public CbArgs callback() {
            LayoutRecallScope wanted = scope instanceof Scope.OfExport only
                    ? new LayoutRecallScope.OfFileSystem(new Fsid(only.fsidMajor(), only.export()))
                    : new LayoutRecallScope.All();
            return new CbLayoutRecallArgs(LayoutBodies.type(type), Iomode.ANY, false, wanted);
        }

        /// Not one call but perhaps many: see [LayoutRecalls#hasNone].
        @Override
        public Optional<SessionRef> grantedBy() {
            return Optional.empty();
        }

        @Override
        public boolean isOver() {
            return !layouts.isBulk(client, type);
        }

        @Override
        public boolean isSettledBy(NfsStatus status) {
            if (status == NfsStatus.NOMATCHING_LAYOUT) {
                for (long inode : manager.filesOf(client)) {
                    inodes.damaged().leaveOut(() -> hasNone(inode));
                }
                layouts.endBulk(client, type);
            }
            return true; // it has its lease to find its way
        }

        private void hasNone(long inode) {
            Inode file = inodes.find(inode).value();
            if (file != null && isOf(scope, inode)) {
                layouts.hasNone(file.file(), client, type);
            }
        }

        @Override
        public void revoke() {
            if (!isOver()) {
                fences.revoke(client);
            }
        }

        @Override
        public void ended(boolean isClientGone) {
            layouts.endBulk(client, type);
        }
    }
}
