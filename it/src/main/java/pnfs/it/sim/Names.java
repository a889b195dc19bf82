package pnfs.it.sim;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// What a client does with names: opens and closes them, and changes those that are its own. One thread.
final class Names {
    static final Opaque OWNER = Opaque.ofUtf8("app");

    private final Caller me;
    private final OpenFiles open;
    private final Layouts layouts;
    private final Delegating delegating;

    Names(Caller me, OpenFiles open, Layouts layouts, Delegating delegating) {
        this.me = me;
        this.open = open;
        this.layouts = layouts;
        this.delegating = delegating;
    }

    static String of(int client, int number) {
        return "c" + client + "-" + number;
    }

    private boolean isMine(String name) {
        return name.startsWith("c" + me.number + "-");
    }

    /// Has a file open, which is made if the name is one of ours, or does not get it.
    void opened(String name, Consumer<OpenFile> then, Runnable otherwise) {
        NameModel model = me.checker.name(name);
        OpenFile known = open.as(model);
        if (known != null) {
            then.accept(known);
            return;
        }
        boolean creates = isMine(name);
        boolean maps = creates && model.isNothing() && me.random.nextBoolean();
        int asked = me.era();
        long askedAt = me.checker.now();
        FileModel made = creates && model.now().contains(null) ? me.checker.newFile() : null;
        if (made != null) {
            model.mayBecome(made);
        }
        me.checker.wanted(model, me.number);
        me.checker.shares.asks(me.number);
        OpenHow how = creates
                ? new OpenHow.Unchecked(AttributeCodec.write(
                        Attributes.builder().uint32(Attribute.MODE, 0666).build()))
                : new OpenHow.NoCreate();
        var operations = new ArrayList<OpArgs>(List.of(
                new PutRootFhArgs(),
                new OpenArgs(
                        0,
                        ShareBits.BOTH | delegating.want(),
                        0,
                        new StateOwner(me.session.clientId(), OWNER),
                        how,
                        new OpenClaim.ByName(name)),
                new GetFhArgs(),
                new GetAttrArgs(Bitmap.of(Attribute.CHANGE, Attribute.SIZE))));
        int opening = operations.size();
        if (maps) {
            operations.add(layouts.behindOpen());
        }
        me.ask(operations, opening, all -> {
            if (maps) {
                layouts.behindOpen(all);
            }
            Answer answer = all.ofFirst(opening);
            me.note("OPEN %s: %s", name, answer.status());
            if (!answer.isOk()) {
                notOpened(model, made, answer, askedAt);
                otherwise.run();
                return;
            }
            Opaque handle = answer.find(OpResult.GetFhResult.class).fileHandle();
            FileModel file = me.checker.resolved(model, handle, askedAt);
            if (creates) {
                model.is(setOf(file), me.checker.now());
            }
            me.checker.had(file, me.number, askedAt, "OPEN of " + file + " by client " + me.number);
            if (me.era() != asked) {
                otherwise.run();
                return;
            }
            me.checker.shares.answered(me.number, me.checker.now());
            var result = answer.find(OpResult.OpenResult.class);
            OpenFile opened = open.opened(model, file, handle, result.stateid());
            me.checker.opened(file, me.number, opened.denied);
            delegating.given(opened, result.delegation(), answer.attributes(), answer.askedNanos());
            if (maps && all.isOk()) {
                layouts.accept(opened, all, () -> {
                    if (me.era() == asked && open.has(opened)) {
                        then.accept(opened);
                    } else {
                        otherwise.run(); // it was lost while devices were asked for
                    }
                });
            } else {
                then.accept(opened);
            }
        });
    }

    private void notOpened(NameModel model, @Nullable FileModel made, Answer answer, long askedAt) {
        if (answer.known() && answer.status() == NfsStatus.NOENT) {
            me.checker.absent(model, askedAt);
        }
        if (answer.known() && answer.status() == NfsStatus.SHARE_DENIED) {
            me.checker.keptAway(model, me.number, askedAt);
        }
        if (answer.known() && !answer.again()) {
            me.checker.shares.answered(me.number, me.checker.now());
        }
        if (answer.known() && !answer.again() && made != null && made.handle == null) {
            model.neverBecame(made); // what the client's run before asked for may have been made
        }
    }

    private static Set<@Nullable FileModel> setOf(@Nullable FileModel file) {
        var set = new LinkedHashSet<@Nullable FileModel>();
        set.add(file);
        return set;
    }

    void look(String name, Runnable then) {
        NameModel model = me.checker.name(name);
        long askedAt = me.checker.now();
        me.ask(List.of(new PutRootFhArgs(), new LookupArgs(name), new GetFhArgs()), answer -> {
            if (answer.isOk()) {
                FileModel file = me.checker.resolved(
                        model, answer.find(OpResult.GetFhResult.class).fileHandle(), askedAt);
                if (isMine(name)) {
                    model.is(setOf(file), me.checker.now());
                }
            } else if (answer.known() && answer.status() == NfsStatus.NOENT) {
                me.checker.absent(model, askedAt);
                if (isMine(name)) {
                    model.is(setOf(null), me.checker.now());
                }
            }
            then.run();
        });
    }

    /// The file may be open, here and elsewhere, and goes on being used.
    void remove(String name, Runnable then) {
        NameModel model = me.checker.name(name);
        Set<@Nullable FileModel> before = model.now();
        long askedAt = me.checker.now();
        me.checker.wanted(model, me.number);
        model.mayBecome(null);
        me.ask(List.of(new PutRootFhArgs(), new RemoveArgs(name)), answer -> {
            me.note("REMOVE %s: %s", name, answer.status());
            if (answer.isOk()) {
                FileModel removed = before.size() == 1 ? before.iterator().next() : null;
                if (removed != null) {
                    me.checker.had(removed, me.number, askedAt, "REMOVE of " + removed + " by client " + me.number);
                }
                model.is(setOf(null), me.checker.now());
            } else if (answer.known()) {
                if (answer.status() == NfsStatus.NOENT && !before.contains(null)) {
                    me.checker.absent(model, askedAt + 1);
                }
                model.is(before, me.checker.now());
            }
            then.run();
        });
    }

    void rename(String from, String to, Runnable then) {
        NameModel source = me.checker.name(from);
        NameModel target = me.checker.name(to);
        if (source == target) {
            then.run();
            return;
        }
        Set<@Nullable FileModel> sourceBefore = source.now();
        Set<@Nullable FileModel> targetBefore = target.now();
        Set<@Nullable FileModel> moved = source.now();
        moved.remove(null);
        me.checker.wanted(source, me.number);
        me.checker.wanted(target, me.number);
        source.mayBecome(null);
        moved.forEach(target::mayBecome);
        me.ask(
                List.of(new PutRootFhArgs(), new SaveFhArgs(), new PutRootFhArgs(), new RenameArgs(from, to)),
                answer -> {
                    me.note("RENAME %s %s: %s", from, to, answer.status());
                    if (answer.isOk()) {
                        renamed(source, target, moved, then);
                        return;
                    }
                    if (answer.known()) {
                        source.is(sourceBefore, me.checker.now());
                        target.is(targetBefore, me.checker.now());
                    }
                    then.run();
                });
    }

    /// Removes a name, and gives it to another file in the same COMPOUND, which may be cut between the two.
    void replace(String from, String to, Runnable then) {
        NameModel source = me.checker.name(from);
        NameModel target = me.checker.name(to);
        if (source == target) {
            then.run();
            return;
        }
        Set<@Nullable FileModel> sourceBefore = source.now();
        Set<@Nullable FileModel> targetBefore = target.now();
        Set<@Nullable FileModel> moved = source.now();
        moved.remove(null);
        me.checker.wanted(source, me.number);
        me.checker.wanted(target, me.number);
        source.mayBecome(null);
        target.mayBecome(null);
        moved.forEach(target::mayBecome);
        List<OpArgs> remove = List.of(new PutRootFhArgs(), new SaveFhArgs(), new RemoveArgs(to));
        var both = new ArrayList<>(remove);
        both.add(new RenameArgs(from, to));
        me.ask(both, remove.size(), answer -> {
            me.note(
                    "REMOVE %s and RENAME %s: %s of %d",
                    to, from, answer.status(), answer.results().size());
            if (answer.isOk()) {
                renamed(source, target, moved, then);
                return;
            }
            if (answer.known()) {
                source.is(sourceBefore, me.checker.now());
                boolean removed = answer.ofFirst(remove.size()).isOk();
                target.is(removed ? setOf(null) : targetBefore, me.checker.now());
            }
            if (answer.known() && Caller.isLater(answer.status())) {
                rename(from, to, then);
            } else {
                then.run();
            }
        });
    }

    private void renamed(NameModel source, NameModel target, Set<@Nullable FileModel> moved, Runnable then) {
        source.is(setOf(null), me.checker.now());
        target.is(moved, me.checker.now());
        OpenFile stays = open.as(source);
        OpenFile gone = open.as(target);
        close(stays, () -> close(gone, then));
    }

    /// Locks and a delegation go with it. A server that has forgotten us has nothing to close, unless the file was
    /// taken back.
    void close(@Nullable OpenFile file, Runnable then) {
        if (file == null) {
            then.run();
            return;
        }
        open.closes(file);
        delegating.giveBack(
                file,
                () -> file.use(() -> layouts.giveBack(file, () -> {
                    file.forgetLocks();
                    Runnable closed = () -> {
                        open.closed(file);
                        file.done();
                        then.run();
                    };
                    if (file.era == me.era()) {
                        me.ask(List.of(new PutFhArgs(file.handle), new CloseArgs(0, file.open)), answer -> {
                            me.note("CLOSE %s: %s", file.model, answer.status());
                            if (answer.isOk()) {
                                me.checker.shares.closed(me.number, file.model, me.checker.now());
                            }
                            closed.run();
                        });
                    } else {
                        closed.run();
                    }
                })));
    }

    void closeAll(Runnable then) {
        var first = open.all().stream().findFirst();
        if (first.isPresent()) {
            close(first.get(), () -> closeAll(then));
        } else {
            then.run();
        }
    }
}
