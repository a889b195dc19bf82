package pnfs.wire.nfs4;

/// `offload_info4`, RFC 7862 §16.1: how a COPY ended that was answered before its end.
public sealed interface OffloadOutcome {
    record Done(WriteResponse response) implements OffloadOutcome {}

    record Failed(NfsStatus status, long bytesCopied) implements OffloadOutcome {}
}
