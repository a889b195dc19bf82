package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Answers to REPORT SUPPORTED OPERATION CODES (SPC-4 §6.35). Immutable.
public final class SupportedOpcodes {
    private static final int ENTRY_BYTES = 8;
    private static final int TIMEOUTS_BYTES = 12;
    private static final int HAS_SERVICE_ACTION = 0x01;
    private static final int ENTRY_HAS_TIMEOUTS = 0x02;
    private static final int HAS_TIMEOUTS = 0x80;
    private static final int NOT_SUPPORTED = 1;
    private static final int SUPPORTED = 3;

    private SupportedOpcodes() {}

    /// A command that a unit knows.
    ///
    /// @param serviceAction -1 if the opcode has none
    /// @param cdbBytes how long its CDB is
    public record Command(int opcode, int serviceAction, int cdbBytes) {}

    /// Whether an answer has a timeouts descriptor for each command (RCTD). Ours say that none is known: the
    /// medium is memory.
    public enum Timeouts {
        LEFT_OUT,
        TOLD
    }

    /// The list of all commands.
    public static byte[] all(List<Command> commands, Timeouts timeouts) {
        int entryBytes = ENTRY_BYTES + (timeouts == Timeouts.TOLD ? TIMEOUTS_BYTES : 0);
        var out = ByteBuffer.allocate(Integer.BYTES + commands.size() * entryBytes);
        out.putInt(commands.size() * entryBytes);
        for (Command command : commands) {
            boolean hasAction = command.serviceAction() >= 0;
            int flags = (hasAction ? HAS_SERVICE_ACTION : 0) | (timeouts == Timeouts.TOLD ? ENTRY_HAS_TIMEOUTS : 0);
            out.put((byte) command.opcode()).put((byte) 0);
            out.putShort((short) (hasAction ? command.serviceAction() : 0));
            out.put((byte) 0).put((byte) flags);
            out.putShort((short) command.cdbBytes());
            if (timeouts == Timeouts.TOLD) {
                putUnknownTimeouts(out);
            }
        }
        return out.array();
    }

    private static void putUnknownTimeouts(ByteBuffer out) {
        out.putShort((short) (TIMEOUTS_BYTES - Short.BYTES)).put(new byte[TIMEOUTS_BYTES - Short.BYTES]);
    }

    /// Reads what [#all] wrote, from position to limit.
    ///
    /// @throws ScsiFormatException when not even the length is there
    public static List<Command> readAll(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < Integer.BYTES) {
            throw new ScsiFormatException("list of supported opcodes of " + in.remaining() + " bytes");
        }
        long end = Math.min(in.remaining(), Integer.BYTES + (in.getInt(at) & 0xffff_ffffL));
        var commands = new ArrayList<Command>();
        int entryBytes = ENTRY_BYTES;
        for (int i = Integer.BYTES; i + ENTRY_BYTES <= end; i += entryBytes) {
            boolean hasTimeouts = (in.get(at + i + 5) & ENTRY_HAS_TIMEOUTS) != 0;
            entryBytes = hasTimeouts ? ENTRY_BYTES + TIMEOUTS_BYTES : ENTRY_BYTES;
            boolean hasAction = (in.get(at + i + 5) & HAS_SERVICE_ACTION) != 0;
            commands.add(new Command(
                    in.get(at + i) & 0xff,
                    hasAction ? in.getShort(at + i + 2) & 0xffff : -1,
                    in.getShort(at + i + 6) & 0xffff));
        }
        return commands;
    }

    /// The answer about one command.
    ///
    /// @param usage a byte for each byte of the CDB: the opcode, then ones where the unit looks; null if
    ///     the command is not supported
    public static byte[] one(byte @Nullable [] usage, Timeouts timeouts) {
        if (usage == null) {
            return new byte[] {0, NOT_SUPPORTED, 0, 0};
        }
        boolean told = timeouts == Timeouts.TOLD;
        var out = ByteBuffer.allocate(4 + usage.length + (told ? TIMEOUTS_BYTES : 0));
        out.put((byte) 0).put((byte) (told ? SUPPORTED | HAS_TIMEOUTS : SUPPORTED));
        out.putShort((short) usage.length).put(usage);
        if (told) {
            putUnknownTimeouts(out);
        }
        return out.array();
    }

    /// Whether an answer of [#one] says that the command is supported.
    public static boolean isSupported(ByteBuffer in) {
        // 5 is "supported, in a vendor's way".
        int support = in.remaining() < 2 ? 0 : in.get(in.position() + 1) & 0x07;
        return support == SUPPORTED || support == 5;
    }
}
