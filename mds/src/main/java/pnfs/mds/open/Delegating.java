package pnfs.mds.open;

import java.util.function.Consumer;
import pnfs.mds.attribute.Delegates;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.store.Batch;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NoDelegationReason;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// What OPEN asks about delegations; the delegation room implements it. All of it is called under the file's lock.
public interface Delegating extends Delegates {
    /// Where nothing is delegated: who asks hears why.
    Delegating NOTHING = new Delegating() {
        @Override
        public OpenDelegation offer(Batch batch, Inode file, int access, int want, CompoundState state) {
            return want == 0 ? new OpenDelegation.None() : new OpenDelegation.Refused(refusal(want), false);
        }

        @Override
        public OpenDelegation reclaim(Batch batch, Inode file, DelegationType type, CompoundState state) {
            return new OpenDelegation.None();
        }

        @Override
        public void requireHeld(Stateid delegation, Inode file, int access, CompoundState state) {
            throw new NfsException(NfsStatus.BAD_STATEID, "no delegation " + delegation);
        }

        @Override
        public void requireChangeable(Inode file, CompoundState state) {}

        @Override
        public void requireNone(Inode file, int access, CompoundState state) {}

        @Override
        public void latest(Inode file, CompoundState state, Consumer<Inode> then, Consumer<NfsStatus> refused) {
            then.accept(file);
        }
    };

    /// What a client that has just opened `file` is given with it.
    ///
    /// @param batch takes the record
    /// @param access for which it was opened
    /// @param want of [ShareBits#WANT_MASK]; 0 leaves it to the server
    OpenDelegation offer(Batch batch, Inode file, int access, int want, CompoundState state);

    /// The client of `state` is about to read or change `file`.
    ///
    /// @param access [ShareBits#READ] or [ShareBits#WRITE], or both
    /// @throws NfsException DELAY while another client's delegation forbids it; that is recalled
    void requireNone(Inode file, int access, CompoundState state);

    /// Gives back what the client held before the restart.
    ///
    /// @param batch takes the record
    OpenDelegation reclaim(Batch batch, Inode file, DelegationType type, CompoundState state);

    /// The client holds this delegation, and it gives `access`.
    ///
    /// @throws NfsException BAD_STATEID, OLD_STATEID, DELEG_REVOKED, OPENMODE
    void requireHeld(Stateid delegation, Inode file, int access, CompoundState state);

    /// Why `want` is not granted, where there is no better reason.
    static NoDelegationReason refusal(int want) {
        return switch (want) {
            case ShareBits.WANT_NO_DELEG -> NoDelegationReason.NOT_WANTED;
            case ShareBits.WANT_CANCEL -> NoDelegationReason.CANCELLED;
            default -> NoDelegationReason.RESOURCE;
        };
    }
}
