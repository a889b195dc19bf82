package pnfs.ds.reservation;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// The bytes in which registrations survive a restart (APTPL, SPC-4 §5.12.5).
///
/// ```
/// record       = magic(u32 "PRES") version(u16) flags(u16) generation(u32) count(u32) entry*
///                barredCount(u32) barredKey(u64)* checksum(u32)
/// flags        = bit 0 persistent, bits 8..15 the SCSI type code of the reservation or 0
/// entry        = key(u64) targetPort(u16) isHolder(u8) nameLength(u16) name(UTF-8)
/// checksum     = CRC32C of everything before it
/// ```
/// All numbers big-endian. No entry is the holder when all registrants are. Version 2 is written; version 1, of
/// before there were barred keys, ends before their count.
public final class ReservationRecord {
    private static final int MAGIC = 0x50524553;
    private static final int VERSION = 2;
    private static final int VERSION_WITHOUT_BARRED = 1;
    private static final int PERSISTENT = 1;
    private static final int HEADER_BYTES = 16;
    private static final int ENTRY_BYTES = 13;
    private static final int CHECKSUM_BYTES = 4;
    private static final int MAX_NAME_BYTES = Nexus.MAX_INITIATOR_BYTES;

    /// The longest record there can be.
    public static final int MAX_BYTES = maxBytes(Reservations.MAX_REGISTRATIONS, Reservations.MAX_BARRED);

    private ReservationRecord() {}

    private static int maxBytes(int registrations, int barred) {
        return HEADER_BYTES
                + registrations * (ENTRY_BYTES + MAX_NAME_BYTES)
                + Integer.BYTES
                + barred * Long.BYTES
                + CHECKSUM_BYTES;
    }

    public static byte[] write(Reservations table) {
        var out =
                ByteBuffer.allocate(maxBytes(table.keys().size(), table.barred().size()));
        Reservation reservation = table.reservation();
        int type = reservation == null ? 0 : reservation.type().scsi();
        out.putInt(MAGIC);
        out.putShort((short) VERSION);
        out.putShort((short) ((table.persistent() ? PERSISTENT : 0) | type << 8));
        out.putInt(table.generation());
        out.putInt(table.keys().size());
        table.keys().forEach((nexus, key) -> {
            byte[] name = nexus.initiator().getBytes(StandardCharsets.UTF_8);
            out.putLong(key);
            out.putShort((short) nexus.targetPort());
            out.put((byte) (reservation != null && nexus.equals(reservation.holder()) ? 1 : 0));
            out.putShort((short) name.length);
            out.put(name);
        });
        out.putInt(table.barred().size());
        table.barred().forEach(out::putLong);
        out.putInt(checksum(out.array(), out.position()));
        var bytes = new byte[out.position()];
        out.flip().get(bytes);
        return bytes;
    }

    /// Reads what [#write] wrote.
    ///
    /// @throws UnreadableRegistrationsException when the bytes are damaged or of a version that is not known
    public static Reservations read(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        int body = bytes.length - CHECKSUM_BYTES;
        if (body < HEADER_BYTES || in.getInt() != MAGIC || in.getInt(body) != checksum(bytes, body)) {
            throw damaged("checksum");
        }
        int version = Short.toUnsignedInt(in.getShort());
        if (version != VERSION && version != VERSION_WITHOUT_BARRED) {
            throw new UnreadableRegistrationsException("are of version " + version + " and this server knows version "
                    + VERSION + " and before: use the release that wrote them");
        }
        try {
            return readBody(in.limit(body), version);
        } catch (BufferUnderflowException | IllegalArgumentException wrong) {
            throw damaged(String.valueOf(wrong.getMessage()));
        }
    }

    private static UnreadableRegistrationsException damaged(String why) {
        return new UnreadableRegistrationsException("are damaged (" + why + "): restore the region from a copy");
    }

    private static Reservations readBody(ByteBuffer in, int version) {
        int flags = in.getShort();
        int generation = in.getInt();
        int count = in.getInt();
        if (count < 0 || count > Reservations.MAX_REGISTRATIONS) {
            throw new IllegalArgumentException("registration count " + count);
        }
        var keys = new LinkedHashMap<Nexus, Long>();
        Nexus holder = null;
        for (int i = 0; i < count; i++) {
            long key = in.getLong();
            int port = Short.toUnsignedInt(in.getShort());
            boolean holds = in.get() == 1;
            var name = new byte[Math.min(Short.toUnsignedInt(in.getShort()), MAX_NAME_BYTES)];
            in.get(name);
            var nexus = new Nexus(new String(name, StandardCharsets.UTF_8), port);
            keys.put(nexus, key);
            holder = holds ? nexus : holder;
        }
        return new Reservations(
                generation,
                (flags & PERSISTENT) != 0,
                keys,
                version == VERSION_WITHOUT_BARRED ? List.of() : barred(in),
                reservation(flags >> 8, holder));
    }

    private static List<Long> barred(ByteBuffer in) {
        int count = in.getInt();
        if (count < 0 || count > Reservations.MAX_BARRED) {
            throw new IllegalArgumentException("count of barred keys " + count);
        }
        var barred = new ArrayList<Long>();
        for (int i = 0; i < count; i++) {
            barred.add(in.getLong());
        }
        return barred;
    }

    private static @Nullable Reservation reservation(int scsiType, @Nullable Nexus holder) {
        ReservationType type = ReservationType.ofScsi(scsiType);
        return type == null ? null : new Reservation(type, holder);
    }

    private static int checksum(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
