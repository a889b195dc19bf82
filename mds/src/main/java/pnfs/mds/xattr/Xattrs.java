package pnfs.mds.xattr;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.Stored;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.RemoveXattrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetXattrResult;
import pnfs.wire.nfs4.OpResult.ListXattrsResult;
import pnfs.wire.nfs4.OpResult.RemoveXattrResult;
import pnfs.wire.nfs4.OpResult.SetXattrResult;

/// GETXATTR, SETXATTR, LISTXATTRS and REMOVEXATTR, RFC 8276 §8.4. As with the user attributes of Linux, only
/// regular files and directories have them; who may read a file may read and list them, who may write it may
/// change them. Attributes change under their file's lock; reading takes none.
final class Xattrs {
    private static final int OP_BYTES = 2 * Integer.BYTES; // opcode, status
    private static final int LIST_BYTES = Long.BYTES + 2 * Integer.BYTES; // cookie, count of names, eof

    private final MetadataStore store;
    private final Inodes inodes;
    private final FileLocks locks;

    Xattrs(MetadataStore store, Inodes inodes, FileLocks locks) {
        this.store = store;
        this.inodes = inodes;
        this.locks = locks;
    }

    OpResult get(GetXattrArgs args, CompoundState state) {
        Inode file = require(state.currentFile(), Rights.READ, state);
        Stored stored = store.get(XattrRecords.valueKey(file.id(), args.name()));
        state.dependsOn(stored.ticket());
        byte[] value = stored.value();
        if (value == null) {
            throw none(file, args.name());
        }
        return new GetXattrResult(XattrRecords.readValue(file.id(), args.name(), value));
    }

    OpResult set(SetXattrArgs args, CompoundState state) {
        state.requireWritable();
        try (var _ = locks.lock(state.currentFile().inode())) {
            Inode file = require(state.currentFile(), Rights.WRITE, state);
            XattrIndex before = index(file, state);
            boolean there = before.find(args.name()) != null;
            switch (args.mode()) {
                case EITHER -> {}
                case CREATE -> {
                    if (there) {
                        throw new NfsException(NfsStatus.EXIST, "'" + args.name() + "' of " + file);
                    }
                }
                case REPLACE -> {
                    if (!there) {
                        throw none(file, args.name());
                    }
                }
            }
            int nameBytes = XattrRecords.bytes(args.name()).length;
            XattrIndex after = before.with(args.name(), nameBytes, args.value().length());
            FileChange change = inodes.change();
            change.batch().put(XattrRecords.indexKey(file.id()), XattrRecords.writeIndex(after));
            change.batch().put(XattrRecords.valueKey(file.id(), args.name()), XattrRecords.writeValue(args.value()));
            return new SetXattrResult(append(change, file, state));
        }
    }

    OpResult remove(RemoveXattrArgs args, CompoundState state) {
        state.requireWritable();
        try (var _ = locks.lock(state.currentFile().inode())) {
            Inode file = require(state.currentFile(), Rights.WRITE, state);
            XattrIndex before = index(file, state);
            XattrIndex.Item item = before.find(args.name());
            if (item == null) {
                throw none(file, args.name());
            }
            FileChange change = inodes.change();
            // The list stays though it may be empty now: it knows which cookies were given.
            change.batch().put(XattrRecords.indexKey(file.id()), XattrRecords.writeIndex(before.without(item)));
            change.batch().delete(XattrRecords.valueKey(file.id(), args.name()));
            return new RemoveXattrResult(append(change, file, state));
        }
    }

    OpResult list(ListXattrsArgs args, CompoundState state) {
        Inode file = require(state.currentFile(), Rights.READ, state);
        XattrIndex index = index(file, state);
        if (args.cookie() < 0 || args.cookie() >= index.nextCookie()) {
            throw new NfsException(
                    NfsStatus.BAD_COOKIE, "cookie " + Long.toUnsignedString(args.cookie()) + " was never given");
        }
        int most = Math.min(args.maxBytes(), state.resultBytesLeft() - OP_BYTES);
        int bytes = LIST_BYTES;
        long last = args.cookie();
        var names = new ArrayList<String>();
        boolean all = true;
        for (XattrIndex.Item item : index.items()) {
            if (item.cookie() <= args.cookie()) {
                continue;
            }
            bytes += Integer.BYTES + ((item.nameBytes() + 3) & ~3);
            all = bytes <= most;
            if (!all) {
                break;
            }
            names.add(item.name());
            last = item.cookie();
        }
        if (LIST_BYTES > most || (!all && names.isEmpty())) {
            throw new NfsException(NfsStatus.TOOSMALL, "no name fits into " + most + " bytes");
        }
        return new ListXattrsResult(last, names, all);
    }

    /// Has all that `file` has go with it.
    void removeAll(Batch batch, Inode file) {
        byte[] stored = store.get(XattrRecords.indexKey(file.id())).value();
        if (stored != null) {
            batch.delete(XattrRecords.indexKey(file.id()));
            for (XattrIndex.Item item :
                    XattrRecords.readIndex(file.id(), stored).items()) {
                batch.delete(XattrRecords.valueKey(file.id(), item.name()));
            }
        }
    }

    private Inode require(FileHandle handle, int wanted, CompoundState state) {
        Inode file = inodes.require(handle, state);
        if (!file.isRegular() && !file.isDirectory()) {
            throw new NfsException(NfsStatus.WRONG_TYPE, file + ", a " + file.type() + ", has no extended attributes");
        }
        file.requireAllowed(Caller.of(state), wanted);
        return file;
    }

    private XattrIndex index(Inode file, CompoundState state) {
        Stored stored = store.get(XattrRecords.indexKey(file.id()));
        state.dependsOn(stored.ticket());
        byte @Nullable [] value = stored.value();
        return value == null ? XattrIndex.EMPTY : XattrRecords.readIndex(file.id(), value);
    }

    private static ChangeInfo append(FileChange change, Inode before, CompoundState state) {
        Inode after = before.described(before.rights(), before.times(), state.now());
        change.put(after);
        change.append(state);
        return new ChangeInfo(true, before.change(), after.change());
    }

    private static NfsException none(Inode file, String name) {
        return new NfsException(NfsStatus.NOXATTR, file + " has no '" + name + "'");
    }
}
