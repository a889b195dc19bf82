package pnfs.mds.compound;

import java.util.ArrayList;
import java.util.List;
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
        if (!(table.find(args.op()) instanceof OpTable.Direct direct)) {
            throw new IllegalArgumentException(args.op() + " is not registered");
        }
        try {
            return direct.operation().run(args, state);
        } catch (NfsException e) {
            return CompoundRun.failure(args.op(), e.status());
        }
    }

    public static void save(CompoundState state) {
        state.save();
    }
}
