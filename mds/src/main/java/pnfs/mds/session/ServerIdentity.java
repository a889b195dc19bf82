package pnfs.mds.session;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.Stored;
import pnfs.wire.xdr.Opaque;

/// Who this server is, over all its runs, which run this is, and from when on clients go on as if nothing had
/// happened. Immutable.
///
/// In the store, under META: `"identity"` is 16 random bytes from the first start; `"boot"` is a u64 that
/// counts starts; `"machine"` says, in UTF-8, where the last run ran; `"since"` is a u64, the first of the runs
/// there.
///
/// @param id stable: owner and scope in EXCHANGE_ID, by which clients find their state again (RFC 8881
///     §2.10.5)
/// @param boot from 1
/// @param since the first run that this one goes on from: clients of it and of those after it find all they held.
///     That of older ones may be lost in part, and has to be reclaimed
public record ServerIdentity(Opaque id, long boot, long since) {
    private static final int ID_BYTES = 16;
    private static final byte[] ID_KEY = Keys.META.of("identity".getBytes(StandardCharsets.US_ASCII));
    private static final byte[] BOOT_KEY = Keys.META.of("boot".getBytes(StandardCharsets.US_ASCII));
    private static final byte[] MACHINE_KEY = Keys.META.of("machine".getBytes(StandardCharsets.US_ASCII));
    private static final byte[] SINCE_KEY = Keys.META.of("since".getBytes(StandardCharsets.US_ASCII));

    /// Reads who we are, or decides it at the first start, and counts this start. What depends on the boot
    /// count must not be shown before this is durable: Wiring waits for it before it listens.
    ///
    /// @param machine another after each event that may have taken from the store what a process that was killed
    ///     leaves there, as its machine's end does
    public static ServerIdentity start(MetadataStore store, RandomGenerator random, String machine) {
        var batch = new Batch();
        Stored id = store.get(ID_KEY);
        byte[] bytes = id.value();
        if (bytes == null) {
            bytes = new byte[ID_BYTES];
            random.nextBytes(bytes);
            batch.put(ID_KEY, bytes);
        }
        if (bytes.length != ID_BYTES) {
            throw new CorruptStoreException("server identity of " + bytes.length + " bytes");
        }
        long boot = count(store, BOOT_KEY) + 1;
        byte[] there = machine.getBytes(StandardCharsets.UTF_8);
        boolean goesOn = Arrays.equals(there, store.get(MACHINE_KEY).value());
        long since = goesOn ? count(store, SINCE_KEY) : boot;
        putCount(batch, BOOT_KEY, boot);
        batch.put(MACHINE_KEY, there);
        putCount(batch, SINCE_KEY, since);
        store.append(batch);
        return new ServerIdentity(Opaque.of(bytes), boot, since);
    }

    /// Has the next start take state for lost, as after the end of the machine.
    public static void forgetMachine(Batch batch) {
        batch.delete(MACHINE_KEY);
    }

    /// 0 where there is none yet.
    private static long count(MetadataStore store, byte[] key) {
        byte[] value = store.get(key).value();
        if (value != null && value.length != Long.BYTES) {
            throw new CorruptStoreException("count of starts of " + value.length + " bytes");
        }
        return value == null ? 0 : ByteBuffer.wrap(value).getLong();
    }

    private static void putCount(Batch batch, byte[] key, long count) {
        batch.put(key, ByteBuffer.allocate(Long.BYTES).putLong(count).array());
    }

    /// What WRITE and COMMIT answer: another one after each start (RFC 8881 §18.32.3).
    public long writeVerifier() {
        return ByteBuffer.wrap(id.toByteArray()).getLong() ^ boot;
    }
}
