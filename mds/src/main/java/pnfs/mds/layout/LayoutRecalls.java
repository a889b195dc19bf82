package pnfs.mds.layout;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutManager.Recalled;
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
    private volatile int sweptGrants = LEAST_SWEPT_GRANTS;

    /// Who holds what; types of layouts share it.
    private record Holder(long inode, long client) {}

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
        for (Recalled recalled : manager.recall(file.id(), holders)) {
            log.debug("layout recalled inode={} client={}", file.id(), Long.toHexString(recalled.client()));
            recalls.begin(new LayoutRecall(file.file(), recalled));
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

    /// A whole file's layout of one client and type.
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
                    new LayoutRecallScope.OfFile(file.toWire(), FileRange.WHOLE_FILE, stateid));
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
            if (!isOver() && !clients.releaseIfLapsed(recalled.client(), recalls.nowNanos())) {
                fences.revoke(recalled.client());
            }
        }
    }
}
