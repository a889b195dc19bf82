package pnfs.mds.compound;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.CorruptStoreException;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;

/// Runs the operations of a COMPOUND one after the other, up to the first that fails: for tests of rooms that
/// want no sessions and no bytes.
public final class CompoundRunner {
    private static final int PLENTY = 1 << 20;

    private CompoundRunner() {}

    public static List<OpResult> run(OpTable table, CompoundState state, OpArgs... operations) {
        var results = new ArrayList<OpResult>();
        for (int i = 0; i < operations.length; i++) {
            state.begin(PLENTY, i == operations.length - 1);
            OpResult result = run(table, state, operations[i]);
            results.add(result);
            if (result.status() != NfsStatus.OK) {
                break;
            }
        }
        return results;
    }

    private static OpResult run(OpTable table, CompoundState state, OpArgs args) {
        var answer = new AtomicReference<@Nullable OpResult>();
        start(table, state, args, answer::set);
        OpResult result = answer.get();
        if (result == null) {
            throw new IllegalStateException(args.op() + " is not done yet");
        }
        return result;
    }

    /// Begins one operation, which may be done later.
    public static void begin(OpTable table, CompoundState state, OpArgs args, Consumer<OpResult> done) {
        state.begin(PLENTY, true);
        start(table, state, args, done);
    }

    private static void start(OpTable table, CompoundState state, OpArgs args, Consumer<OpResult> done) {
        try {
            switch (table.find(args.op())) {
                case OpTable.Direct direct -> done.accept(direct.operation().run(args, state));
                case OpTable.Deferred deferred -> deferred.operation().run(args, state, done);
                case null -> throw new IllegalArgumentException(args.op() + " is not registered");
            }
        } catch (NfsException e) {
            done.accept(CompoundRun.failure(args.op(), e.status()));
        } catch (CorruptStoreException damage) {
            done.accept(CompoundRun.failure(args.op(), OpFacts.statusOfDamage(args.op())));
        }
    }

    public static void save(CompoundState state) {
        state.save();
    }
}
