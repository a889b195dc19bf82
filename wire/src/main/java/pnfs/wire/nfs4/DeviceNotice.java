package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// A `notify4` of CB_NOTIFY_DEVICEID, RFC 8881 §20.12.
public sealed interface DeviceNotice {
    /// `NOTIFY_DEVICEID4_CHANGE`.
    Bitmap CHANGE = Bitmap.of(1);
    /// `NOTIFY_DEVICEID4_DELETE`.
    Bitmap DELETE = Bitmap.of(2);

    record Changed(LayoutType type, Opaque device, boolean immediate) implements DeviceNotice {}

    record Deleted(LayoutType type, Opaque device) implements DeviceNotice {}
}
