package pnfs.mds.attribute;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.store.Batch;
import pnfs.wire.nfs4.NfsException;

/// Changes of one or more files that happen together or not at all: their inodes, and in [#batch] whatever
/// other rooms keep about them. Made and appended under the locks of all the files it names; confined to one
/// thread.
public final class FileChange {
    private final Inodes inodes;
    private final Batch batch = new Batch();
    private final List<Inode> put = new ArrayList<>(4);
    private final List<Inode> removed = new ArrayList<>(0);
    private final List<LastStep> lastSteps = new ArrayList<>(0);

    /// A part of the change that is worked out when it is appended, under a lock that comes after the files' in
    /// rank: what is taken from and given back to the space that all files share.
    @FunctionalInterface
    public interface LastStep {
        /// Takes its lock, adds its records to `batch`, has it appended, and gives its lock back.
        ///
        /// @return the ticket that `append` answered
        long append(Batch batch, ToLongFunction<Batch> append);
    }

    FileChange(Inodes inodes) {
        this.inodes = inodes;
    }

    /// The same step's records of other rooms.
    public Batch batch() {
        return batch;
    }

    /// Has `step` happen with the change.
    public void atLast(LastStep step) {
        lastSteps.add(step);
    }

    public void put(Inode inode) {
        batch.put(InodeRecords.key(inode.id()), InodeRecords.write(inode));
        put.add(inode);
    }

    /// From here on every handle of this file is stale.
    public void remove(Inode inode) {
        batch.delete(InodeRecords.key(inode.id()));
        inodes.belongings().addRemoval(batch, inode);
        removed.add(inode);
    }

    /// Makes the change visible and has the reply wait until it is durable.
    ///
    /// @throws NfsException DELAY, and nothing has changed, while another client's delegation of one of the
    ///     files is being recalled, GRACE while one may still be taken back
    public void append(CompoundState state) {
        put.forEach(inode -> inodes.delegates().requireChangeable(inode, state));
        removed.forEach(inode -> inodes.delegates().requireChangeable(inode, state));
        state.dependsOn(append());
    }

    /// Makes the change visible; returns its ticket.
    public long append() {
        ToLongFunction<Batch> append = inodes.store()::append;
        for (LastStep step : lastSteps) {
            ToLongFunction<Batch> before = append;
            append = all -> step.append(all, before);
        }
        long ticket = append.applyAsLong(batch);
        put.forEach(inode -> inodes.appended(inode, ticket));
        removed.forEach(inodes::forget);
        return ticket;
    }
}
