package pnfs.it.sim;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// The delegations that a client is given and gives back; it changes nothing under them that the server would not
/// see. One thread.
final class Delegating {
    private static final long RETURN_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int WANTED = 4;

    private final Caller me;
    private final OpenFiles open;
    /// Given back before the reply came that gave it.
    private final Set<Stateid> unheard = new HashSet<>();
    /// The server is being asked whether these were lost: every answer says again that something was.
    private final Set<Stateid> doubted = new HashSet<>();
    /// What is recalled is not given back.
    private boolean keeps;

    Delegating(Caller me, OpenFiles open) {
        this.me = me;
        this.open = open;
    }

    void keep(boolean wanted) {
        keeps = wanted;
    }

    /// What an OPEN wants, once in a while a delegation.
    int want() {
        return switch (me.random.nextInt(WANTED)) {
            case 0 -> me.random.nextBoolean() ? ShareBits.WANT_READ_DELEG : ShareBits.WANT_WRITE_DELEG;
            default -> ShareBits.WANT_NO_DELEG;
        };
    }

    /// OPEN has given one, or none.
    ///
    /// @param attributes of the file, as they are now
    /// @param askedNanos when it was asked for
    void given(OpenFile file, OpenDelegation delegation, Attributes attributes, long askedNanos) {
        switch (delegation) {
            case OpenDelegation.Read read -> hold(file, read.stateid(), DelegationType.READ, attributes, askedNanos);
            case OpenDelegation.Write write ->
                hold(file, write.stateid(), DelegationType.WRITE, attributes, askedNanos);
            case OpenDelegation.None _, OpenDelegation.Refused _ -> {}
        }
    }

    private void hold(OpenFile file, Stateid stateid, DelegationType type, Attributes attributes, long askedNanos) {
        if (unheard.remove(stateid)) {
            return;
        }
        me.note("has a %s delegation of %s", type, file.model);
        file.delegation = new OpenFile.Delegated(stateid, type, attributes);
        file.model.delegations.granted(file.claim, type, me.checker.now(), askedNanos);
    }

    /// The server was asked to give again what was held before a restart, which it need not.
    void reclaimed(OpenFile file, OpenFile.@Nullable Delegated before, OpenDelegation delegation, long askedNanos) {
        file.forgetDelegation();
        if (before != null) {
            given(file, delegation, before.attributes(), askedNanos);
        }
    }

    void giveBack(OpenFile file, Runnable then) {
        OpenFile.Delegated held = file.delegation;
        if (held == null) {
            then.run();
            return;
        }
        file.forgetDelegation();
        giveBack(file.handle, held.stateid(), then);
    }

    private void giveBack(Opaque handle, Stateid stateid, Runnable then) {
        me.ask(List.of(new PutFhArgs(handle), new DelegReturnArgs(stateid)), answer -> {
            me.note("DELEGRETURN: %s", answer.status());
            if (answer.status() == NfsStatus.DELEG_REVOKED) {
                me.ask(List.of(new FreeStateidArgs(stateid)), _ -> then.run());
            } else {
                then.run();
            }
        });
    }

    /// The server has taken something from us: perhaps one of these.
    void revoked() {
        for (OpenFile file : open.all()) {
            OpenFile.Delegated held = file.delegation;
            if (held != null && doubted.add(held.stateid())) {
                me.once(List.of(new FreeStateidArgs(held.stateid())), answer -> {
                    doubted.remove(held.stateid());
                    if (answer.isOk() && held.equals(file.delegation)) {
                        me.note("lost its delegation of %s", file.model);
                        file.forgetDelegation();
                    }
                });
            }
        }
    }

    /// One that it has not heard of, because the reply was lost or is late, it gives back too.
    CbResult called(CbRecallArgs recall) {
        OpenFile file = open.get(recall.fileHandle());
        OpenFile.Delegated held = file == null ? null : file.delegation;
        me.note("CB_RECALL");
        int asked = me.era();
        if (file == null || held == null || !held.stateid().equals(recall.stateid())) {
            unheard.add(recall.stateid());
            giveBack(recall.fileHandle(), recall.stateid(), () -> {});
        } else if (!keeps) {
            me.host.schedule(me.random.nextLong(RETURN_NANOS), () -> {
                if (me.era() == asked && held.equals(file.delegation)) {
                    giveBack(file, () -> {});
                }
            });
        }
        return new CbResult.CbSuccess(recall.op());
    }

    CbResult called(CbGetAttrArgs get) {
        OpenFile file = open.get(get.fileHandle());
        OpenFile.Delegated held = file == null ? null : file.delegation;
        me.note("CB_GETATTR");
        if (held == null) {
            return new CbResult.CbFailure(get.op(), NfsStatus.BADHANDLE);
        }
        return new CbResult.CbGetAttrResult(AttributeCodec.write(Attributes.builder()
                .uint64(Attribute.CHANGE, held.attributes().uint64(Attribute.CHANGE))
                .size(held.attributes().size())
                .build()));
    }
}
