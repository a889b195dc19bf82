package pnfs.mds.namespace;

import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.RemoveResult;

/// REMOVE, RFC 8881 §18.25: takes a name away, of a file or an empty directory.
final class Remove implements Operation<RemoveArgs> {
    private final Inodes inodes;
    private final Namespace namespace;
    private final Orphans orphans;

    Remove(Inodes inodes, Namespace namespace, Orphans orphans) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.orphans = orphans;
    }

    @Override
    public OpResult run(RemoveArgs args, CompoundState state) {
        state.requireWritable();
        var spot = new Place.Spot(state.currentFile(), args.name());
        try (var hold = namespace.hold(state, state.currentFile().inode(), spot)) {
            Place place = hold.place(0);
            Inode file = Namespace.requireFile(place);
            Namespace.requireMayRemove(place, file, Caller.of(state));
            if (file.isDirectory()) {
                Namespace.requireEmpty(file);
            }
            FileChange change = inodes.change();
            orphans.unlink(change, file, state.now());
            Inode before = place.directory();
            Content.Directory names = namespace
                    .directories()
                    .drop(change, before.id(), before.directory(), Namespace.requireEntry(place));
            Inode after = before.renamed(names, file.isDirectory() ? -1 : 0, state.now());
            change.put(after);
            change.append(state);
            return new RemoveResult(Namespace.changed(before, after));
        }
    }
}
