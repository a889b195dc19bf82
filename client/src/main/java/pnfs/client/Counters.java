package pnfs.client;

/// What a [PnfsClient] has done since it was connected: a snapshot. Bytes are those of applications, without
/// what whole blocks add. Everything that did not go straight to a data server is in `bytesThroughMds`.
public record Counters(
        long bytesDirect,
        long bytesThroughMds,
        long layoutgets,
        long layoutcommits,
        long layoutreturns,
        long reconnects) {}
