package pnfs.mds.open;

import java.nio.ByteBuffer;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What a stateid stands for: something that a client holds of a file, an open, the locks of one owner, a
/// delegation. RFC 8881 §8.2. Changed under the file's lock; any thread may read.
///
/// The `other` of its stateid is 4 random bytes of the run of the server that gave it and an 8-byte number, so
/// that one that was forgotten at a restart is not taken for one of now.
public abstract class FileState {
    private final int run;
    private final long number;

    /// A new one.
    protected FileState(StateTable table) {
        this.run = table.run();
        this.number = table.nextNumber();
    }

    /// One that a record tells of.
    protected FileState(StateRecords.Facts facts) {
        this.run = facts.run();
        this.number = facts.number();
    }

    public abstract long clientId();

    public abstract FileHandle file();

    /// Which version it is; unsigned, never 0.
    protected abstract int seqid();

    /// What it lets its client do: bits of [pnfs.wire.nfs4.ShareBits].
    public abstract int access();

    /// FREE_STATEID was sent for it (RFC 8881 §18.38). Under the file's lock.
    ///
    /// @throws NfsException LOCKS_HELD when it is still good for something
    protected abstract void free();

    /// Whether the stateid still gives what it stands for.
    ///
    /// @throws NfsException with the status of what was revoked
    protected void requireValid() {}

    /// As it is now.
    public final Stateid stateid() {
        return new Stateid(seqid(), other());
    }

    /// Unique among the states there are.
    public final long number() {
        return number;
    }

    final int run() {
        return run;
    }

    private Opaque other() {
        return Opaque.of(ByteBuffer.allocate(Stateid.OTHER_BYTES)
                .putInt(run)
                .putLong(number)
                .array());
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + " " + stateid();
    }
}
