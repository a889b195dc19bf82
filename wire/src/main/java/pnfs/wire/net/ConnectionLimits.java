package pnfs.wire.net;

import java.time.Duration;

/// What a peer may use up, for each connection of one listener or of one call of [Network#connect].
///
/// @param maxConnections how many a listener keeps open; further ones are closed at once. Fewer where [Admission]
///     says so
/// @param softQueueBytes above this many bytes waiting to be sent no more requests are taken from the peer
/// @param hardQueueBytes above this many the connection is closed: answers still being made when the soft limit
///     was reached must fit between the two
/// @param idle a connection on which nothing moved for so long is closed; zero: never
/// @param stall a peer that began a message and does not go on, does not take what is sent to it, or does not
///     answer a connection attempt for so long is cut off
public record ConnectionLimits(
        int maxConnections, int softQueueBytes, int hardQueueBytes, Duration idle, Duration stall) {
    /// For who makes requests: reads answers however much of its own waits to be sent, because a server that
    /// cannot get rid of its answers takes no more requests. How much waits is for the maker of the requests to
    /// bound.
    public static final ConnectionLimits CLIENT =
            new ConnectionLimits(1, Integer.MAX_VALUE, Integer.MAX_VALUE, Duration.ZERO, Duration.ofSeconds(30));

    /// For servers whose peers may be silent as long as they like.
    public static final ConnectionLimits DEFAULT =
            new ConnectionLimits(4096, 1 << 20, 80 << 20, Duration.ZERO, Duration.ofSeconds(30));

    public ConnectionLimits {
        if (maxConnections < 1 || softQueueBytes < 1 || hardQueueBytes < softQueueBytes) {
            throw new IllegalArgumentException(
                    "connections " + maxConnections + ", queue " + softQueueBytes + " to " + hardQueueBytes + " bytes");
        }
        if (idle.isNegative() || !stall.isPositive()) {
            throw new IllegalArgumentException("idle " + idle + ", stall " + stall);
        }
    }

    public ConnectionLimits withMaxConnections(int connections) {
        return new ConnectionLimits(connections, softQueueBytes, hardQueueBytes, idle, stall);
    }

    public ConnectionLimits withQueue(int softBytes, int hardBytes) {
        return new ConnectionLimits(maxConnections, softBytes, hardBytes, idle, stall);
    }

    public ConnectionLimits withIdle(Duration limit) {
        return new ConnectionLimits(maxConnections, softQueueBytes, hardQueueBytes, limit, stall);
    }

    public ConnectionLimits withStall(Duration limit) {
        return new ConnectionLimits(maxConnections, softQueueBytes, hardQueueBytes, idle, limit);
    }
}
