package pnfs.mds;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inode;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// Space that is only counted. Files that are [#held] by a layout can be neither cut nor freed.
public final class FakeFileSpace implements FileSpace {
    public final Set<Long> held = ConcurrentHashMap.newKeySet();
    public final Set<Long> released = ConcurrentHashMap.newKeySet();
    public final Map<Long, Long> sizes = new ConcurrentHashMap<>();

    @Override
    public long resize(FileChange change, Inode file, long newSize) {
        if (held.contains(file.id()) && newSize < file.size()) {
            throw new NfsException(NfsStatus.DELAY, file + " is held");
        }
        sizes.put(file.id(), newSize);
        return Math.min(file.spaceUsed(), newSize);
    }

    @Override
    public boolean release(FileChange change, Inode file) {
        if (held.contains(file.id())) {
            return false;
        }
        released.add(file.id());
        return true;
    }

    @Override
    public Capacity capacity() {
        return new Capacity(1L << 40, 1L << 39);
    }
}
