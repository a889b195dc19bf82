package pnfs.mds.open;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.WriteAccess;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// All open files: what was opened by whom, and whether a stateid lets its bearer read or write (RFC 8881 §8.2,
/// §9). Forgotten at a restart, after which clients reclaim.
///
/// A stateid's `other` is 4 random bytes of this run of the server and an 8-byte counter, so that one from
/// before a restart is not taken for one of now.
///
/// Opens of a file change under the file's lock; looking up a stateid takes none.
public final class OpenFiles implements WriteAccess, Orphans.InUse {
    private final Clients clients;
    private final int maxPerClient;
    private final int boot;
    private final AtomicLong lastNumber = new AtomicLong();
    private final Map<Long, FileOpens> byInode = new ConcurrentHashMap<>();
    private final Map<Long, Map<Long, OpenState>> byClient = new ConcurrentHashMap<>();

    /// @param maxPerClient how many files a client may have open; more is DELAY until it closes some
    /// @param random makes stateids that a client of an earlier run does not have
    public OpenFiles(Clients clients, int maxPerClient, RandomGenerator random) {
        this.clients = clients;
        this.maxPerClient = maxPerClient;
        this.boot = random.nextInt();
    }

    /// How many files are open, counted once for each open-owner.
    public int count() {
        return byClient.values().stream().mapToInt(Map::size).sum();
    }

    /// The open that `stateid` names, when it is one of this client, for `file`, and in its current version.
    ///
    /// @param stateid as [CompoundState#resolve] leaves it; seqid 0 means the current version
    /// @throws NfsException BAD_STATEID, OLD_STATEID
    OpenState require(Stateid stateid, FileHandle file, CompoundState state) {
        OpenState open = require(stateid, state.clientId());
        if (!open.file().equals(file)) {
            throw new NfsException(NfsStatus.BAD_STATEID, open + " is of file " + open.file() + ", not " + file);
        }
        return open;
    }

    /// As above, for whatever file.
    OpenState require(Stateid stateid, long clientId) {
        OpenState open = find(stateid, clientId);
        if (open == null) {
            throw new NfsException(NfsStatus.BAD_STATEID, "stateid " + stateid);
        }
        // Compared modulo 2^32: what lies in the half circle behind is old.
        int ahead = stateid.seqid() - open.stateid().seqid();
        if (stateid.seqid() != 0 && ahead != 0) {
            throw new NfsException(
                    ahead < 0 ? NfsStatus.OLD_STATEID : NfsStatus.BAD_STATEID, "stateid " + stateid + " of " + open);
        }
        return open;
    }

    /// The open that `stateid` names, when it gives `access`: for LAYOUTGET and LOCK, which need a real open.
    ///
    /// @param stateid the operation's argument; the current stateid is looked up
    /// @param access bits of [ShareBits]
    /// @throws NfsException BAD_STATEID (also for the special stateids), OLD_STATEID, OPENMODE
    public OpenState requireOpen(Stateid stateid, FileHandle file, int access, CompoundState state) {
        OpenState open = require(state.resolve(stateid), file, state);
        if ((access & ~open.access()) != 0) {
            throw new NfsException(NfsStatus.OPENMODE, open + " has access " + open.access() + ", not " + access);
        }
        return open;
    }

    /// Lets a READ, WRITE or change of size pass, or not: by the open that `stateid` names, or for the special
    /// stateids by POSIX permissions, share reservations of others, and not before clients have reclaimed what
    /// they had.
    ///
    /// @param stateid the operation's argument; the current stateid is looked up
    /// @param access [ShareBits#READ] or [ShareBits#WRITE]
    /// @throws NfsException BAD_STATEID, OLD_STATEID, OPENMODE, ACCESS, LOCKED, GRACE
    public void requireAccess(Stateid stateid, Inode file, int access, CompoundState state) {
        Stateid meant = state.resolve(stateid);
        if (meant.isAnonymous() || meant.isReadBypass()) {
            requireGraceOver(state);
            requirePermission(file, access, state);
            boolean bypasses = meant.isReadBypass() && access == ShareBits.READ;
            if (!bypasses && (denied(file.id()) & access) != 0) {
                throw new NfsException(NfsStatus.LOCKED, "somebody denies access " + access + " to " + file);
            }
            return;
        }
        OpenState open = require(meant, file.file(), state);
        if ((access & ~open.access()) != 0) {
            // A client that writes parts of pages reads the rest first, whatever the file was opened for
            // (RFC 8881 §9.1.2): it may, where the user could have opened it for that.
            if (access != ShareBits.READ || !mayRead(file, Caller.of(state))) {
                throw new NfsException(NfsStatus.OPENMODE, open + " has access " + open.access() + ", not " + access);
            }
        }
    }

    /// Others may still take back shares that deny this.
    private void requireGraceOver(CompoundState state) {
        if (!clients.grace().isOver(state.nowNanos())) {
            throw new NfsException(NfsStatus.GRACE, "in grace");
        }
    }

    @Override
    public void requireWrite(Stateid stateid, Inode file, CompoundState state) {
        requireAccess(stateid, file, ShareBits.WRITE, state);
    }

    private static void requirePermission(Inode file, int access, CompoundState state) {
        Caller caller = Caller.of(state);
        if ((access & ShareBits.READ) != 0 && !mayRead(file, caller)) {
            file.requireAllowed(caller, Rights.READ);
        }
        // Its owner could give himself the permission.
        if ((access & ShareBits.WRITE) != 0 && !file.isOwnedBy(caller)) {
            file.requireAllowed(caller, Rights.WRITE);
        }
    }

    /// Whoever may execute a file has to read it for that: RFC 8881 §18.22.3.
    static boolean mayRead(Inode file, Caller caller) {
        return file.allows(caller, Rights.READ) || file.allows(caller, Rights.EXECUTE);
    }

    /// Called under the file's lock.
    @Override
    public boolean isOpen(long inode) {
        return byInode.containsKey(inode);
    }

    boolean hasOpens(long clientId) {
        Map<Long, OpenState> opens = byClient.get(clientId);
        return opens != null && !opens.isEmpty();
    }

    /// Whether `owner` could open `file` so. Called under the file's lock.
    ///
    /// @throws NfsException SHARE_DENIED
    void requireShareable(OpenOwner owner, FileHandle file, int access, int deny) {
        FileOpens opens = byInode.get(file.inode());
        if (opens != null) {
            opens.requireShareable(owner, access, deny);
        }
    }

    /// Opens a file, or opens it for more. Called under the file's lock.
    ///
    /// @throws NfsException SHARE_DENIED, DELAY when the client has too much open, EXPIRED when it is being
    ///     released
    OpenState open(OpenOwner owner, FileHandle file, int access, int deny) {
        requireShareable(owner, file, access, deny);
        FileOpens opens = byInode.get(file.inode());
        OpenState open = opens == null ? null : opens.of(owner);
        if (open != null && opens != null) {
            open.become(open.shares().with(access, deny));
            opens.refresh();
            return open;
        }
        long number = lastNumber.incrementAndGet();
        var first = new OpenState(owner, file, other(number), Shares.first(access, deny));
        byClient.compute(owner.clientId(), (_, mine) -> with(mine, number, first));
        byInode.computeIfAbsent(file.inode(), _ -> new FileOpens()).put(first);
        return first;
    }

    /// Alone with the client's opens: one that [#removeAll] has taken away gets no more of them.
    private Map<Long, OpenState> with(@Nullable Map<Long, OpenState> opens, long number, OpenState open) {
        clients.checkLive(open.clientId());
        Map<Long, OpenState> mine = opens == null ? new ConcurrentHashMap<>(4) : opens;
        if (mine.size() >= maxPerClient) {
            throw new NfsException(
                    NfsStatus.DELAY, "client " + Long.toHexString(open.clientId()) + " has " + mine.size() + " opens");
        }
        mine.put(number, open);
        return mine;
    }

    /// Called under the file's lock.
    ///
    /// @throws NfsException INVAL when the file was not opened so
    void downgrade(OpenState open, int access, int deny) {
        open.become(open.shares().downgraded(access, deny));
        FileOpens opens = byInode.get(open.file().inode());
        if (opens != null) {
            opens.refresh();
        }
    }

    /// Called under the file's lock; a second time nothing happens.
    void close(OpenState open) {
        Map<Long, OpenState> mine = byClient.get(open.clientId());
        if (mine != null) {
            mine.remove(number(open.other()));
        }
        FileOpens opens = byInode.get(open.file().inode());
        if (opens != null) {
            opens.remove(open);
            if (opens.isEmpty()) {
                byInode.remove(open.file().inode());
            }
        }
    }

    /// Takes away all that a released client has open: from here on its stateids are bad. The caller closes each.
    List<OpenState> removeAll(long clientId) {
        Map<Long, OpenState> mine = byClient.remove(clientId);
        return mine == null ? List.of() : List.copyOf(mine.values());
    }

    private int denied(long inode) {
        FileOpens opens = byInode.get(inode);
        return opens == null ? 0 : opens.denied();
    }

    private @Nullable OpenState find(Stateid stateid, long clientId) {
        Map<Long, OpenState> opens = byClient.get(clientId);
        if (opens == null || !isOurs(stateid.other())) {
            return null;
        }
        return opens.get(number(stateid.other()));
    }

    private Opaque other(long number) {
        return Opaque.of(ByteBuffer.allocate(Stateid.OTHER_BYTES)
                .putInt(boot)
                .putLong(number)
                .array());
    }

    private boolean isOurs(Opaque other) {
        return (int) number(other, 0, Integer.BYTES) == boot;
    }

    private static long number(Opaque other) {
        return number(other, Integer.BYTES, Stateid.OTHER_BYTES);
    }

    private static long number(Opaque other, int from, int to) {
        long number = 0;
        for (int i = from; i < to; i++) {
            number = (number << Byte.SIZE) | (other.at(i) & 0xff);
        }
        return number;
    }
}
