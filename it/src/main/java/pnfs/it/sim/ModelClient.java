package pnfs.it.sim;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.NfsStatus;

/// One run of a client: does one random thing after the other and tells the checker of what it asked for and
/// what it was told. It behaves as a good client does; its bad days are the network's, or its machine's. One
/// thread.
final class ModelClient implements Session.Owner {
    private static final int NAMES = 3;
    /// Once in so many times it takes nothing back that a restart has taken from it.
    private static final int ANEW = 4;

    /// Of so many callbacks one is answered DELAY.
    private static final int LATER = 8;

    /// So many things it does on average while it denies a file to others.
    private static final int DENIES = 3;

    private static final long THINK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final int clients;
    private final long thinkNanos;
    private final Caller me;
    private final OpenFiles open;
    private final Layouts layouts;
    private final Names names;
    private final Proxied proxied;
    private final Direct direct;
    private final Sharing sharing;
    private final Locking locking;
    private final Delegating delegating;
    private final Reclaiming reclaiming;
    private boolean working;
    /// The server knows this run of the client, and nothing any more of the one before.
    private boolean known;
    /// The server has forgotten us, and waits until we have said what we take back.
    private boolean reclaims;

    private boolean resting;
    private long lastProgressNanos;

    ModelClient(
            Host host,
            Checker checker,
            int number,
            int clients,
            int tempo,
            List<DataServerNode> dataServers,
            RandomGenerator random) {
        this.clients = clients;
        this.thinkNanos = THINK_NANOS << tempo;
        me = new Caller(host, checker, number, random, this);
        open = new OpenFiles(me);
        layouts = new Layouts(me, open, dataServers);
        delegating = new Delegating(me, open);
        names = new Names(me, open, layouts, delegating);
        proxied = new Proxied(me, open, layouts);
        direct = new Direct(me, open, layouts);
        sharing = new Sharing(me, open);
        locking = new Locking(me, open);
        reclaiming = new Reclaiming(me, open, names, sharing, locking, direct, delegating);
        direct.scribble();
    }

    Host host() {
        return me.host;
    }

    /// Since when it waits for the answer that it waits for.
    long lastProgressNanos() {
        return lastProgressNanos;
    }

    boolean isIdle() {
        return resting && !working && !reclaims && !me.host.isDead() && me.session.isReady();
    }

    /// Begins nothing new.
    void rest() {
        resting = true;
    }

    /// Whether it goes on with what it is asked to give back.
    void keep(boolean wanted) {
        layouts.keep(wanted);
        delegating.keep(wanted);
    }

    /// Shows that a lock and a layout can be had and a write be committed, whatever was before.
    void prove() {
        working = true;
        me.insist(true);
        String shared = Names.of(1, 0);
        locking.unlockAll(() -> names.opened(
                shared,
                locked -> locking.prove(
                        locked, () -> names.opened(shared, file -> direct.write(file, this::done), this::done)),
                this::done));
    }

    /// Gives everything back.
    void leave() {
        working = true;
        direct.rest();
        names.closeAll(() -> layouts.giveBackUnheard(() -> working = false));
    }

    /// The program is gone: what it asked for may still arrive.
    void died() {
        me.checker.leases.ended(me.number);
        open.all().forEach(OpenFile::forgetPlaces);
        open.all().forEach(OpenFile::forgetLocks);
        open.all().forEach(OpenFile::forgetDelegation);
    }

    @Override
    public void ready() {
        if (!known) {
            known = true;
            me.checker.shares.forgotten(me.number, me.checker.now());
        }
        if (reclaims) {
            reclaims = false;
            reclaiming.over();
        }
        next();
    }

    @Override
    public void forgotten() {
        me.beginEra();
        me.checker.shares.forgotten(me.number, me.checker.now());
        reclaiming.abandon();
        reclaims = true;
        layouts.forget();
        if (me.random.nextInt(ANEW) == 0) {
            me.checker.leases.ended(me.number);
            open.all().forEach(open::drop);
        } else {
            open.all().forEach(OpenFile::forgetLayout);
        }
    }

    @Override
    public void reclaim(Runnable then) {
        reclaiming.begin(then);
    }

    @Override
    public void revoked() {
        me.checker.revoked(me.number);
        layouts.revoked();
        delegating.revoked();
    }

    @Override
    public CbResult called(CbArgs callback) {
        if (me.random.nextInt(LATER) == 0) {
            return new CbResult.CbFailure(callback.op(), NfsStatus.DELAY);
        }
        return switch (callback) {
            case CbLayoutRecallArgs recall -> layouts.called(recall);
            case CbRecallArgs recall -> delegating.called(recall);
            case CbGetAttrArgs get -> delegating.called(get);
            default -> new CbResult.CbSuccess(callback.op());
        };
    }

    private void next() {
        OpenFile denied = sharing.denied();
        if (working || reclaims || (resting && denied == null)) {
            return;
        }
        working = true;
        if (denied != null && (resting || me.random.nextInt(DENIES) == 0)) {
            sharing.admit(denied, this::done);
            return;
        }
        me.host.schedule(1 + me.random.nextLong(thinkNanos), this::work);
    }

    private void done() {
        lastProgressNanos = me.host.nowNanos();
        working = false;
        me.insist(false);
        next();
    }

    private void work() {
        lastProgressNanos = me.host.nowNanos();
        if (reclaims) {
            working = false;
            return;
        }
        String mine = Names.of(me.number, me.random.nextInt(NAMES));
        String any = me.random.nextBoolean()
                ? Names.of(1, 0) // where all meet
                : Names.of(1 + me.random.nextInt(clients), me.random.nextInt(NAMES));
        switch (me.random.nextInt(26)) {
            case 0, 1, 2 -> with(any, proxied::write);
            case 3, 4 -> with(any, proxied::read);
            case 5, 6, 7, 8 -> with(any, direct::write);
            case 9, 10, 11 -> with(any, direct::read);
            case 12 -> with(any, proxied::truncate);
            case 13 -> with(any, proxied::askSize);
            case 14 -> with(any, this::giveBack);
            case 15 -> with(any, names::close);
            case 16 -> names.remove(mine, this::done);
            case 17 -> names.rename(mine, Names.of(me.number, me.random.nextInt(NAMES)), this::done);
            case 24 -> names.replace(mine, Names.of(me.number, me.random.nextInt(NAMES)), this::done);
            case 18, 19 -> with(any, locking::lock);
            case 20 -> with(any, locking::unlock);
            case 22 -> with(any, proxied::punch);
            case 21 -> with(any, locking::test);
            case 23 -> with(any, sharing::deny);
            default -> names.look(any, this::done);
        }
    }

    /// Does something with a file, if it can be opened.
    private void with(String name, BiConsumer<OpenFile, Runnable> what) {
        names.opened(name, file -> what.accept(file, this::done), this::done);
    }

    private void giveBack(OpenFile file, Runnable then) {
        file.use(() -> {
            Runnable after = () -> {
                file.done();
                then.run();
            };
            if (file.layout != null && me.random.nextBoolean()) {
                layouts.giveBackPart(file, layouts.anyPart(), Optional.empty(), _ -> after.run());
            } else {
                layouts.giveBack(file, after);
            }
        });
    }
}
