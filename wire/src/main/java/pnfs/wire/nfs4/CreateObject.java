package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `createtype4`, RFC 8881 §18.4: what CREATE makes. Regular files are made by OPEN; asking for one is BADTYPE.
public sealed interface CreateObject {
    default FileType type() {
        return switch (this) {
            case Symlink _ -> FileType.SYMLINK;
            case BlockDevice _ -> FileType.BLOCK_DEVICE;
            case CharacterDevice _ -> FileType.CHARACTER_DEVICE;
            case Socket _ -> FileType.SOCKET;
            case Fifo _ -> FileType.FIFO;
            case Directory _ -> FileType.DIRECTORY;
        };
    }

    record Symlink(Opaque target) implements CreateObject {}

    record BlockDevice(AttributeValue.DeviceNumbers device) implements CreateObject {}

    record CharacterDevice(AttributeValue.DeviceNumbers device) implements CreateObject {}

    record Socket() implements CreateObject {}

    record Fifo() implements CreateObject {}

    record Directory() implements CreateObject {}
}
