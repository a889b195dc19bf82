package pnfs.mds.open;

import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// One owner's open of one file, from its first OPEN to its CLOSE. Changed under the file's lock, by
/// [OpenFiles]; any thread may read.
public final class OpenState extends FileState {
    private final OpenOwner owner;
    private final FileHandle file;
    private volatile Shares shares;

    OpenState(StateTable table, OpenOwner owner, FileHandle file, Shares shares) {
        super(table);
        this.owner = owner;
        this.file = file;
        this.shares = shares;
    }

    /// One that a record tells of.
    OpenState(StateRecords.Facts facts, OpenOwner owner, Shares shares) {
        super(facts);
        this.owner = owner;
        this.file = facts.file();
        this.shares = shares;
    }

    @Override
    public long clientId() {
        return owner.clientId();
    }

    @Override
    public FileHandle file() {
        return file;
    }

    @Override
    protected int seqid() {
        return shares.seqid();
    }

    @Override
    public int access() {
        return shares.access();
    }

    /// What is open is not freed but closed.
    @Override
    protected void free() {
        throw new NfsException(NfsStatus.LOCKS_HELD, this + " is still open");
    }

    OpenOwner owner() {
        return owner;
    }

    Shares shares() {
        return shares;
    }

    void become(Shares next) {
        shares = next;
    }
}
