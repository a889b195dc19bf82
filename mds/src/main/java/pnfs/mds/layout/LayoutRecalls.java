package pnfs.mds.layout;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutManager.Recalled;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.attribute.Inode;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;

/// Asks for layouts that are in somebody's way (CB_LAYOUTRECALL, RFC 8881 §12.5.5), and keeps the place of who
/// met them: a client that returned a layout asks for it again at once, while the other waits ever longer
/// between its tries.
final class LayoutRecalls implements FileLayouts.Obstacles {
    private static final Logger log = LoggerFactory.getLogger(LayoutRecalls.class);
    private static final long LEAST_CLAIM_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long MOST_CLAIM_NANOS = TimeUnit.SECONDS.toNanos(15);
    private static final int SWEPT_CLAIMS = 1024;
    private static final int LEAST_SWEPT_GRANTS = 1024;

    private final FileLocks locks;
    private final LayoutManager manager;
    private final ClientLayouts held;
    private final Fences fences;
    private final Recalls recalls;
    private final Clients clients;
    /// By inode.
    private final Map<Long, Claim> claims = new ConcurrentHashMap<>();
    /// The LAYOUTGETs whose replies their clients may not have seen yet, and a few older ones.
    private final Map<Holder, SessionRef> grants = new ConcurrentHashMap<>();
    /// Who was asked for more than single files, and has not answered for all.
    private final Set<Bulk> bulks = ConcurrentHashMap.newKeySet();

    private volatile int sweptGrants = LEAST_SWEPT_GRANTS;

    /// Who holds what; types of layouts share it.
    private record Holder(long inode, long client) {}

    private record Bulk(long client, LayoutType type) {}

    /// Who is next. Clients double the time between tries: what it has waited so far is about what it waits now.
    private record Claim(long client, long sinceNanos, long untilNanos) {}

    LayoutRecalls(
            FileLocks locks,
            LayoutManager manager,
            ClientLayouts held,
            Fences fences,
            Recalls recalls,
            Clients clients) {
        this.locks = locks;
        this.manager = manager;
        this.held = held;
        this.fences = fences;
        this.recalls = recalls;
        this.clients = clients;
        held.restoredCalls().forEach((of, call) -> grants.put(new Holder(of.inode(), of.client()), call));
    }

    /// A layout of this file was granted by `call`, under the file's lock. Its reply waits for the store, and a
    /// recall does not: it may overtake the reply. A client that has no layout yet, or none any more, would
    /// answer NOMATCHING_LAYOUT, which means to us that its blocks are free, and write to them when the reply
    /// comes. So the recall names the call (RFC 8881 §2.10.6.3), and the client waits for its reply.
    void granted(long inode, SessionRef call) {
        grants.put(new Holder(inode, call.clientId()), call);
        if (grants.size() > sweptGrants) {
            grants.values().removeIf(each -> !clients.isLatest(each)); // the slot went on: its reply was seen
            sweptGrants = Math.max(LEAST_SWEPT_GRANTS, 2 * grants.size());
        }
    }

    @Override
    public void met(Inode file, Set<Long> holders, long claimant) {
        if (holders.isEmpty()) {
            return;
        }
        long now = recalls.nowNanos();
        if (claims.size() > SWEPT_CLAIMS) {
            claims.values().removeIf(claim -> now - claim.untilNanos() >= 0);
        }
        claims.compute(file.id(), (_, claim) -> claimed(claim, claimant, now));
        Set<Long> toAsk = holders.stream()
                .filter(client -> bulks.stream().noneMatch(bulk -> bulk.client() == client))
                .collect(Collectors.toSet()); // the others are to give it back already
        for (Recalled recalled : manager.recall(file.id(), toAsk)) {
            begin(file.file(), recalled);
        }
    }

    private void begin(FileHandle file, Recalled recalled) {
        log.debug("layout recalled inode={} client={}", file.inode(), Long.toHexString(recalled.client()));
        recalls.begin(of(file, recalled));
    }

    /// The recall of what is marked as recalled.
    Recalls.Recall of(FileHandle file, Recalled recalled) {
        return new LayoutRecall(file, recalled);
    }

    /// From now until [#endBulk] the client gets no layouts of this type, and returns none of single files.
    ///
    /// @return false where that is so already
    boolean beginBulk(long client, LayoutType type) {
        return bulks.add(new Bulk(client, type));
    }

    void endBulk(long client, LayoutType type) {
        bulks.remove(new Bulk(client, type));
    }

    boolean isBulk(long client, LayoutType type) {
        return !bulks.isEmpty() && bulks.contains(new Bulk(client, type));
    }

    /// The client says that it holds nothing of a file that more than it was recalled with. It may have been
    /// granted something by a call whose reply it has not seen: then it is asked for that alone, after the
    /// reply.
    void hasNone(FileHandle file, long client, LayoutType type) {
        SessionRef call = grants.get(new Holder(file.inode(), client));
        if (call == null || !clients.isLatest(call)) {
            held.giveBackFile(file.inode(), client, type);
            return;
        }
        try (var _ = locks.lock(file.inode())) {
            manager.recall(file.inode(), Set.of(client)).stream()
                    .filter(recalled -> recalled.type() == type)
                    .forEach(recalled -> begin(file, recalled));
        }
    }

    @Override
    public void passed(long inode, long claimant) {
        claims.computeIfPresent(inode, (_, claim) -> claim.client() == claimant ? null : claim);
    }

    private static Claim claimed(Claim before, long claimant, long now) {
        boolean running = before != null && now - before.untilNanos() < 0;
        if (running && before.client() != claimant) {
            return before;
        }
        long since = running ? before.sinceNanos() : now;
        long more = Math.clamp(now - since + LEAST_CLAIM_NANOS, LEAST_CLAIM_NANOS, MOST_CLAIM_NANOS);
        return new Claim(claimant, since, now + more);
    }

    /// Whether somebody else is next on this file. The turn of `client` itself is used up.
    boolean mustWait(long inode, long client) {
        Claim claim = claims.get(inode);
        if (claim == null) {
            return false;
        }
        boolean isNext = claim.client() == client;
        if (isNext || recalls.nowNanos() - claim.untilNanos() >= 0) {
            claims.remove(inode, claim);
            return false;
        }
        return true;
    }

    private static FileRange wire(ByteRange range) {
        return range.isToEnd() ? FileRange.toEnd(range.offset()) : FileRange.of(range.offset(), range.length());
    }

    /// A file's layout of one client and type, or a part of it.
    private final class LayoutRecall implements Recalls.Recall {
        private final FileHandle file;
        private volatile Recalled recalled;

        LayoutRecall(FileHandle file, Recalled recalled) {
            this.file = file;
            this.recalled = recalled;
        }

        @Override
        public long clientId() {
            return recalled.client();
        }

        @Override
        public CbArgs callback() {
            var stateid =
                    new Stateid(recalled.stateid().seqid(), recalled.stateid().other());
            return new CbLayoutRecallArgs(
                    LayoutBodies.type(recalled.type()),
                    Iomode.ANY,
                    false,
                    new LayoutRecallScope.OfFile(file.toWire(), wire(recalled.range()), stateid));
        }

        @Override
        public Optional<SessionRef> grantedBy() {
            return Optional.ofNullable(grants.get(new Holder(file.inode(), recalled.client())));
        }

        @Override
        public boolean isOver() {
            try (var _ = locks.lock(recalled.inode())) {
                return !manager.isOut(recalled);
            }
        }

        @Override
        public boolean isSettledBy(NfsStatus status) {
            switch (status) {
                case NOMATCHING_LAYOUT -> held.giveBack(recalled);
                case OLD_STATEID -> {
                    try (var _ = locks.lock(recalled.inode())) {
                        recalled = manager.recallAgain(recalled);
                    }
                    return false;
                }
                default -> {} // it has its lease to find its way
            }
            return true;
        }

        @Override
        public void revoke() {
            if (!isOver()) {
                fences.revoke(recalled.client());
            }
        }
    }
}
