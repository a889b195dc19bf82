package pnfs.wire.iscsi;

/// What a login has settled; see [OperationalKey]. Immutable.
///
/// @param maxReceiveBytes largest data segment that we take
/// @param maxSendBytes largest data segment that the peer takes
/// @param firstBurstBytes most unsolicited data of a command, immediate data included; at most `maxBurstBytes`
public record SessionParameters(
        Digest headerDigest,
        Digest dataDigest,
        int maxReceiveBytes,
        int maxSendBytes,
        boolean initialR2t,
        boolean immediateData,
        int maxBurstBytes,
        int firstBurstBytes,
        int maxOutstandingR2t,
        int time2WaitSeconds,
        int time2RetainSeconds) {
    /// Before and during login: no digests, 8192 bytes each way.
    public static final SessionParameters LOGIN =
            new SessionParameters(Digest.NONE, Digest.NONE, 8192, 8192, true, true, 262144, 65536, 1, 2, 20);

    /// The same session as the other end sees it.
    public SessionParameters swapped() {
        return new SessionParameters(
                headerDigest,
                dataDigest,
                maxSendBytes,
                maxReceiveBytes,
                initialR2t,
                immediateData,
                maxBurstBytes,
                firstBurstBytes,
                maxOutstandingR2t,
                time2WaitSeconds,
                time2RetainSeconds);
    }

    /// How much of a write of `bytes` may travel in the command PDU, seen from the initiator; a target asks its
    /// [#swapped] parameters.
    public int immediateBytes(int bytes) {
        return immediateData ? Math.min(bytes, Math.min(firstBurstBytes, maxSendBytes)) : 0;
    }

    /// How much of a write of `bytes` may be sent before the first R2T, immediate data included, seen from the
    /// initiator.
    public int unsolicitedBytes(int bytes) {
        return initialR2t ? immediateBytes(bytes) : Math.min(bytes, firstBurstBytes);
    }
}
