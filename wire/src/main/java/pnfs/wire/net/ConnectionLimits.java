package pnfs.wire.net;

import java.time.Duration;

/// What a listener or a connecting side allows of its connections.
///
/// @param maxConnections how many a listener keeps at once; further ones are closed at once
/// @param stagedBytes the longest piece of a message that a handler may leave waiting for its rest
/// @param queueSoftBytes from how much unsent on the peer is not read from until it has taken half
/// @param queueHardBytes at how much unsent the peer is closed
/// @param idle how long a peer may say nothing; zero for ever
/// @param stall how long a peer may take nothing of what is queued for it
public record ConnectionLimits(
        int maxConnections, int stagedBytes, long queueSoftBytes, long queueHardBytes, Duration idle, Duration stall) {
    public ConnectionLimits {
        if (maxConnections < 1 || stagedBytes < 1 || queueSoftBytes < 1 || queueHardBytes < queueSoftBytes) {
            throw new IllegalArgumentException(
                    "limits " + maxConnections + " " + stagedBytes + " " + queueSoftBytes + " " + queueHardBytes);
        }
    }

    /// For servers and clients of our own protocols: many connections, no idle limit, half a minute for a stalled
    /// peer.
    public static ConnectionLimits ordinary() {
        return new ConnectionLimits(16_384, 256 << 10, 4L << 20, 256L << 20, Duration.ZERO, Duration.ofSeconds(30));
    }

    public ConnectionLimits withMaxConnections(int connections) {
        return new ConnectionLimits(connections, stagedBytes, queueSoftBytes, queueHardBytes, idle, stall);
    }

    public ConnectionLimits withIdle(Duration limit) {
        return new ConnectionLimits(maxConnections, stagedBytes, queueSoftBytes, queueHardBytes, limit, stall);
    }
}
