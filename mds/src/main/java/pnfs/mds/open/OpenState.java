package pnfs.mds.open;

import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// One owner's open of one file, from its first OPEN to its CLOSE. Changed under the file's lock, by
/// [OpenFiles]; any thread may read.
public final class OpenState {
    private final OpenOwner owner;
    private final FileHandle file;
    private final Opaque other;
    private volatile Shares shares;

    OpenState(OpenOwner owner, FileHandle file, Opaque other, Shares shares) {
        this.owner = owner;
        this.file = file;
        this.other = other;
        this.shares = shares;
    }

    public long clientId() {
        return owner.clientId();
    }

    public FileHandle file() {
        return file;
    }

    /// As it is now.
    public Stateid stateid() {
        return new Stateid(shares.seqid(), other);
    }

    /// Bits of [pnfs.wire.nfs4.ShareBits].
    public int access() {
        return shares.access();
    }

    OpenOwner owner() {
        return owner;
    }

    Opaque other() {
        return other;
    }

    Shares shares() {
        return shares;
    }

    void become(Shares next) {
        shares = next;
    }

    @Override
    public String toString() {
        return "open " + stateid();
    }
}
