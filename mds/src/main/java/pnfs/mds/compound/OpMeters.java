package pnfs.mds.compound;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpCode;

/// `pnfs.mds.operation`: how many operations ended with which status. Successes, which are most, have their
/// counters ready; failures make theirs at the first. Safe for any thread.
final class OpMeters {
    private static final String NAME = "pnfs.mds.operation";

    private final MeterRegistry registry;
    private final Map<OpCode, Counter> successes = new EnumMap<>(OpCode.class);
    private final Map<Failure, Counter> failures = new ConcurrentHashMap<>();

    private record Failure(OpCode op, NfsStatus status) {}

    OpMeters(MeterRegistry registry) {
        this.registry = registry;
        for (OpCode op : OpCode.values()) {
            successes.put(op, counter(op, NfsStatus.OK));
        }
    }

    void count(OpCode op, NfsStatus status) {
        Counter counter = status == NfsStatus.OK
                ? successes.get(op)
                : failures.computeIfAbsent(new Failure(op, status), failed -> counter(failed.op(), failed.status()));
        if (counter != null) {
            counter.increment();
        }
    }

    private Counter counter(OpCode op, NfsStatus status) {
        return Counter.builder(NAME)
                .tag("operation", op.name())
                .tag("status", status.name())
                .register(registry);
    }
}
