package pnfs.wire.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// The parameter list of PERSISTENT RESERVE OUT, all service actions but REGISTER AND MOVE (SPC-4 §6.16.3).
/// Immutable.
///
/// @param key under which the caller is registered
/// @param actionKey the new key of a registration, the victim's of a preemption
/// @param allTargetPorts ALL_TG_PT: the registration counts at every port of the target
/// @param surviveReset APTPL: registrations and reservation survive a loss of power
/// @param registerOthers with SPEC_I_PT: the initiator ports to register too; without it empty
public record ReserveOutParameters(
        long key, long actionKey, boolean allTargetPorts, boolean surviveReset, List<TransportId> registerOthers) {
    /// Bytes without any [TransportId]; Linux sends just these.
    public static final int BYTES = 24;
    /// Most initiator ports that one list may name.
    public static final int MAX_OTHERS = 64;

    /// Most bytes of a list.
    public static final int MAX_BYTES = BYTES + Integer.BYTES + MAX_OTHERS * TransportId.MAX_BYTES;

    private static final int FLAGS_AT = 20;
    private static final int SPEC_I_PT = 0x08;
    private static final int ALL_TG_PT = 0x04;
    private static final int APTPL = 0x01;

    public ReserveOutParameters {
        registerOthers = List.copyOf(registerOthers);
    }

    public ReserveOutParameters(long key, long actionKey, boolean surviveReset) {
        this(key, actionKey, false, surviveReset, List.of());
    }

    public byte[] toBytes() {
        var others = new ByteArrayOutputStream();
        registerOthers.forEach(other -> others.writeBytes(other.toBytes()));
        boolean some = !registerOthers.isEmpty();
        var out = ByteBuffer.allocate(BYTES + (some ? Integer.BYTES + others.size() : 0));
        out.putLong(key).putLong(actionKey).putInt(0);
        out.put((byte) ((some ? SPEC_I_PT : 0) | (allTargetPorts ? ALL_TG_PT : 0) | (surviveReset ? APTPL : 0)));
        out.position(BYTES);
        if (some) {
            out.putInt(others.size()).put(others.toByteArray());
        }
        return out.array();
    }

    /// Reads what [#toBytes] wrote, from position to limit.
    ///
    /// @throws ScsiException PARAMETER LIST LENGTH ERROR when the length is not 24, or not what SPEC_I_PT makes
    ///     it; INVALID FIELD IN PARAMETER LIST for an initiator port that is none, or too many
    public static ReserveOutParameters read(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < BYTES) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int flags = in.get(at + FLAGS_AT);
        boolean some = (flags & SPEC_I_PT) != 0;
        if (!some && in.remaining() > BYTES) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return new ReserveOutParameters(
                in.getLong(at),
                in.getLong(at + 8),
                (flags & ALL_TG_PT) != 0,
                (flags & APTPL) != 0,
                some ? readOthers(in.slice(at + BYTES, in.remaining() - BYTES)) : List.of());
    }

    private static List<TransportId> readOthers(ByteBuffer in) {
        if (in.remaining() < Integer.BYTES || in.getInt() != in.remaining()) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        var others = new ArrayList<TransportId>();
        while (in.hasRemaining()) {
            if (others.size() == MAX_OTHERS) {
                throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
            }
            others.add(TransportId.take(in));
        }
        return others;
    }
}
