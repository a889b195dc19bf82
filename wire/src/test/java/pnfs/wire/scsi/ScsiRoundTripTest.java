package pnfs.wire.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.scsi.ScsiCommand.ModeForm;
import pnfs.wire.scsi.ScsiCommand.ReserveInAction;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.VpdPage.Designator;

class ScsiRoundTripTest {
    private static final int MAX = Integer.MAX_VALUE;

    @Seeds(200)
    void every_control_command_is_read_as_it_was_written(RandomGenerator random) {
        for (ScsiCommand command : commands(random)) {
            var cdb = ByteBuffer.allocate(40);
            random.ints(40).forEach(i -> cdb.put(i & 31, (byte) i)); // put must clear what was there before

            command.put(cdb, 7);

            assertThat(ScsiCommand.read(cdb, 7)).isEqualTo(command);
        }
    }

    @Test
    void a_generator_exists_for_every_control_command() {
        assertThat(classes(commands(new SplittableRandom(1)))).containsAll(permits(ScsiCommand.class));
    }

    private static List<ScsiCommand> commands(RandomGenerator random) {
        var six = ModeForm.SIX;
        var ten = ModeForm.TEN;
        return List.of(
                new ScsiCommand.TestUnitReady(),
                new ScsiCommand.RequestSense(random.nextBoolean(), random.nextInt(256)),
                new ScsiCommand.Inquiry(random.nextBoolean(), random.nextInt(256), random.nextInt(65536)),
                new ScsiCommand.ModeSense(
                        six, random.nextBoolean(), random.nextInt(4), random.nextInt(64), 0xff, random.nextInt(256)),
                new ScsiCommand.ModeSense(
                        ten, random.nextBoolean(), random.nextInt(4), random.nextInt(64), 0, random.nextInt(65536)),
                new ScsiCommand.ModeSelect(six, random.nextBoolean(), random.nextBoolean(), random.nextInt(256)),
                new ScsiCommand.ModeSelect(ten, random.nextBoolean(), random.nextBoolean(), random.nextInt(65536)),
                new ScsiCommand.StartStopUnit(random.nextBoolean(), random.nextInt(16), random.nextBoolean()),
                new ScsiCommand.ReadCapacity10(),
                new ScsiCommand.ReadCapacity16(random.nextInt(MAX)),
                new ScsiCommand.GetLbaStatus(random.nextLong(), random.nextInt(MAX)),
                new ScsiCommand.ReportLuns(random.nextInt(256), random.nextInt(MAX)),
                new ScsiCommand.ReportSupportedOpcodes(
                        random.nextBoolean(),
                        random.nextInt(8),
                        random.nextInt(256),
                        random.nextInt(65536),
                        random.nextInt(MAX)),
                new ScsiCommand.ReportSupportedTaskFunctions(random.nextBoolean(), random.nextInt(MAX)),
                new ScsiCommand.ReportTargetPortGroups(random.nextBoolean(), random.nextInt(MAX)),
                new ScsiCommand.PersistentReserveIn(any(ReserveInAction.values(), random), random.nextInt(65536)),
                new ScsiCommand.PersistentReserveOut(
                        any(ReserveOutAction.values(), random),
                        random.nextInt(16),
                        random.nextInt(16),
                        random.nextInt(MAX)),
                new ScsiCommand.LegacyReservation(ScsiOpcode.RELEASE_10),
                new ScsiCommand.Unmap(random.nextBoolean(), random.nextInt(65536)),
                new ScsiCommand.LogSense(
                        random.nextInt(4), random.nextInt(64), random.nextInt(256), random.nextInt(65536)),
                new ScsiCommand.Unsupported(0xc1, random.nextInt(32)));
    }

    @Test
    void a_service_action_that_does_not_exist_is_an_invalid_field() {
        for (int opcode : new int[] {ScsiOpcode.PERSISTENT_RESERVE_IN, ScsiOpcode.PERSISTENT_RESERVE_OUT}) {
            var cdb = ByteBuffer.allocate(16).put(0, (byte) opcode).put(1, (byte) 8);

            assertThatThrownBy(() -> ScsiCommand.read(cdb, 0))
                    .isInstanceOfSatisfying(
                            ScsiException.class, e -> assertThat(e.sense()).isEqualTo(Sense.INVALID_FIELD_IN_CDB));
        }
        var action = ByteBuffer.allocate(16)
                .put(0, (byte) ScsiOpcode.SERVICE_ACTION_IN_16)
                .put(1, (byte) 0x11);
        assertThat(ScsiCommand.read(action, 0)).isEqualTo(new ScsiCommand.Unsupported(0x9e, 0x11));
    }

    @Test
    void an_allocation_length_over_31_bits_counts_as_the_largest_int() {
        var cdb = ByteBuffer.allocate(16);
        new ScsiCommand.ReportLuns(0, -1).put(cdb, 0);

        assertThat(ScsiCommand.read(cdb, 0)).isEqualTo(new ScsiCommand.ReportLuns(0, MAX));
    }

    @Seeds(50)
    void block_commands_of_every_length_tell_first_block_and_count(RandomGenerator random) {
        long first = random.nextLong();
        int count = random.nextInt();
        var cdb = ByteBuffer.allocate(20);
        random.ints(20).forEach(i -> cdb.put(Math.floorMod(i, 20), (byte) i));

        Cdb.putRead16(cdb, 2, first, count);
        blocks(cdb, 2, ScsiOpcode.READ_16, first, count & 0xffff_ffffL);
        assertThat(Cdb.isForceUnitAccess(cdb, 2)).isFalse();
        assertThat(Cdb.protection(cdb, 2)).isZero();
        Cdb.putWrite16(cdb, 2, first, count);
        blocks(cdb, 2, ScsiOpcode.WRITE_16, first, count & 0xffff_ffffL);
        Cdb.putSynchronizeCache16(cdb, 2, first, count);
        blocks(cdb, 2, ScsiOpcode.SYNCHRONIZE_CACHE_16, first, count & 0xffff_ffffL);
        Cdb.putWriteZeros16(cdb, 2, first, count);
        blocks(cdb, 2, ScsiOpcode.WRITE_SAME_16, first, count & 0xffff_ffffL);
        assertThat(Cdb.isWithoutData(cdb, 2)).isTrue();
        assertThat(Cdb.isUnmap(cdb, 2)).isFalse();

        cdb.put(2, (byte) ScsiOpcode.COMPARE_AND_WRITE).put(2 + 13, (byte) 200);
        blocks(cdb, 2, ScsiOpcode.COMPARE_AND_WRITE, first, 200);
        cdb.put(2, (byte) ScsiOpcode.WRITE_10).putInt(4, (int) first).putShort(9, (short) count);
        blocks(cdb, 2, ScsiOpcode.WRITE_10, first & 0xffff_ffffL, count & 0xffff);
        cdb.put(2, (byte) ScsiOpcode.READ_12).putInt(8, count);
        blocks(cdb, 2, ScsiOpcode.READ_12, first & 0xffff_ffffL, count & 0xffff_ffffL);
        int first21 = (int) first & 0x1f_ffff;
        cdb.putInt(2, (ScsiOpcode.READ_6 << 24) | first21).put(6, (byte) 0);
        blocks(cdb, 2, ScsiOpcode.READ_6, first21, 256);
        cdb.put(6, (byte) 255);
        blocks(cdb, 2, ScsiOpcode.READ_6, first21, 255);
    }

    private static void blocks(ByteBuffer cdb, int at, int opcode, long first, long count) {
        assertThat(Cdb.opcode(cdb, at)).isEqualTo(opcode);
        assertThat(Cdb.firstBlock(cdb, at)).isEqualTo(first);
        assertThat(Cdb.blocks(cdb, at)).isEqualTo(count);
    }

    @Test
    void flags_of_block_commands_stand_where_SBC_puts_them() {
        var cdb = ByteBuffer.allocate(16).put(0, (byte) ScsiOpcode.WRITE_16).put(1, (byte) 0b0110_1000);
        assertThat(Cdb.isForceUnitAccess(cdb, 0)).isTrue();
        assertThat(Cdb.protection(cdb, 0)).isEqualTo(3);
        cdb.put(0, (byte) ScsiOpcode.WRITE_SAME_16).put(1, (byte) 0b0001_1000);
        assertThat(Cdb.isAnchor(cdb, 0)).isTrue();
        assertThat(Cdb.isUnmap(cdb, 0)).isTrue();
        assertThat(Cdb.isWithoutData(cdb, 0)).isFalse();
        cdb.put(0, (byte) ScsiOpcode.VERIFY_16).put(1, (byte) 0b0000_0110);
        assertThat(Cdb.byteCheck(cdb, 0)).isEqualTo(3);
        cdb.put(0, (byte) ScsiOpcode.SYNCHRONIZE_CACHE_10).put(1, (byte) 0b0000_0010);
        assertThat(Cdb.isImmediate(cdb, 0)).isTrue();
        cdb.put(0, (byte) ScsiOpcode.READ_6).put(1, (byte) 0xff);
        assertThat(Cdb.isForceUnitAccess(cdb, 0))
                .as("READ(6) has a block there")
                .isFalse();
        assertThat(Cdb.protection(cdb, 0)).isZero();
    }

    @Seeds(100)
    void sense_is_read_as_it_was_written_in_both_formats(RandomGenerator random) {
        long information = switch (random.nextInt(3)) {
            case 0 -> Sense.NO_INFORMATION;
            case 1 -> random.nextInt() & 0xffff_ffffL;
            default -> random.nextLong() >>> 1;
        };
        var sense = new Sense(random.nextInt(16), random.nextInt(256), random.nextInt(256), information);
        var out = ByteBuffer.allocate(64);
        random.ints(64).forEach(i -> out.put(i & 63, (byte) i));
        int at = random.nextInt(10);

        int bytes = sense.putDescriptors(out, at);
        assertThat(bytes).isLessThanOrEqualTo(Sense.MAX_DESCRIPTOR_BYTES);
        assertThat(Sense.read(out, at, bytes)).isEqualTo(sense);

        sense.putFixed(out, at);
        Sense expected = information >>> 32 == 0 ? sense : sense.withInformation(Sense.NO_INFORMATION);
        assertThat(Sense.read(out, at, Sense.FIXED_BYTES)).isEqualTo(expected);
    }

    @Seeds(100)
    void sense_of_any_bytes_is_read_without_harm(RandomGenerator random) {
        byte[] bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        if (bytes.length > 0) {
            bytes[0] = (byte) (0x70 + random.nextInt(5));
        }

        Sense sense = Sense.read(ByteBuffer.wrap(bytes), 0, bytes.length);

        assertThat(sense.key()).isBetween(0, 15);
        assertThat(sense.information()).isGreaterThanOrEqualTo(-1);
    }

    @Seeds(100)
    void every_VPD_page_is_read_as_it_was_written(RandomGenerator random) {
        List<VpdPage> pages = pages(random);
        assertThat(classes(pages)).containsAll(permits(VpdPage.class));
        for (VpdPage page : pages) {
            byte[] bytes = page.toBytes();

            assertThat(VpdPage.read(ByteBuffer.wrap(bytes))).isEqualTo(page);
            assertThat(bytes[1]).isEqualTo((byte) page.code());
            assertThat(ByteBuffer.wrap(bytes).getShort(2) & 0xffff).isEqualTo(bytes.length - 4);
            truncations(bytes, VpdPage::read);
        }
    }

    private static List<VpdPage> pages(RandomGenerator random) {
        byte[] naa = new byte[16];
        random.nextBytes(naa);
        return List.of(
                new VpdPage.SupportedPages(List.of(0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2)),
                new VpdPage.UnitSerial("serial-" + random.nextInt(1000)),
                new VpdPage.DeviceIdentification(List.of(
                        Designator.naa(naa),
                        Designator.t10("PNFS", "region-" + random.nextInt()),
                        Designator.relativePort(random.nextInt(65536)),
                        Designator.targetPortGroup(random.nextInt(65536)),
                        Designator.scsiName(Designator.TARGET_PORT, "iqn.2024-01.lab:lun,t,0x0001"))),
                new VpdPage.BlockLimits(
                        random.nextBoolean(),
                        random.nextInt(256),
                        random.nextInt(65536),
                        random.nextLong(1L << 32),
                        random.nextLong(1L << 32),
                        random.nextLong(1L << 32),
                        random.nextLong(1L << 32),
                        random.nextLong(1L << 32),
                        random.nextInt(-1, MAX),
                        random.nextLong() >>> 1,
                        random.nextLong(1L << 32)),
                new VpdPage.BlockCharacteristics(random.nextInt(65536), random.nextInt(16)),
                new VpdPage.Provisioning(
                        random.nextInt(256), VpdPage.Provisioning.UNMAP, random.nextInt(8), random.nextInt(3)));
    }

    private static List<Class<?>> classes(List<?> values) {
        return values.stream().<Class<?>>map(Object::getClass).toList();
    }

    private static List<Class<?>> permits(Class<?> sealed) {
        return List.of(sealed.getPermittedSubclasses());
    }

    @Test
    void designators_show_as_people_know_them() {
        assertThat(Designator.naa(new byte[] {0x60, 0x01}).toString()).isEqualTo("6001");
        assertThat(Designator.t10("LIO-ORG", "RAMDISK").toString()).isEqualTo("LIO-ORG RAMDISK");
        assertThat(Designator.scsiName(Designator.TARGET_PORT, "iqn.a:b,t,0x0001")
                        .toString())
                .isEqualTo("iqn.a:b,t,0x0001");
    }

    @Seeds(100)
    void capacities_inquiry_data_and_mode_pages_are_read_as_they_were_written(RandomGenerator random) {
        var capacity = new Capacity(
                random.nextLong(1, 1L << 50),
                512 << random.nextInt(4),
                random.nextInt(16),
                random.nextInt(1 << 14),
                random.nextBoolean(),
                random.nextBoolean());
        assertThat(Capacity.read(ByteBuffer.wrap(capacity.toBytes()))).isEqualTo(capacity);
        truncations(capacity.toBytes(), Capacity::read);

        var inquiry = new InquiryData(
                InquiryData.DISK,
                InquiryData.SPC_4,
                random.nextInt(4),
                "PNFS",
                "pmem region",
                "0.1",
                random.nextBoolean() ? List.of() : List.of(0x0960, 0x0460, 0x04c0));
        assertThat(InquiryData.read(ByteBuffer.wrap(inquiry.toBytes()))).isEqualTo(inquiry);
        truncations(inquiry.toBytes(), InquiryData::read);

        var mode = new ModeParameters(
                random.nextBoolean(),
                random.nextBoolean(),
                List.of(
                        new ModePage.Caching(random.nextBoolean(), random.nextBoolean()),
                        new ModePage.Control(
                                random.nextBoolean(), random.nextBoolean(), random.nextBoolean(), random.nextBoolean()),
                        new ModePage.Other(new byte[] {0x1c, 2, 3, 4}),
                        new ModePage.Other(new byte[] {0x4a, 1, 0, 2, 8, 9})));
        for (ModeForm form : ModeForm.values()) {
            byte[] bytes = mode.toBytes(form);
            assertThat(ModeParameters.read(form, ByteBuffer.wrap(bytes))).isEqualTo(mode);
            truncations(bytes, in -> ModeParameters.read(form, in));
        }
    }

    @Test
    void a_unit_too_large_for_READ_CAPACITY_10_says_so() {
        assertThat(Capacity.of(1L << 33, 512, 0).toShortBytes()).startsWith(-1, -1, -1, -1, 0, 0, 2, 0);
        assertThat(Capacity.of(1L << 32, 512, 0).toShortBytes()).startsWith(-1, -1, -1, -1);
        assertThat(Capacity.of(100, 4096, 0).toShortBytes()).containsExactly(0, 0, 0, 99, 0, 0, 0x10, 0);
    }

    @Test
    void a_capacity_that_no_unit_has_is_refused() {
        for (int blockBytes : new int[] {0, 1, 520, -4096}) {
            byte[] bytes =
                    ByteBuffer.allocate(32).putLong(99).putInt(blockBytes).array();
            assertThatThrownBy(() -> Capacity.read(ByteBuffer.wrap(bytes))).isInstanceOf(ScsiFormatException.class);
        }
        byte[] tooMany = ByteBuffer.allocate(32).putLong(-1).putInt(512).array();
        assertThatThrownBy(() -> Capacity.read(ByteBuffer.wrap(tooMany))).isInstanceOf(ScsiFormatException.class);
    }

    @Seeds(100)
    void luns_keep_their_number(RandomGenerator random) {
        int lun = random.nextInt(Lun.MAX + 1);
        assertThat(Lun.fromWire(Lun.toWire(lun))).isEqualTo(lun);
        assertThat(Lun.fromWire(Lun.toWire(lun) | 1)).as("second level").isEqualTo(-1);

        List<Integer> luns =
                random.ints(random.nextInt(5), 0, Lun.MAX + 1).boxed().toList();
        byte[] bytes = new LunList(luns).toBytes();
        assertThat(LunList.read(ByteBuffer.wrap(bytes))).isEqualTo(new LunList(luns));
        assertThat(LunList.bytesWanted(ByteBuffer.wrap(bytes, 0, 8))).isEqualTo(bytes.length);
        truncations(bytes, LunList::read);
    }

    @Test
    void lun_5_is_in_peripheral_form_and_lun_300_in_flat_form() {
        assertThat(Lun.toWire(5)).isEqualTo(0x0005_0000_0000_0000L);
        assertThat(Lun.toWire(300)).isEqualTo(0x412c_0000_0000_0000L);
        assertThat(Lun.fromWire(0xc101_0000_0000_0000L)).as("well-known unit").isEqualTo(-1);
    }

    @Seeds(100)
    void lists_of_opcodes_unmaps_and_states_are_read_as_they_were_written(RandomGenerator random) {
        var opcodes = IntStream.range(0, random.nextInt(5))
                .mapToObj(i -> new SupportedOpcodes.Command(random.nextInt(256), random.nextInt(-1, 32), 16))
                .toList();
        assertThat(SupportedOpcodes.readAll(
                        ByteBuffer.wrap(SupportedOpcodes.all(opcodes, SupportedOpcodes.Timeouts.TOLD))))
                .isEqualTo(opcodes);
        truncations(SupportedOpcodes.all(opcodes, SupportedOpcodes.Timeouts.TOLD), SupportedOpcodes::readAll);
        assertThat(SupportedOpcodes.isSupported(
                        ByteBuffer.wrap(SupportedOpcodes.one(null, SupportedOpcodes.Timeouts.TOLD))))
                .isFalse();

        var ranges = IntStream.range(0, random.nextInt(5))
                .mapToObj(i -> new UnmapRange(random.nextLong(), random.nextLong(1L << 32)))
                .toList();
        byte[] unmap = UnmapRange.toBytes(ranges);
        assertThat(UnmapRange.read(ByteBuffer.wrap(unmap), 4)).isEqualTo(ranges);
        truncations(unmap, in -> UnmapRange.read(in, 4));

        var states = IntStream.range(0, random.nextInt(5))
                .mapToObj(i -> new LbaStatus(random.nextLong(), random.nextLong(1L << 32), random.nextInt(3)))
                .toList();
        assertThat(LbaStatus.read(ByteBuffer.wrap(LbaStatus.toBytes(states)))).isEqualTo(states);
        truncations(LbaStatus.toBytes(states), LbaStatus::read);
    }

    @Test
    void an_unmap_list_with_too_many_ranges_or_a_wrong_length_is_refused() {
        byte[] five = UnmapRange.toBytes(Collections.nCopies(5, new UnmapRange(1, 1)));

        refused(Sense.INVALID_FIELD_IN_PARAMETER_LIST, () -> UnmapRange.read(ByteBuffer.wrap(five), 4));
        refused(Sense.PARAMETER_LIST_LENGTH_ERROR, () -> UnmapRange.read(ByteBuffer.wrap(five, 0, 80), 8));
        refused(Sense.PARAMETER_LIST_LENGTH_ERROR, () -> UnmapRange.read(ByteBuffer.wrap(five, 0, 7), 8));
        assertThat(UnmapRange.read(ByteBuffer.allocate(0), 4)).isEmpty();
    }

    @Seeds(100)
    void reservation_data_is_read_as_it_was_written(RandomGenerator random) {
        var ports = new ArrayList<TransportId>();
        for (int i = random.nextInt(4); i > 0; i--) {
            ports.add(transportId(random));
        }
        var out = new ReserveOutParameters(
                random.nextLong(), random.nextLong(), random.nextBoolean(), random.nextBoolean(), ports);
        assertThat(ReserveOutParameters.read(ByteBuffer.wrap(out.toBytes()))).isEqualTo(out);
        truncations(out.toBytes(), ReserveOutParameters::read);

        var move = new RegisterAndMoveParameters(
                random.nextLong(),
                random.nextLong(),
                random.nextBoolean(),
                random.nextBoolean(),
                random.nextInt(65536),
                transportId(random));
        assertThat(RegisterAndMoveParameters.read(ByteBuffer.wrap(move.toBytes())))
                .isEqualTo(move);
        truncations(move.toBytes(), RegisterAndMoveParameters::read);

        var keys = new ReserveInData.Keys(
                random.nextInt(), random.longs(random.nextInt(5)).boxed().toList());
        assertThat(ReserveInData.Keys.read(ByteBuffer.wrap(keys.toBytes()))).isEqualTo(keys);
        truncations(keys.toBytes(), ReserveInData.Keys::read);

        var type = any(ReservationType.values(), random);
        var reservation = new ReserveInData.Reservation(
                random.nextInt(), random.nextBoolean() ? null : new ReserveInData.Holder(random.nextLong(), type));
        assertThat(ReserveInData.Reservation.read(ByteBuffer.wrap(reservation.toBytes())))
                .isEqualTo(reservation);
        truncations(reservation.toBytes(), ReserveInData.Reservation::read);

        var can = new ReserveInData.Capabilities(
                random.nextBoolean(),
                random.nextBoolean(),
                random.nextBoolean(),
                random.nextBoolean(),
                random.nextBoolean(),
                EnumSet.of(type, any(ReservationType.values(), random)));
        assertThat(ReserveInData.Capabilities.read(ByteBuffer.wrap(can.toBytes())))
                .isEqualTo(can);
        truncations(can.toBytes(), ReserveInData.Capabilities::read);

        var registrations = ports.stream()
                .map(port -> new ReserveInData.Registration(
                        random.nextLong(),
                        random.nextBoolean(),
                        random.nextBoolean() ? null : type,
                        random.nextInt(65536),
                        port))
                .toList();
        var status = new ReserveInData.FullStatus(random.nextInt(), registrations);
        assertThat(ReserveInData.FullStatus.read(ByteBuffer.wrap(status.toBytes())))
                .isEqualTo(status);
        truncations(status.toBytes(), ReserveInData.FullStatus::read);
    }

    @Test
    void all_types_of_reservation_have_the_bits_of_SPC() {
        var all = new ReserveInData.Capabilities(true, true, true, true, true, EnumSet.allOf(ReservationType.class));

        assertThat(HexFormat.of().formatHex(all.toBytes())).isEqualTo("00081d81ea010000");
    }

    @Test
    void a_parameter_list_of_another_length_than_its_flags_say_is_refused() {
        byte[] plain = new ReserveOutParameters(1, 2, true).toBytes();

        refused(
                Sense.PARAMETER_LIST_LENGTH_ERROR,
                () -> ReserveOutParameters.read(ByteBuffer.wrap(Arrays.copyOf(plain, 28))));
        refused(Sense.PARAMETER_LIST_LENGTH_ERROR, () -> ReserveOutParameters.read(ByteBuffer.wrap(plain, 0, 23)));
    }

    @Test
    void an_iscsi_port_is_written_as_linux_does() {
        byte[] bytes = new TransportId("iqn.2024-01.lab:client", 0x00023d000002L).toBytes();

        assertThat(bytes).startsWith(0x45, 0, 0, 40);
        assertThat(new String(bytes, 4, 39, StandardCharsets.US_ASCII))
                .isEqualTo("iqn.2024-01.lab:client,i,0x00023d000002");
        assertThat(bytes).hasSize(44).endsWith(0);
    }

    private static TransportId transportId(RandomGenerator random) {
        return new TransportId(
                "iqn.2024-01.lab:" + "x".repeat(random.nextInt(20)),
                random.nextBoolean() ? TransportId.ANY_SESSION : random.nextLong() >>> 16);
    }

    private static <T> T any(T[] values, RandomGenerator random) {
        return values[random.nextInt(values.length)];
    }

    /// Every shorter form is read as far as it goes, or refused as what it is.
    private static void truncations(byte[] bytes, Function<ByteBuffer, ?> read) {
        for (int length = 0; length < bytes.length; length++) {
            try {
                assertThat(read.apply(ByteBuffer.wrap(bytes, 0, length).slice()))
                        .isNotNull();
            } catch (ScsiException | ScsiFormatException refused) {
                assertThat(refused.getStackTrace()).isEmpty();
            }
        }
    }

    private static void refused(Sense sense, Runnable read) {
        assertThatThrownBy(read::run)
                .isInstanceOfSatisfying(
                        ScsiException.class, e -> assertThat(e.sense()).isEqualTo(sense));
    }
}
