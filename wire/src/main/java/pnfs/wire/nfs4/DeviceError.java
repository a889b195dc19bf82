package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `device_error4`, RFC 7862 §15.6: what a data server answered.
public record DeviceError(Opaque device, NfsStatus status, OpCode op) {}
