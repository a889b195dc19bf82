package pnfs.mds.compound;

import pnfs.wire.rpc.RpcCredential;

/// What a COMPOUND may do where its current file is: as whom it acts there, and whether it may change anything.
/// Immutable.
public record Permit(RpcCredential identity, boolean readOnly) {}
