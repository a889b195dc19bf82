package pnfs.mds.session;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.Stored;
import pnfs.wire.xdr.Opaque;

/// Who this server is, over all its runs, and which run this is. Immutable.
///
/// In the store, under META: `"identity"` is 16 random bytes from the first start; `"boot"` is a u64 that
/// counts starts.
///
/// @param id stable: owner and scope in EXCHANGE_ID, by which clients find their state again (RFC 8881
///     §2.10.5)
/// @param boot from 1
public record ServerIdentity(Opaque id, long boot) {
    private static final int ID_BYTES = 16;
    private static final byte[] ID_KEY = Keys.META.of("identity".getBytes(StandardCharsets.US_ASCII));
    private static final byte[] BOOT_KEY = Keys.META.of("boot".getBytes(StandardCharsets.US_ASCII));

    /// Reads who we are, or decides it at the first start, and counts this start. What depends on the boot
    /// count must not be shown before this is durable: Wiring waits for it before it listens.
    public static ServerIdentity start(MetadataStore store, RandomGenerator random) {
        var batch = new Batch();
        Stored id = store.get(ID_KEY);
        byte[] bytes = id.value();
        if (bytes == null) {
            bytes = new byte[ID_BYTES];
            random.nextBytes(bytes);
            batch.put(ID_KEY, bytes);
        }
        byte[] last = store.get(BOOT_KEY).value();
        if (bytes.length != ID_BYTES || (last != null && last.length != Long.BYTES)) {
            throw new CorruptStoreException("server identity or boot count has a wrong length");
        }
        long boot = last == null ? 1 : ByteBuffer.wrap(last).getLong() + 1;
        batch.put(BOOT_KEY, ByteBuffer.allocate(Long.BYTES).putLong(boot).array());
        store.append(batch);
        return new ServerIdentity(Opaque.of(bytes), boot);
    }

    /// What WRITE and COMMIT answer: another one after each start (RFC 8881 §18.32.3).
    public long writeVerifier() {
        return ByteBuffer.wrap(id.toByteArray()).getLong() ^ boot;
    }
}
