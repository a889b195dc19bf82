package pnfs.mds.compound;

import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpCode;

/// Which operations this server has. Rooms bring theirs when the server is wired; what nobody brings is answered
/// NOTSUPP.
/// Filled by one thread, then only read.
public final class OpTable {
    private final Map<OpCode, Row> rows = new EnumMap<>(OpCode.class);

    /// How an operation runs: to its end, or deferred.
    sealed interface Row {
        OpFacts facts();
    }

    record Direct(OpFacts facts, Operation<OpArgs> operation) implements Row {}

    record Deferred(OpFacts facts, DeferredOperation<OpArgs> operation) implements Row {}

    /// Adds an operation; `args` is the record that the codec makes of its arguments.
    public <A extends OpArgs> OpTable register(OpCode op, Class<A> args, Operation<A> operation) {
        return add(op, new Direct(facts(op), (a, state) -> operation.run(args.cast(a), state)));
    }

    /// Adds an operation that may answer later.
    public <A extends OpArgs> OpTable registerDeferred(OpCode op, Class<A> args, DeferredOperation<A> operation) {
        return add(op, new Deferred(facts(op), (a, state, done) -> operation.run(args.cast(a), state, done)));
    }

    /// Whether a room brought `op`.
    public boolean has(OpCode op) {
        return rows.containsKey(op);
    }

    @Nullable
    Row find(OpCode op) {
        return rows.get(op);
    }

    private OpTable add(OpCode op, Row row) {
        if (rows.putIfAbsent(op, row) != null) {
            throw new IllegalStateException(op + " registered twice");
        }
        return this;
    }

    private static OpFacts facts(OpCode op) {
        return OpFacts.of(op).orElseThrow(() -> new IllegalArgumentException(op + " is no operation"));
    }
}
