package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.wire.iscsi.Digest;

/// Who understands the PDUs of a connection at the moment: the login, then the session. Belongs to the data
/// path.
///
/// For each PDU first [#begin], then for a large data segment [#place], then, when all data is there, [#end].
/// Each may throw [pnfs.wire.iscsi.IscsiException]: the connection is then dropped.
interface PduReceiver {
    /// Largest data segment that is taken.
    int maxDataBytes();

    Digest headerDigest();

    Digest dataDigest();

    /// A header has come.
    ///
    /// @param header 48 bytes from index 0, valid until [#end] returns
    void begin(ByteBuffer header, int dataBytes);

    /// Where a large data segment goes: a buffer with room for all of it or for its beginning, whose rest is then
    /// skipped. Null to skip everything.
    @Nullable
    ByteBuffer place(ByteBuffer header, int dataBytes);

    /// The PDU is whole.
    ///
    /// @param data what came, from position to limit; not valid after the call
    void end(ByteBuffer header, ByteBuffer data, Landing landing);

    /// The connection is gone.
    void closed(String why);

    /// Where the data of a PDU is.
    enum Landing {
        /// In the buffer that `end` is given, which is the connection's.
        STAGED,
        /// Where [#place] wanted it.
        PLACED
    }
}
