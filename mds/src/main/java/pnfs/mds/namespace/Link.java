package pnfs.mds.namespace;

import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LinkResult;

/// LINK, RFC 8881 §18.9: one more name for the saved file, in the current directory.
final class Link implements Operation<LinkArgs> {
    private final Inodes inodes;
    private final Namespace namespace;

    Link(Inodes inodes, Namespace namespace) {
        this.inodes = inodes;
        this.namespace = namespace;
    }

    @Override
    public OpResult run(LinkArgs args, CompoundState state) {
        FileHandle saved = state.savedFile();
        state.requireWritable();
        Namespace.requireSameExport(saved, state.currentFile());
        var spot = new Place.Spot(state.currentFile(), args.name());
        try (var hold = namespace.hold(state, saved.inode(), spot)) {
            Place place = hold.place(0);
            Inode file = inodes.require(saved, state);
            if (file.isDirectory()) {
                throw new NfsException(NfsStatus.ISDIR, file + " is a directory");
            }
            Namespace.requireFree(place);
            place.directory().requireAllowed(Caller.of(state), Rights.WRITE | Rights.EXECUTE);
            if (file.links() == 0) {
                throw new NfsException(NfsStatus.NOENT, file + " has lost its last name");
            }
            if (file.links() >= Inode.MAX_LINKS) {
                throw new NfsException(NfsStatus.MLINK, file + " has " + file.links() + " links");
            }
            FileChange change = inodes.change();
            change.put(file.linked(1, state.now()));
            ChangeInfo directory = namespace.enter(change, place, file, state.now());
            change.append(state);
            return new LinkResult(directory);
        }
    }
}
