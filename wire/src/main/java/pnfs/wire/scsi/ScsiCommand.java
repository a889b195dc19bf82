package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// Commands that ask or arrange rather than move blocks: control path, immutable, a record each (SPC-4 §6, SBC-3
/// §5). READ, WRITE and their kin are views of [Cdb] and come out of [#read] as [Unsupported].
///
/// Allocation lengths say how much of an answer the initiator takes; those over 2^31-1 count as 2^31-1.
public sealed interface ScsiCommand {
    /// Writes the CDB over the 16 bytes at `at`.
    void put(ByteBuffer cdb, int at);

    /// Most bytes of data that the answer may have; 0 for commands that have none.
    int allocationBytes();

    /// Which of the two sizes a mode command has, and so which header its parameter list has.
    enum ModeForm {
        SIX,
        TEN
    }

    /// Service actions of PERSISTENT RESERVE IN.
    enum ReserveInAction {
        READ_KEYS(0),
        READ_RESERVATION(1),
        REPORT_CAPABILITIES(2),
        READ_FULL_STATUS(3);

        private final int wire;

        ReserveInAction(int wire) {
            this.wire = wire;
        }

        /// Its number in the CDB.
        public int wire() {
            return wire;
        }
    }

    /// Service actions of PERSISTENT RESERVE OUT.
    enum ReserveOutAction {
        REGISTER(0),
        RESERVE(1),
        RELEASE(2),
        CLEAR(3),
        PREEMPT(4),
        PREEMPT_AND_ABORT(5),
        REGISTER_AND_IGNORE_EXISTING_KEY(6),
        REGISTER_AND_MOVE(7);

        private final int wire;

        ReserveOutAction(int wire) {
            this.wire = wire;
        }

        /// Its number in the CDB.
        public int wire() {
            return wire;
        }
    }

    record TestUnitReady() implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.TEST_UNIT_READY);
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    record RequestSense(boolean descriptors, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.REQUEST_SENSE);
            cdb.put(at + 1, flag(descriptors, 0x01));
            cdb.put(at + 4, (byte) allocationBytes);
        }
    }

    /// Standard inquiry data, or with `vital` the vital product data `page`.
    record Inquiry(boolean vital, int page, int allocationBytes) implements ScsiCommand {
        public static Inquiry standard(int allocationBytes) {
            return new Inquiry(false, 0, allocationBytes);
        }

        public static Inquiry page(int page, int allocationBytes) {
            return new Inquiry(true, page, allocationBytes);
        }

        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.INQUIRY);
            cdb.put(at + 1, flag(vital, 0x01));
            cdb.put(at + 2, (byte) page);
            cdb.putShort(at + 3, (short) allocationBytes);
        }
    }

    /// Asks for mode pages.
    ///
    /// @param pageControl 0 current, 1 changeable, 2 default, 3 saved values
    record ModeSense(
            ModeForm form, boolean withoutBlockDescriptors, int pageControl, int page, int subpage, int allocationBytes)
            implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, form == ModeForm.SIX ? ScsiOpcode.MODE_SENSE_6 : ScsiOpcode.MODE_SENSE_10);
            cdb.put(at + 1, flag(withoutBlockDescriptors, 0x08));
            cdb.put(at + 2, (byte) ((pageControl << 6) | page));
            cdb.put(at + 3, (byte) subpage);
            switch (form) {
                case SIX -> cdb.put(at + 4, (byte) allocationBytes);
                case TEN -> cdb.putShort(at + 7, (short) allocationBytes);
            }
        }
    }

    record ModeSelect(ModeForm form, boolean pageFormat, boolean save, int parameterBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, form == ModeForm.SIX ? ScsiOpcode.MODE_SELECT_6 : ScsiOpcode.MODE_SELECT_10);
            cdb.put(at + 1, (byte) (flag(pageFormat, 0x10) | flag(save, 0x01)));
            switch (form) {
                case SIX -> cdb.put(at + 4, (byte) parameterBytes);
                case TEN -> cdb.putShort(at + 7, (short) parameterBytes);
            }
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    /// Starts, stops or idles the unit.
    ///
    /// @param powerCondition 0 to use `start`, else the condition to go to
    record StartStopUnit(boolean immediate, int powerCondition, boolean start) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.START_STOP_UNIT);
            cdb.put(at + 1, flag(immediate, 0x01));
            cdb.put(at + 4, (byte) ((powerCondition << 4) | flag(start, 0x01)));
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    record ReadCapacity10() implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.READ_CAPACITY_10);
        }

        @Override
        public int allocationBytes() {
            return Capacity.SHORT_BYTES;
        }
    }

    record ReadCapacity16(int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.SERVICE_ACTION_IN_16);
            cdb.put(at + 1, (byte) ScsiOpcode.READ_CAPACITY_16);
            cdb.putInt(at + 10, allocationBytes);
        }
    }

    /// Asks which blocks are mapped.
    ///
    /// @param firstBlock negative if it is over 2^63-1: a block that no unit has
    record GetLbaStatus(long firstBlock, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.SERVICE_ACTION_IN_16);
            cdb.put(at + 1, (byte) ScsiOpcode.GET_LBA_STATUS);
            cdb.putLong(at + 2, firstBlock);
            cdb.putInt(at + 10, allocationBytes);
        }
    }

    /// Asks which units the target has.
    ///
    /// @param select 0 all but well-known units, 1 well-known ones only, 2 all
    record ReportLuns(int select, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.REPORT_LUNS);
            cdb.put(at + 2, (byte) select);
            cdb.putInt(at + 6, allocationBytes);
        }
    }

    /// Asks which commands the unit knows.
    ///
    /// @param options 0 all, 1 `opcode` alone, 2 `opcode` with `serviceAction`, 3 either
    record ReportSupportedOpcodes(boolean timeouts, int options, int opcode, int serviceAction, int allocationBytes)
            implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.MAINTENANCE_IN);
            cdb.put(at + 1, (byte) ScsiOpcode.REPORT_SUPPORTED_OPCODES);
            cdb.put(at + 2, (byte) (flag(timeouts, 0x80) | options));
            cdb.put(at + 3, (byte) opcode);
            cdb.putShort(at + 4, (short) serviceAction);
            cdb.putInt(at + 6, allocationBytes);
        }
    }

    record ReportSupportedTaskFunctions(boolean extended, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.MAINTENANCE_IN);
            cdb.put(at + 1, (byte) ScsiOpcode.REPORT_SUPPORTED_TASK_FUNCTIONS);
            cdb.put(at + 2, flag(extended, 0x80));
            cdb.putInt(at + 6, allocationBytes);
        }
    }

    record ReportTargetPortGroups(boolean extendedHeader, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.MAINTENANCE_IN);
            cdb.put(at + 1, (byte) (flag(extendedHeader, 0x20) | ScsiOpcode.REPORT_TARGET_PORT_GROUPS));
            cdb.putInt(at + 6, allocationBytes);
        }
    }

    record PersistentReserveIn(ReserveInAction action, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.PERSISTENT_RESERVE_IN);
            cdb.put(at + 1, (byte) action.wire());
            cdb.putShort(at + 7, (short) allocationBytes);
        }
    }

    /// The parameter list that follows is [ReserveOutParameters].
    ///
    /// @param scope 0 the logical unit, the only one there is
    /// @param type as [ReservationType] has it; REGISTER and CLEAR do not look at it, so any number may stand
    ///     there
    record PersistentReserveOut(ReserveOutAction action, int scope, int type, int parameterBytes)
            implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.PERSISTENT_RESERVE_OUT);
            cdb.put(at + 1, (byte) action.wire());
            cdb.put(at + 2, (byte) ((scope << 4) | type));
            cdb.putInt(at + 5, parameterBytes);
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    /// RESERVE and RELEASE of SPC-2, before there were persistent reservations.
    record LegacyReservation(int opcode) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, opcode);
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    /// The parameter list that follows is [UnmapRange]s.
    record Unmap(boolean anchor, int parameterBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.UNMAP);
            cdb.put(at + 1, flag(anchor, 0x01));
            cdb.putShort(at + 7, (short) parameterBytes);
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    record LogSense(int pageControl, int page, int subpage, int allocationBytes) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, ScsiOpcode.LOG_SENSE);
            cdb.put(at + 2, (byte) ((pageControl << 6) | page));
            cdb.put(at + 3, (byte) subpage);
            cdb.putShort(at + 7, (short) allocationBytes);
        }
    }

    /// None of the above.
    record Unsupported(int opcode, int serviceAction) implements ScsiCommand {
        @Override
        public void put(ByteBuffer cdb, int at) {
            begin(cdb, at, opcode);
            cdb.put(at + 1, (byte) serviceAction);
        }

        @Override
        public int allocationBytes() {
            return 0;
        }
    }

    /// Reads the CDB in the 16 bytes at `at`.
    ///
    /// @throws ScsiException INVALID FIELD IN CDB for a service action of PERSISTENT RESERVE that does not exist
    static ScsiCommand read(ByteBuffer cdb, int at) {
        int opcode = Cdb.opcode(cdb, at);
        return switch (opcode) {
            case ScsiOpcode.TEST_UNIT_READY -> new TestUnitReady();
            case ScsiOpcode.REQUEST_SENSE -> new RequestSense(has(cdb, at + 1, 0x01), u8(cdb, at + 4));
            case ScsiOpcode.INQUIRY -> new Inquiry(has(cdb, at + 1, 0x01), u8(cdb, at + 2), u16(cdb, at + 3));
            case ScsiOpcode.MODE_SENSE_6 -> modeSense(ModeForm.SIX, cdb, at, u8(cdb, at + 4));
            case ScsiOpcode.MODE_SENSE_10 -> modeSense(ModeForm.TEN, cdb, at, u16(cdb, at + 7));
            case ScsiOpcode.MODE_SELECT_6 -> modeSelect(ModeForm.SIX, cdb, at, u8(cdb, at + 4));
            case ScsiOpcode.MODE_SELECT_10 -> modeSelect(ModeForm.TEN, cdb, at, u16(cdb, at + 7));
            case ScsiOpcode.START_STOP_UNIT ->
                new StartStopUnit(has(cdb, at + 1, 0x01), u8(cdb, at + 4) >> 4, has(cdb, at + 4, 0x01));
            case ScsiOpcode.READ_CAPACITY_10 -> new ReadCapacity10();
            case ScsiOpcode.SERVICE_ACTION_IN_16 ->
                switch (Cdb.serviceAction(cdb, at)) {
                    case ScsiOpcode.READ_CAPACITY_16 -> new ReadCapacity16(u31(cdb, at + 10));
                    case ScsiOpcode.GET_LBA_STATUS -> new GetLbaStatus(cdb.getLong(at + 2), u31(cdb, at + 10));
                    default -> unsupported(cdb, at);
                };
            case ScsiOpcode.REPORT_LUNS -> new ReportLuns(u8(cdb, at + 2), u31(cdb, at + 6));
            case ScsiOpcode.MAINTENANCE_IN ->
                switch (Cdb.serviceAction(cdb, at)) {
                    case ScsiOpcode.REPORT_SUPPORTED_OPCODES ->
                        new ReportSupportedOpcodes(
                                has(cdb, at + 2, 0x80),
                                u8(cdb, at + 2) & 0x07,
                                u8(cdb, at + 3),
                                u16(cdb, at + 4),
                                u31(cdb, at + 6));
                    case ScsiOpcode.REPORT_SUPPORTED_TASK_FUNCTIONS ->
                        new ReportSupportedTaskFunctions(has(cdb, at + 2, 0x80), u31(cdb, at + 6));
                    case ScsiOpcode.REPORT_TARGET_PORT_GROUPS ->
                        new ReportTargetPortGroups(has(cdb, at + 1, 0x20), u31(cdb, at + 6));
                    default -> unsupported(cdb, at);
                };
            case ScsiOpcode.PERSISTENT_RESERVE_IN -> new PersistentReserveIn(inAction(cdb, at), u16(cdb, at + 7));
            case ScsiOpcode.PERSISTENT_RESERVE_OUT ->
                new PersistentReserveOut(
                        outAction(cdb, at), u8(cdb, at + 2) >> 4, u8(cdb, at + 2) & 0x0f, u31(cdb, at + 5));
            case ScsiOpcode.RESERVE_6, ScsiOpcode.RELEASE_6, ScsiOpcode.RESERVE_10, ScsiOpcode.RELEASE_10 ->
                new LegacyReservation(opcode);
            case ScsiOpcode.UNMAP -> new Unmap(has(cdb, at + 1, 0x01), u16(cdb, at + 7));
            case ScsiOpcode.LOG_SENSE ->
                new LogSense(u8(cdb, at + 2) >> 6, u8(cdb, at + 2) & 0x3f, u8(cdb, at + 3), u16(cdb, at + 7));
            default -> unsupported(cdb, at);
        };
    }

    private static ScsiCommand modeSense(ModeForm form, ByteBuffer cdb, int at, int allocationBytes) {
        return new ModeSense(
                form,
                has(cdb, at + 1, 0x08),
                u8(cdb, at + 2) >> 6,
                u8(cdb, at + 2) & 0x3f,
                u8(cdb, at + 3),
                allocationBytes);
    }

    private static ScsiCommand modeSelect(ModeForm form, ByteBuffer cdb, int at, int parameterBytes) {
        return new ModeSelect(form, has(cdb, at + 1, 0x10), has(cdb, at + 1, 0x01), parameterBytes);
    }

    private static ReserveInAction inAction(ByteBuffer cdb, int at) {
        for (ReserveInAction action : ReserveInAction.values()) {
            if (action.wire() == Cdb.serviceAction(cdb, at)) {
                return action;
            }
        }
        throw ScsiException.check(Sense.INVALID_FIELD_IN_CDB);
    }

    private static ReserveOutAction outAction(ByteBuffer cdb, int at) {
        for (ReserveOutAction action : ReserveOutAction.values()) {
            if (action.wire() == Cdb.serviceAction(cdb, at)) {
                return action;
            }
        }
        throw ScsiException.check(Sense.INVALID_FIELD_IN_CDB);
    }

    private static ScsiCommand unsupported(ByteBuffer cdb, int at) {
        return new Unsupported(Cdb.opcode(cdb, at), Cdb.serviceAction(cdb, at));
    }

    private static void begin(ByteBuffer cdb, int at, int opcode) {
        cdb.putLong(at, (long) opcode << 56);
        cdb.putLong(at + 8, 0);
    }

    private static byte flag(boolean set, int bit) {
        return (byte) (set ? bit : 0);
    }

    private static boolean has(ByteBuffer cdb, int at, int bit) {
        return (cdb.get(at) & bit) != 0;
    }

    private static int u8(ByteBuffer cdb, int at) {
        return cdb.get(at) & 0xff;
    }

    private static int u16(ByteBuffer cdb, int at) {
        return cdb.getShort(at) & 0xffff;
    }

    private static int u31(ByteBuffer cdb, int at) {
        return (int) Math.min(cdb.getInt(at) & 0xffff_ffffL, Integer.MAX_VALUE);
    }
}
