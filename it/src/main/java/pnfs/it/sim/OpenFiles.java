package pnfs.it.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// The files that a client has open. One thread.
final class OpenFiles {
    private final Caller me;
    private final Map<Opaque, OpenFile> files = new LinkedHashMap<>();
    /// Not open any more, and layouts of them may not have gone back yet.
    private final List<OpenFile> closing = new ArrayList<>();

    OpenFiles(Caller me) {
        this.me = me;
    }

    Collection<OpenFile> all() {
        return List.copyOf(files.values());
    }

    @Nullable
    OpenFile get(Opaque handle) {
        return files.get(handle);
    }

    @Nullable
    OpenFile as(NameModel name) {
        for (OpenFile file : files.values()) {
            if (file.name == name) {
                return file;
            }
        }
        return null;
    }

    boolean has(OpenFile file) {
        return files.get(file.handle) == file;
    }

    /// A file was opened, perhaps not for the first time.
    OpenFile opened(NameModel name, FileModel model, Opaque handle, Stateid stateid) {
        var claim = me.checker.leases.claim(me.number);
        OpenFile file = files.computeIfAbsent(handle, _ -> new OpenFile(me, name, model, handle, stateid, claim));
        file.name = name;
        file.open = stateid;
        file.claim = claim;
        return file;
    }

    /// The server knows it again.
    void reclaimed(OpenFile file, Stateid stateid) {
        file.open = stateid;
        file.claim = me.checker.leases.claim(me.number);
        file.openedNanos = me.host.nowNanos();
        file.era = me.era();
    }

    /// Nobody uses it any more; what there is of it goes back.
    void closes(OpenFile file) {
        remove(file);
        closing.add(file);
    }

    void closed(OpenFile file) {
        closing.remove(file);
    }

    boolean isClosing(Opaque handle) {
        return closing.stream().anyMatch(file -> file.handle.equals(handle));
    }

    boolean isClosingAny() {
        return !closing.isEmpty();
    }

    /// It was opened for more, or for less.
    void upgraded(OpenFile file, Stateid stateid) {
        file.open = stateid;
        file.claim = me.checker.leases.claim(me.number);
    }

    void remove(OpenFile file) {
        files.remove(file.handle, file);
        me.checker.shares.released(me.number, file.model);
        file.denied = 0;
    }

    /// The server does not know them any more.
    void drop(OpenFile file) {
        remove(file);
        file.forgetLayout();
        file.forgetLocks();
        file.forgetDelegation();
    }

    /// An operation on an open file was refused: whether it should not have been.
    void refused(OpenFile file, Answer answer, String what) {
        me.note("%s %s: %s", what, file.model, answer.status());
        switch (answer.status()) {
            case STALE -> {
                if (me.checker.hasName(file.model)) {
                    throw me.checker.fail("I5: " + file.model + " is gone, which has a name");
                }
                lost(file, answer);
            }
            case BAD_STATEID, STALE_STATEID, EXPIRED, OLD_STATEID, ADMIN_REVOKED -> lost(file, answer);
            default -> {}
        }
    }

    /// Not where the stateid was one of before a restart.
    private void lost(OpenFile file, Answer answer) {
        if (!has(file) || file.era != me.era() || answer.askedNanos() < file.openedNanos) {
            return;
        }
        if (me.checker.leases.stands(file.claim)) {
            throw me.checker.fail(
                    "opens: client " + me.number + " has " + file.model + " open, and hears " + answer.status());
        }
        drop(file);
    }

    /// What was said of the layout's stateid says nothing of the open's.
    void layoutRefused(OpenFile file, Answer answer, String what) {
        switch (answer.status()) {
            case BAD_STATEID, STALE_STATEID, EXPIRED, OLD_STATEID, ADMIN_REVOKED -> {
                me.note("%s %s: %s", what, file.model, answer.status());
                file.forgetLayout();
            }
            default -> refused(file, answer, what);
        }
    }
}
