package pnfs.ds.scsi;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.ds.reservation.Nexus;
import pnfs.wire.scsi.Sense;

/// An initiator port while it is logged in at our target port (SAM-5 §4.7, I_T nexus), and what the logical
/// units have to tell it.
///
/// Guarded by its own lock: any connection may make a unit attention for it, while its own one takes them.
public final class ScsiNexus {
    /// More are forgotten, oldest first: an initiator that has missed so many must look at everything again
    /// anyway.
    static final int MAX_ATTENTIONS = 4;

    private final Nexus name;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Integer, ArrayDeque<Sense>> attentions = new HashMap<>();
    private volatile boolean quiet = true;

    public ScsiNexus(Nexus name) {
        this.name = name;
    }

    /// Who it is, also to the reservations.
    public Nexus name() {
        return name;
    }

    /// Has the unit tell the initiator, at its next command, that something happened (SAM-5 §5.14).
    void attention(int lun, Sense what) {
        lock.lock();
        try {
            var pending = attentions.computeIfAbsent(lun, any -> new ArrayDeque<>());
            if (pending.contains(what)) {
                return;
            }
            if (pending.size() == MAX_ATTENTIONS) {
                pending.removeFirst();
            }
            pending.addLast(what);
            quiet = false;
        } finally {
            lock.unlock();
        }
    }

    /// Takes the oldest attention of a unit; null when it has nothing to tell.
    @Nullable
    Sense takeAttention(int lun) {
        if (quiet) {
            return null;
        }
        lock.lock();
        try {
            var pending = attentions.get(lun);
            if (pending == null) {
                return null;
            }
            Sense first = pending.pollFirst();
            if (pending.isEmpty()) {
                attentions.remove(lun);
                quiet = attentions.isEmpty();
            }
            return first;
        } finally {
            lock.unlock();
        }
    }
}
