package pnfs.mds.attribute;

import java.util.function.Consumer;
import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// Clients that rely on a file staying as it is, or that alone know how it is; the delegation room implements it.
public interface Delegates {
    /// Where nothing is delegated.
    Delegates NOBODY = new Delegates() {
        @Override
        public void requireChangeable(Inode file, CompoundState state) {}

        @Override
        public void latest(Inode file, CompoundState state, Consumer<Inode> then, Consumer<NfsStatus> refused) {
            then.accept(file);
        }
    };

    /// The client of `state` is about to change `file`, its names included. Under the file's lock.
    ///
    /// @throws NfsException DELAY while another client's delegation forbids it; that is recalled. GRACE while
    ///     others may still take back one that they had before a restart
    void requireChangeable(Inode file, CompoundState state);

    /// The file as the client that may write to it unseen has it. Without locks; answers at once where there is
    /// no such client, else from whatever thread.
    void latest(Inode file, CompoundState state, Consumer<Inode> then, Consumer<NfsStatus> refused);
}
