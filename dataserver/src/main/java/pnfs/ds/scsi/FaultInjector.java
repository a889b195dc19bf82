package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultScript;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.Sense;

/// Does to commands what a fault script says, as far as that is not their transport's to do: [ScsiTask#fault]
/// tells it the rest. Safe for use by many connections.
final class FaultInjector {
    /// Of a processor's cache: what a power cut leaves whole.
    private static final int LINE_BYTES = 64;

    private final FaultScript script;

    FaultInjector(FaultScript script) {
        this.script = script;
    }

    boolean isArmed() {
        return script.isArmed();
    }

    /// What happens to a command; null for nothing.
    @Nullable
    Fault strike(SupportedCommand command, ScsiTask task) {
        boolean named = command.namesBlocks();
        return script.strike(new FaultScript.Command(
                command.family(),
                task.lun(),
                named ? Cdb.firstBlock(task.cdb(), 0) : 0,
                named ? Cdb.blocks(task.cdb(), 0) : 0,
                task.nexus().name().initiator()));
    }

    /// Before the command is looked at. False, and the command ended, when that is all that becomes of it.
    boolean letsStart(Fault fault, ScsiTask task) {
        return switch (fault) {
            case Fault.Fail(int status, Sense sense) -> {
                if (sense.equals(Sense.NONE)) {
                    task.refuse(status);
                } else {
                    task.fail(sense);
                }
                yield false;
            }
            case Fault.Reset() -> {
                task.fail(Sense.COMMAND_ABORTED); // nobody will read it
                yield false;
            }
            case Fault.Delay _, Fault.Drop _, Fault.ShortRead _, Fault.TornWrite _ -> true;
        };
    }

    /// When it is known which bytes move, and before they do.
    void started(Fault fault, ScsiTask task) {
        switch (fault) {
            case Fault.ShortRead(int bytes) -> task.shorten(bytes);
            case Fault.TornWrite torn -> {
                if (task.transfer() == ScsiTask.WRITE && task.bytes() > 0) {
                    tear(torn, task);
                } else if (task.transfer() == ScsiTask.TAKE && isAtomic(task)) {
                    tearAtomic(torn, task);
                }
            }
            case Fault.Delay _, Fault.Drop _, Fault.Fail _, Fault.Reset _ -> {}
        }
    }

    private static boolean isAtomic(ScsiTask task) {
        return Cdb.opcode(task.cdb(), 0) == ScsiOpcode.WRITE_ATOMIC_16;
    }

    /// The bytes go to the mapped region as they come, and it survives this process: so when all are there, the
    /// lines that are to be lost get back what they held.
    private void tear(Fault.TornWrite torn, ScsiTask task) {
        int bytes = task.bytes();
        var before = ByteBuffer.allocate(bytes).put(0, task.view(0, bytes), 0, bytes);
        task.insteadOfDurable(whole -> {
            BitSet landed = survivors(torn, bytes);
            for (int line = landed.nextClearBit(0); line < bytes / LINE_BYTES; line = landed.nextClearBit(line + 1)) {
                whole.write(line * LINE_BYTES, before, line * LINE_BYTES, LINE_BYTES);
            }
            script.cutPower();
        });
    }

    /// The power fails before the write is remembered, or while its bytes go to their place: the seed decides.
    private void tearAtomic(Fault.TornWrite torn, ScsiTask task) {
        if (new SplittableRandom(torn.seed()).nextBoolean()) {
            task.insteadOfDurable(whole -> script.cutPower());
            return;
        }
        task.inPlaceBy((volume, offset, source) -> {
            BitSet landed = survivors(torn, source.remaining());
            for (int line = landed.nextSetBit(0); line >= 0; line = landed.nextSetBit(line + 1)) {
                int at = line * LINE_BYTES;
                volume.write(offset + at, source, source.position() + at, LINE_BYTES);
            }
            script.cutPower();
            return true;
        });
    }

    /// Which of so many bytes' cache lines have reached the medium.
    private static BitSet survivors(Fault.TornWrite torn, int bytes) {
        var random = new SplittableRandom(torn.seed());
        int lines = bytes / LINE_BYTES;
        int first = random.nextInt(lines);
        var landed = new BitSet(lines);
        for (int line = 0; line < lines; line++) {
            landed.set(
                    line,
                    switch (torn.survivors()) {
                        case PREFIX -> line < first;
                        case SUBSET -> random.nextBoolean();
                    });
        }
        return landed;
    }
}
