package pnfs.client;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import pnfs.wire.xdr.Opaque;

/// The open files of one client, by file handle. A server knows one layout of a file and a client, so all opens
/// of a file share one [Mapper]. Safe for all threads; guarded by its own lock.
final class Mappers {
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Opaque, Shared> byHandle = new HashMap<>();

    private static final class Shared {
        private final Mapper mapper;
        private int opens;

        Shared(Mapper mapper) {
            this.mapper = mapper;
        }
    }

    /// The mapper of the file for one more open, which [#leave] ends.
    Mapper join(Opaque fileHandle, Supplier<Mapper> first) {
        lock.lock();
        try {
            Shared shared = byHandle.computeIfAbsent(fileHandle, _ -> new Shared(first.get()));
            shared.opens++;
            return shared.mapper;
        } finally {
            lock.unlock();
        }
    }

    /// Whether the file is open once only.
    boolean isLastOpen(Opaque fileHandle) {
        lock.lock();
        try {
            Shared shared = byHandle.get(fileHandle);
            return shared != null && shared.opens == 1;
        } finally {
            lock.unlock();
        }
    }

    void leave(Opaque fileHandle) {
        lock.lock();
        try {
            Shared shared = byHandle.get(fileHandle);
            if (shared != null && --shared.opens == 0) {
                byHandle.remove(fileHandle);
            }
        } finally {
            lock.unlock();
        }
    }

    /// That of an open file, or null.
    @Nullable
    Mapper find(Opaque fileHandle) {
        lock.lock();
        try {
            Shared shared = byHandle.get(fileHandle);
            return shared == null ? null : shared.mapper;
        } finally {
            lock.unlock();
        }
    }

    /// Those of all open files.
    Collection<Mapper> all() {
        lock.lock();
        try {
            return List.copyOf(
                    byHandle.values().stream().map(shared -> shared.mapper).toList());
        } finally {
            lock.unlock();
        }
    }
}
