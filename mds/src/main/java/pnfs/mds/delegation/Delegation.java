package pnfs.mds.delegation;

import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.open.FileState;
import pnfs.mds.open.StateTable;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.ShareBits;

/// One client's delegation of one file. Changed under the file's lock, by [Delegations]; any thread may read.
final class Delegation extends FileState {
    /// What its holder may do that others may not see.
    enum Kind {
        READ(ShareBits.READ),
        WRITE(ShareBits.BOTH);

        private final int access;

        Kind(int access) {
            this.access = access;
        }
    }

    /// Where it stands.
    enum Standing {
        HELD,
        /// The client was asked for it.
        RECALLED,
        /// Taken from the client, which does not know that yet.
        REVOKED,
        /// Returned, or given up by a client that knows.
        GONE
    }

    private final Delegations all;
    private final FileHandle file;
    private final Kind kind;
    private final SessionRef grantedBy;
    private volatile Standing standing = Standing.HELD;
    /// The change attribute that the holder told last. Under the file's lock, as is the next.
    private long changeTold;

    /// Whether the holder has changed the file unseen since it was granted.
    private boolean modified;

    Delegation(
            Delegations all, StateTable table, FileHandle file, Kind kind, SessionRef grantedBy, long changeAtGrant) {
        super(table);
        this.all = all;
        this.file = file;
        this.kind = kind;
        this.grantedBy = grantedBy;
        this.changeTold = changeAtGrant;
    }

    /// One that a record tells of.
    Delegation(Delegations all, DelegationRecords.Recorded recorded) {
        super(recorded.facts());
        this.all = all;
        this.file = recorded.facts().file();
        this.kind = recorded.isWrite() ? Kind.WRITE : Kind.READ;
        this.grantedBy = recorded.grantedBy();
        this.standing = recorded.isRevoked() ? Standing.REVOKED : Standing.HELD;
        this.changeTold = recorded.changeTold();
        this.modified = recorded.modified();
    }

    @Override
    public long clientId() {
        return grantedBy.clientId();
    }

    @Override
    public FileHandle file() {
        return file;
    }

    @Override
    protected int seqid() {
        return 1;
    }

    @Override
    public int access() {
        return kind.access;
    }

    @Override
    protected void requireValid() {
        if (standing == Standing.REVOKED) {
            throw new NfsException(NfsStatus.DELEG_REVOKED, this + " was not returned in time");
        }
    }

    @Override
    protected void free() {
        if (standing != Standing.REVOKED) {
            throw new NfsException(NfsStatus.LOCKS_HELD, this + " is still held");
        }
        all.acknowledged(this);
    }

    Kind kind() {
        return kind;
    }

    SessionRef grantedBy() {
        return grantedBy;
    }

    Standing standing() {
        return standing;
    }

    void become(Standing next) {
        standing = next;
    }

    /// Takes the change attribute that the holder tells.
    ///
    /// @param ours the file's, which the holder may have seen since
    /// @return whether that is a change nobody has heard of yet
    boolean hears(long change, long ours) {
        // A holder with unwritten data adds one to what it saw last; what it wrote through us moved ours.
        boolean news = change != changeTold && Long.compareUnsigned(change, ours) > 0;
        changeTold = change;
        modified |= news;
        return news;
    }

    long changeTold() {
        return changeTold;
    }

    boolean isModified() {
        return modified;
    }

    boolean forbids(int wanted) {
        return kind == Kind.WRITE || (wanted & ShareBits.WRITE) != 0;
    }
}
