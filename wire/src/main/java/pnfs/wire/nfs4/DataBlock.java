package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `app_data_block4`, RFC 7862 §8.1: a pattern to write over and over.
public record DataBlock(
        long offset,
        long blockBytes,
        long blockCount,
        long blockNumberOffset,
        int firstBlockNumber,
        long patternOffset,
        Opaque pattern) {}
