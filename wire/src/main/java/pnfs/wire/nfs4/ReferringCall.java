package pnfs.wire.nfs4;

/// `referring_call4`.
public record ReferringCall(int sequence, int slot) {}
