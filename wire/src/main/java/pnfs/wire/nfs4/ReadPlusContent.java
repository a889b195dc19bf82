package pnfs.wire.nfs4;

import java.nio.ByteBuffer;

/// `read_plus_content`, RFC 7862 §15.10. Of the data, the same holds as of [OpResult.ReadResult].
public sealed interface ReadPlusContent {
    record Data(long offset, ByteBuffer data) implements ReadPlusContent {}

    record Hole(long offset, long length) implements ReadPlusContent {}
}
