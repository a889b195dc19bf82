package pnfs.wire.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What PERSISTENT RESERVE IN answers (SPC-4 §6.15). Immutable. `generation` counts changes of the registrations,
/// 32 bits as they stand. A target cuts [#toBytes] at the allocation length, lengths inside stay whole; a reader
/// takes what is there.
public sealed interface ReserveInData {
    byte[] toBytes();

    /// The key of every registration; a key that two initiator ports share is there twice.
    record Keys(int generation, List<Long> keys) implements ReserveInData {
        private static final int HEADER_BYTES = 8;

        public Keys {
            keys = List.copyOf(keys);
        }

        @Override
        public byte[] toBytes() {
            var out = ByteBuffer.allocate(HEADER_BYTES + keys.size() * Long.BYTES);
            out.putInt(generation).putInt(keys.size() * Long.BYTES);
            keys.forEach(out::putLong);
            return out.array();
        }

        /// Reads what [#toBytes] wrote, from position to limit.
        ///
        /// @throws ScsiFormatException when not even the header is there
        public static Keys read(ByteBuffer in) {
            int at = in.position();
            long end = end(in, HEADER_BYTES);
            var keys = new ArrayList<Long>();
            for (int i = HEADER_BYTES; i + Long.BYTES <= end; i += Long.BYTES) {
                keys.add(in.getLong(at + i));
            }
            return new Keys(in.getInt(at), keys);
        }
    }

    /// Who holds the reservation.
    ///
    /// @param holder null if nobody does
    record Reservation(int generation, @Nullable Holder holder) implements ReserveInData {
        private static final int HEADER_BYTES = 8;
        private static final int HOLDER_BYTES = 16;

        @Override
        public byte[] toBytes() {
            Holder held = holder;
            if (held == null) {
                return ByteBuffer.allocate(HEADER_BYTES).putInt(generation).array();
            }
            var out = ByteBuffer.allocate(HEADER_BYTES + HOLDER_BYTES);
            out.putInt(generation).putInt(HOLDER_BYTES).putLong(held.key());
            out.put(HEADER_BYTES + 13, (byte) held.type().wire());
            return out.array();
        }

        /// Reads what [#toBytes] wrote, from position to limit.
        ///
        /// @throws ScsiFormatException when it is cut short, or the type is none
        public static Reservation read(ByteBuffer in) {
            int at = in.position();
            if (end(in, HEADER_BYTES) < HEADER_BYTES + HOLDER_BYTES) {
                return new Reservation(in.getInt(at), null);
            }
            return new Reservation(
                    in.getInt(at),
                    new Holder(in.getLong(at + HEADER_BYTES), type(in.get(at + HEADER_BYTES + 13) & 0x0f)));
        }
    }

    /// Key and type of a reservation. With the types "all registrants" the key is 0.
    record Holder(long key, ReservationType type) {}

    /// What the unit can do.
    ///
    /// @param compatible CRH: legacy RESERVE and RELEASE are told apart
    /// @param specifyPorts SIP_C: SPEC_I_PT is known
    /// @param allPorts ATP_C: ALL_TG_PT is known
    /// @param survivesCapable PTPL_C: APTPL is known
    /// @param survivesActive PTPL_A: the last registration asked for it
    record Capabilities(
            boolean compatible,
            boolean specifyPorts,
            boolean allPorts,
            boolean survivesCapable,
            boolean survivesActive,
            Set<ReservationType> types)
            implements ReserveInData {
        private static final int BYTES = 8;
        private static final int TYPES_VALID = 0x80;

        public Capabilities {
            types = Set.copyOf(types);
        }

        @Override
        public byte[] toBytes() {
            int mask = 0;
            for (ReservationType type : types) {
                mask |= bit(type);
            }
            return ByteBuffer.allocate(BYTES)
                    .putShort((short) BYTES)
                    .put((byte) ((compatible ? 0x10 : 0)
                            | (specifyPorts ? 0x08 : 0)
                            | (allPorts ? 0x04 : 0)
                            | (survivesCapable ? 0x01 : 0)))
                    .put((byte) (TYPES_VALID | (survivesActive ? 0x01 : 0)))
                    .putShort((short) mask)
                    .array();
        }

        /// Reads what [#toBytes] wrote, from position to limit.
        ///
        /// @throws ScsiFormatException when it is cut short
        public static Capabilities read(ByteBuffer in) {
            int at = in.position();
            if (in.remaining() < BYTES) {
                throw new ScsiFormatException("REPORT CAPABILITIES answered " + in.remaining() + " bytes");
            }
            int can = in.get(at + 2);
            int mask = in.getShort(at + 4);
            var types = EnumSet.noneOf(ReservationType.class);
            for (ReservationType type : ReservationType.values()) {
                if ((mask & bit(type)) != 0) {
                    types.add(type);
                }
            }
            return new Capabilities(
                    (can & 0x10) != 0,
                    (can & 0x08) != 0,
                    (can & 0x04) != 0,
                    (can & 0x01) != 0,
                    (in.get(at + 3) & 0x01) != 0,
                    types);
        }

        /// Byte 4 has types 7, 6, 5, 3 and 1 from its top, each at its own number; byte 5 has type 8 at the
        /// bottom.
        private static int bit(ReservationType type) {
            return switch (type) {
                case WRITE_EXCLUSIVE -> 0x0200;
                case EXCLUSIVE_ACCESS -> 0x0800;
                case WRITE_EXCLUSIVE_REGISTRANTS_ONLY -> 0x2000;
                case EXCLUSIVE_ACCESS_REGISTRANTS_ONLY -> 0x4000;
                case WRITE_EXCLUSIVE_ALL_REGISTRANTS -> 0x8000;
                case EXCLUSIVE_ACCESS_ALL_REGISTRANTS -> 0x0001;
            };
        }
    }

    /// Every registration with the initiator port that made it.
    record FullStatus(int generation, List<Registration> registrations) implements ReserveInData {
        private static final int HEADER_BYTES = 8;
        private static final int ENTRY_BYTES = 24;
        private static final int ALL_TG_PT = 0x02;
        private static final int R_HOLDER = 0x01;

        public FullStatus {
            registrations = List.copyOf(registrations);
        }

        @Override
        public byte[] toBytes() {
            var body = new ByteArrayOutputStream();
            for (Registration registration : registrations) {
                byte[] transportId = registration.port().toBytes();
                ReservationType held = registration.holds();
                body.writeBytes(ByteBuffer.allocate(ENTRY_BYTES)
                        .putLong(registration.key())
                        .putInt(0)
                        .put((byte) ((registration.allTargetPorts() ? ALL_TG_PT : 0) | (held == null ? 0 : R_HOLDER)))
                        .put((byte) (held == null ? 0 : held.wire()))
                        .putInt(0)
                        .putShort((short) registration.relativePort())
                        .putInt(transportId.length)
                        .array());
                body.writeBytes(transportId);
            }
            return ByteBuffer.allocate(HEADER_BYTES + body.size())
                    .putInt(generation)
                    .putInt(body.size())
                    .put(body.toByteArray())
                    .array();
        }

        /// Reads what [#toBytes] wrote, from position to limit.
        ///
        /// @throws ScsiFormatException when not even the header is there, or a type is none
        /// @throws ScsiException for an initiator port that is none
        public static FullStatus read(ByteBuffer in) {
            int at = in.position();
            int end = (int) Math.min(Integer.MAX_VALUE, end(in, HEADER_BYTES));
            ByteBuffer entries = in.slice(at + HEADER_BYTES, Math.max(0, end - HEADER_BYTES));
            var registrations = new ArrayList<Registration>();
            while (entries.remaining() >= ENTRY_BYTES) {
                int entryAt = entries.position();
                int portBytes = entries.getInt(entryAt + 20);
                if (portBytes < 0 || portBytes > entries.remaining() - ENTRY_BYTES) {
                    break; // cut off by the allocation length
                }
                int flags = entries.get(entryAt + 12);
                boolean holds = (flags & R_HOLDER) != 0;
                registrations.add(new Registration(
                        entries.getLong(entryAt),
                        (flags & ALL_TG_PT) != 0,
                        holds ? type(entries.get(entryAt + 13) & 0x0f) : null,
                        entries.getShort(entryAt + 18) & 0xffff,
                        TransportId.take(entries.slice(entryAt + ENTRY_BYTES, portBytes))));
                entries.position(entryAt + ENTRY_BYTES + portBytes);
            }
            return new FullStatus(in.getInt(at), registrations);
        }
    }

    /// One registration.
    ///
    /// @param holds the type of the reservation, if this one holds it
    record Registration(
            long key, boolean allTargetPorts, @Nullable ReservationType holds, int relativePort, TransportId port) {}

    /// Index behind what the header announces, or behind what is there if that is less.
    private static long end(ByteBuffer in, int headerBytes) {
        if (in.remaining() < headerBytes) {
            throw new ScsiFormatException("PERSISTENT RESERVE IN answered " + in.remaining() + " bytes");
        }
        return Math.min(in.remaining(), headerBytes + (in.getInt(in.position() + 4) & 0xffff_ffffL));
    }

    private static ReservationType type(int wire) {
        try {
            return ReservationType.fromWire(wire);
        } catch (ScsiException e) {
            throw new ScsiFormatException("reservation type " + wire);
        }
    }
}
