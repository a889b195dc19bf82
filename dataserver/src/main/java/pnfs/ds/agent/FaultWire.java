package pnfs.ds.agent;

import java.time.Duration;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultRule;
import pnfs.wire.control.proto.BlockRange;
import pnfs.wire.control.proto.FaultKind;
import pnfs.wire.control.proto.FaultSpec;
import pnfs.wire.control.proto.Survivors;
import pnfs.wire.scsi.Sense;

/// Rules of a fault script from and to the control protocol.
public final class FaultWire {
    private FaultWire() {}

    /// Takes one apart.
    ///
    /// @throws IllegalArgumentException when it makes no sense
    public static FaultRule rule(FaultSpec asked) {
        var blocks = asked.hasBlocks()
                ? new FaultRule.Blocks(
                        asked.getBlocks().getFirst(), asked.getBlocks().getLast())
                : FaultRule.Blocks.ALL;
        return new FaultRule(
                fault(asked.getFault()),
                asked.getCommand(),
                asked.hasLun() ? Math.max(asked.getLun(), 0) : FaultRule.ANY,
                blocks,
                asked.getInitiator(),
                asked.getEvery() == 0 ? 1 : asked.getEvery(),
                asked.getProbability() == 0 ? 1 : asked.getProbability(),
                asked.getSeed(),
                asked.getTimes());
    }

    private static Fault fault(FaultKind asked) {
        return switch (asked.getKindCase()) {
            case DELAY_MILLIS -> new Fault.Delay(Duration.ofMillis(Integer.toUnsignedLong(asked.getDelayMillis())));
            case DROP -> new Fault.Drop();
            case FAILURE -> failure(asked.getFailure());
            case READ_BYTES -> new Fault.ShortRead(asked.getReadBytes());
            case RESET -> new Fault.Reset();
            case TORN_WRITE ->
                new Fault.TornWrite(
                        switch (asked.getTornWrite()) {
                            case PREFIX -> Fault.Survivors.PREFIX;
                            case SUBSET -> Fault.Survivors.SUBSET;
                            case SURVIVORS_UNKNOWN, UNRECOGNIZED ->
                                throw new IllegalArgumentException("which cache lines survive is missing");
                        },
                        0);
            case KIND_NOT_SET -> throw new IllegalArgumentException("its kind is missing");
        };
    }

    private static Fault failure(FaultKind.Failure asked) {
        int key = asked.getKey();
        int asc = asked.getAsc();
        int ascq = asked.getAscq();
        if (key < 0 || key > 0xf || asc < 0 || asc > 0xff || ascq < 0 || ascq > 0xff) {
            throw new IllegalArgumentException("sense " + key + "/" + asc + "/" + ascq);
        }
        return new Fault.Fail(asked.getStatus(), new Sense(key, asc, ascq));
    }

    /// Puts one together.
    public static FaultSpec spec(FaultRule rule) {
        var told = FaultSpec.newBuilder()
                .setFault(kind(rule.fault()))
                .setCommand(rule.command())
                .setInitiator(rule.initiator())
                .setEvery(rule.every())
                .setProbability(rule.probability())
                .setSeed(rule.seed())
                .setTimes(rule.times());
        if (rule.lun() != FaultRule.ANY) {
            told.setLun(rule.lun());
        }
        if (!rule.blocks().equals(FaultRule.Blocks.ALL)) {
            told.setBlocks(BlockRange.newBuilder()
                    .setFirst(rule.blocks().first())
                    .setLast(rule.blocks().last()));
        }
        return told.build();
    }

    private static FaultKind kind(Fault fault) {
        var told = FaultKind.newBuilder();
        switch (fault) {
            case Fault.Delay(Duration delay) -> told.setDelayMillis((int) delay.toMillis());
            case Fault.Drop() -> told.setDrop(FaultKind.Drop.getDefaultInstance());
            case Fault.Fail(int status, Sense sense) ->
                told.setFailure(FaultKind.Failure.newBuilder()
                        .setStatus(status)
                        .setKey(sense.key())
                        .setAsc(sense.asc())
                        .setAscq(sense.ascq()));
            case Fault.ShortRead(int bytes) -> told.setReadBytes(bytes);
            case Fault.Reset() -> told.setReset(FaultKind.Reset.getDefaultInstance());
            case Fault.TornWrite(var survivors, long _) ->
                told.setTornWrite(
                        switch (survivors) {
                            case PREFIX -> Survivors.PREFIX;
                            case SUBSET -> Survivors.SUBSET;
                        });
        }
        return told.build();
    }
}
