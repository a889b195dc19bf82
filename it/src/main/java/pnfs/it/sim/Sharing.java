package pnfs.it.sim;

import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;

/// What a client does with share reservations: it denies others a file that it has open, and lets them in again.
/// One thread.
final class Sharing {
    private static final int CURRENT = 0; // of a stateid, whatever version the server has

    private final Caller me;
    private final OpenFiles open;

    Sharing(Caller me, OpenFiles open) {
        this.me = me;
        this.open = open;
    }

    /// A file that it denies to others, or null.
    @Nullable
    OpenFile denied() {
        return open.all().stream().filter(file -> file.denied != 0).findFirst().orElse(null);
    }

    private int anyBits() {
        return 1 + me.random.nextInt(ShareBits.BOTH);
    }

    private OpenArgs openOf(int access, int deny, OpenClaim claim) {
        return new OpenArgs(
                0,
                access | ShareBits.WANT_NO_DELEG,
                deny,
                new StateOwner(me.session.clientId(), Names.OWNER),
                new OpenHow.NoCreate(),
                claim);
    }

    /// Opens a file that it has open once more, so that nobody else may.
    void deny(OpenFile file, Runnable then) {
        int access = anyBits();
        int deny = anyBits();
        int asked = me.era();
        long askedAt = me.checker.now();
        me.checker.shares.asks(me.number, file.model, deny);
        me.checker.wanted(file.model, me.number);
        var args = openOf(access, deny, new OpenClaim.ByHandle());
        me.ask(List.of(new PutFhArgs(file.handle), args), answer -> {
            me.note("OPEN of %s denying %d: %s", file.model, deny, answer.status());
            if (me.era() != asked) {
                then.run();
                return;
            }
            if (answer.isOk()) {
                me.checker.had(file.model, me.number, askedAt, "denial of " + file.model + " by client " + me.number);
                denies(file, deny, answer);
            } else if (answer.known()) {
                if (answer.status() == NfsStatus.SHARE_DENIED) {
                    me.checker.keptAway(file.model, me.number, deny, askedAt);
                }
                if (!answer.again() && file.denied == 0) {
                    me.checker.shares.admitted(me.number, file.model, me.checker.now());
                }
                open.refused(file, answer, "OPEN");
            }
            then.run();
        });
    }

    private void denies(OpenFile file, int deny, Answer answer) {
        open.upgraded(file, answer.find(OpResult.OpenResult.class).stateid());
        file.denied |= deny;
        me.checker.opened(file.model, me.number, file.denied);
    }

    /// Takes back what it denies others: it has the file open again.
    void reclaim(OpenFile file, Runnable then) {
        int deny = file.denied;
        if (deny == 0) {
            then.run();
            return;
        }
        int asked = me.era();
        me.checker.shares.asks(me.number, file.model, deny);
        var args = openOf(ShareBits.BOTH, deny, new OpenClaim.Previous(DelegationType.NONE));
        me.ask(List.of(new PutFhArgs(file.handle), args), answer -> {
            if (me.era() != asked) {
                return; // it begins anew
            }
            me.note("OPEN with reclaim of %s denying %d: %s", file.model, deny, answer.status());
            if (answer.isOk()) {
                me.reclaimed(answer);
                denies(file, deny, answer);
            } else if (answer.known()) {
                if (me.mustReclaim(file.claim, answer)) {
                    throw me.checker.fail("opens: client " + me.number + " denies " + deny + " of " + file.model
                            + ", and may not any more: " + answer.status());
                }
                file.denied = 0;
                me.checker.shares.admits(me.number, file.model);
            }
            then.run();
        });
    }

    /// Lets others in again.
    void admit(OpenFile file, Runnable then) {
        int asked = me.era();
        me.checker.shares.admits(me.number, file.model);
        file.denied = 0;
        var args = new OpenDowngradeArgs(file.open.withSeqid(CURRENT), 0, ShareBits.BOTH, 0);
        me.ask(List.of(new PutFhArgs(file.handle), args), answer -> {
            me.note("OPEN_DOWNGRADE of %s: %s", file.model, answer.status());
            if (answer.isOk() && me.era() == asked) {
                open.upgraded(
                        file, answer.find(OpResult.OpenDowngradeResult.class).stateid());
                me.checker.shares.admitted(me.number, file.model, me.checker.now());
            } else if (answer.known()) {
                open.refused(file, answer, "OPEN_DOWNGRADE");
            }
            then.run();
        });
    }
}
