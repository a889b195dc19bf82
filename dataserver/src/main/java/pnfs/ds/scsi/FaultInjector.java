package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultScript;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.Sense;

/// Does to commands what a fault script says, as far as that is not their transport's to do: [ScsiTask#fault]
/// tells it the rest. Safe for use by many connections.
final class FaultInjector {
    private static final int CACHE_LINE_BYTES = 64;

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
                }
            }
            case Fault.Delay _, Fault.Drop _, Fault.Fail _, Fault.Reset _ -> {}
        }
    }

    /// The bytes go to the mapped region as they come, and it survives this process: so when all are there, the
    /// lines that are to be lost get back what they held.
    private void tear(Fault.TornWrite torn, ScsiTask task) {
        int bytes = task.bytes();
        var before = ByteBuffer.allocate(bytes).put(0, task.view(0, bytes), 0, bytes);
        task.insteadOfDurable(whole -> {
            var random = new SplittableRandom(torn.seed());
            int survivors = random.nextInt(bytes / CACHE_LINE_BYTES);
            for (int line = 0; line < bytes / CACHE_LINE_BYTES; line++) {
                boolean survives = switch (torn.survivors()) {
                    case PREFIX -> line < survivors;
                    case SUBSET -> random.nextBoolean();
                };
                if (!survives) {
                    whole.write(line * CACHE_LINE_BYTES, before, line * CACHE_LINE_BYTES, CACHE_LINE_BYTES);
                }
            }
            script.cutPower();
        });
    }
}
