package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// The parameter list of PERSISTENT RESERVE OUT with REGISTER AND MOVE (SPC-4 §6.16.4): gives registration and
/// reservation to another initiator port. Immutable.
///
/// @param unregister UNREG: the caller's own registration ends
/// @param relativePort of the target, through which the other initiator comes
public record RegisterAndMoveParameters(
        long key, long actionKey, boolean unregister, boolean surviveReset, int relativePort, TransportId to) {
    private static final int HEADER_BYTES = 24;
    private static final int UNREG = 0x02;
    private static final int APTPL = 0x01;

    public byte[] toBytes() {
        byte[] transportId = to.toBytes();
        return ByteBuffer.allocate(HEADER_BYTES + transportId.length)
                .putLong(key)
                .putLong(actionKey)
                .put((byte) 0)
                .put((byte) ((unregister ? UNREG : 0) | (surviveReset ? APTPL : 0)))
                .putShort((short) relativePort)
                .putInt(transportId.length)
                .put(transportId)
                .array();
    }

    /// Reads what [#toBytes] wrote, from position to limit.
    ///
    /// @throws ScsiException PARAMETER LIST LENGTH ERROR when the lengths do not agree, INVALID FIELD IN
    ///     PARAMETER LIST for an initiator port that is none
    public static RegisterAndMoveParameters read(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < HEADER_BYTES || in.getInt(at + 20) != in.remaining() - HEADER_BYTES) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int flags = in.get(at + 17);
        return new RegisterAndMoveParameters(
                in.getLong(at),
                in.getLong(at + 8),
                (flags & UNREG) != 0,
                (flags & APTPL) != 0,
                in.getShort(at + 18) & 0xffff,
                TransportId.take(in.slice(at + HEADER_BYTES, in.remaining() - HEADER_BYTES)));
    }
}
