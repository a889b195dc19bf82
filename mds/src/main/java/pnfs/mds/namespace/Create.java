package pnfs.mds.namespace;

import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.SetAttributes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateResult;

/// CREATE, RFC 8881 §18.4: every kind of file but regular ones, which OPEN makes.
final class Create implements Operation<CreateArgs> {
    private final Inodes inodes;
    private final Namespace namespace;
    private final FileAttributes attributes;

    Create(Inodes inodes, Namespace namespace, FileAttributes attributes) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.attributes = attributes;
    }

    @Override
    public OpResult run(CreateArgs args, CompoundState state) {
        FileHandle parent = state.currentFile();
        SetAttributes wanted = SetAttributes.forCreate(args.attributes(), attributes, state);
        if (wanted.hasSize()) {
            throw new NfsException(NfsStatus.INVAL, "size of " + args.object());
        }
        Content content = content(args.object(), parent);
        FileHandle file = namespace.newFile(parent);
        try (var hold = namespace.hold(state, file.inode(), new Place.Spot(parent, args.name()))) {
            FileChange change = inodes.change();
            Namespace.Made made = namespace.make(change, hold.place(0), file, content, wanted, state);
            change.append(state);
            state.setCurrentFile(file);
            return new CreateResult(made.directory(), wanted.names());
        }
    }

    private static Content content(CreateObject object, FileHandle parent) {
        return switch (object) {
            case CreateObject.Directory _ -> Content.Directory.empty(parent);
            case CreateObject.Symlink(var target) -> {
                if (target.length() == 0) {
                    throw new NfsException(NfsStatus.INVAL, "a symbolic link to nothing");
                }
                yield new Content.Symlink(target);
            }
            case CreateObject.BlockDevice(var device) ->
                new Content.Device(FileType.BLOCK_DEVICE, device.major(), device.minor());
            case CreateObject.CharacterDevice(var device) ->
                new Content.Device(FileType.CHARACTER_DEVICE, device.major(), device.minor());
            case CreateObject.Socket _ -> new Content.Meeting(FileType.SOCKET);
            case CreateObject.Fifo _ -> new Content.Meeting(FileType.FIFO);
        };
    }
}
