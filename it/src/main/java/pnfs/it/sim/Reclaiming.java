package pnfs.it.sim;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import pnfs.it.sim.OpenFile.Unheard;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;

/// What a client does when the server has lost what it knew of it: it takes back what it has open and locked, and
/// commits what it wrote. One thread.
final class Reclaiming {
    private final Caller me;
    private final OpenFiles open;
    private final Names names;
    private final Sharing sharing;
    private final Locking locking;
    private final Direct direct;
    private final Delegating delegating;
    private int attempts;
    /// In which all was taken back; that this was said may not have been heard.
    private int overSinceEra;

    Reclaiming(
            Caller me,
            OpenFiles open,
            Names names,
            Sharing sharing,
            Locking locking,
            Direct direct,
            Delegating delegating) {
        this.me = me;
        this.open = open;
        this.names = names;
        this.sharing = sharing;
        this.locking = locking;
        this.direct = direct;
        this.delegating = delegating;
    }

    /// Takes back all of it; begins anew where it was at it when the session was lost.
    void begin(Runnable then) {
        int attempt = ++attempts;
        if (overSinceEra == me.era()) {
            then.run();
            return;
        }
        next(open.all().iterator(), attempt, then);
    }

    /// The server has forgotten us once more: what was under way is nothing.
    void abandon() {
        attempts++;
    }

    private void next(Iterator<OpenFile> files, int attempt, Runnable then) {
        if (attempt != attempts) {
            return;
        }
        if (files.hasNext()) {
            OpenFile file = files.next();
            reclaim(file, attempt, () -> next(files, attempt, then));
        } else {
            overSinceEra = me.era();
            then.run();
        }
    }

    private void reclaim(OpenFile file, int attempt, Runnable then) {
        if (!open.has(file)) {
            then.run(); // it was closed meanwhile
            return;
        }
        OpenFile.Delegated delegated = file.delegation;
        me.checker.shares.asks(me.number, file.model, 0);
        var again = new OpenArgs(
                0,
                ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                0,
                new StateOwner(me.session.clientId(), Names.OWNER),
                new OpenHow.NoCreate(),
                new OpenClaim.Previous(delegated == null ? DelegationType.NONE : delegated.type()));
        me.ask(List.of(new PutFhArgs(file.handle), again), answer -> {
            if (attempt != attempts) {
                return;
            }
            me.note("OPEN with reclaim of %s: %s", file.model, answer.status());
            if (answer.isOk()) {
                me.reclaimed(answer);
                var result = answer.find(OpResult.OpenResult.class);
                open.reclaimed(file, result.stateid());
                delegating.reclaimed(file, delegated, result.delegation(), answer.askedNanos());
                if (open.has(file)) {
                    me.checker.opened(file.model, me.number, 0);
                    sharing.reclaim(file, () -> locking.reclaim(file, () -> commit(file, attempt, then)));
                } else {
                    names.close(file, () -> {}); // it was closed while it was taken back
                    then.run();
                }
            } else {
                if (me.mustReclaim(file.claim, answer)) {
                    throw me.checker.fail("opens: client " + me.number + " has " + file.model
                            + " open, and may not have it back: " + answer.status());
                }
                open.drop(file);
                then.run();
            }
        });
    }

    /// Some commits are sent with reclaim, the others when all is over, as those that were under way.
    private void commit(OpenFile file, int attempt, Runnable then) {
        if (attempt == attempts && !file.unheard.isEmpty() && me.random.nextBoolean()) {
            Unheard write = file.unheard.remove();
            direct.commitLate(file, write, true, () -> commit(file, attempt, then));
        } else {
            then.run();
        }
    }

    /// All is taken back, or will never be.
    void over() {
        for (OpenFile file : open.all()) {
            var late = new ArrayDeque<>(file.unheard);
            file.unheard.clear();
            late.forEach(write -> direct.commitLate(file, write, false, () -> {}));
        }
    }
}
