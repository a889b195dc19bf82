package pnfs.it.sim;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A file that a client has open, and its layout of it. One user at a time. One thread.
final class OpenFile {
    /// Where a block of the file lies.
    record Place(int region, long offset, ExtentState state, boolean writable) {}

    /// Under which it was opened last.
    NameModel name;
    final FileModel model;
    final Opaque handle;
    Stateid open;

    @Nullable
    Stateid layout;

    /// By number of the block in the file.
    final TreeMap<Integer, Place> places = new TreeMap<>();

    boolean recalled;
    private boolean busy;
    private final ArrayDeque<Runnable> queue = new ArrayDeque<>();

    OpenFile(NameModel name, FileModel model, Opaque handle, Stateid open) {
        this.name = name;
        this.model = model;
        this.handle = handle;
        this.open = open;
    }

    boolean isBusy() {
        return busy;
    }

    /// Runs `use` when nobody uses the file; [#done] ends its turn.
    void use(Runnable use) {
        if (busy) {
            queue.add(use);
        } else {
            busy = true;
            use.run();
        }
    }

    void done() {
        Optional.ofNullable(queue.poll()).ifPresentOrElse(Runnable::run, () -> busy = false);
    }
}
