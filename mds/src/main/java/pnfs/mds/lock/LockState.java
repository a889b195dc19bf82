package pnfs.mds.lock;

import pnfs.mds.compound.FileHandle;
import pnfs.mds.open.FileState;
import pnfs.mds.open.OpenState;
import pnfs.mds.open.StateRecords;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// The locks of one owner on one file, under one open: what a lock stateid names, from the owner's first LOCK to
/// FREE_STATEID or the CLOSE of that open. Lets its bearer do what the open does.
final class LockState extends FileState {
    private final LockTable table;
    private final OpenState open;
    private final LockOwner owner;
    private volatile int seqid;

    LockState(LockTable table, OpenState open, LockOwner owner) {
        super(table.states());
        this.table = table;
        this.open = open;
        this.owner = owner;
    }

    /// One that a record tells of.
    LockState(LockTable table, OpenState open, StateRecords.Facts facts, LockOwner owner) {
        super(facts);
        this.table = table;
        this.open = open;
        this.owner = owner;
        this.seqid = facts.seqid();
    }

    @Override
    public long clientId() {
        return owner.clientId();
    }

    @Override
    public FileHandle file() {
        return open.file();
    }

    @Override
    protected int seqid() {
        return seqid;
    }

    @Override
    public int access() {
        return open.access();
    }

    @Override
    protected void free() {
        if (table.holdsAny(this)) {
            throw new NfsException(NfsStatus.LOCKS_HELD, this + " still has locks");
        }
        table.forget(this);
    }

    OpenState open() {
        return open;
    }

    LockOwner owner() {
        return owner;
    }

    /// A LOCK or LOCKU was done: 1 follows 2^32-1, because 0 means "the current one" (RFC 8881 §8.2.2). Under the
    /// file's lock.
    void advance() {
        seqid = seqid == 0xffff_ffff ? 1 : seqid + 1;
    }
}
