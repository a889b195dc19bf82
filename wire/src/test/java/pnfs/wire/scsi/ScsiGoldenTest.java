package pnfs.wire.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.wire.scsi.ScsiCommand.Inquiry;
import pnfs.wire.scsi.ScsiCommand.ModeForm;
import pnfs.wire.scsi.ScsiCommand.ModeSense;
import pnfs.wire.scsi.ScsiCommand.PersistentReserveOut;
import pnfs.wire.scsi.ScsiCommand.ReportSupportedOpcodes;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.VpdPage.BlockCharacteristics;
import pnfs.wire.scsi.VpdPage.BlockLimits;
import pnfs.wire.scsi.VpdPage.SupportedPages;

/// What Linux and libiscsi ask, and what LIO and tgt answer, byte for byte.
class ScsiGoldenTest {
    private static final List<GoldenCommand> LINUX = GoldenCommand.load("linux-lio.hex");
    private static final List<GoldenCommand> LIBISCSI = GoldenCommand.load("libiscsi-tgt.hex");

    static Stream<GoldenCommand> all() {
        return Stream.concat(LINUX.stream(), LIBISCSI.stream());
    }

    @ParameterizedTest
    @MethodSource("all")
    void a_CDB_is_written_again_as_it_was_read(GoldenCommand golden) {
        var again = ByteBuffer.allocate(Cdb.BYTES);

        switch (Cdb.opcode(ByteBuffer.wrap(golden.cdb()), 0)) {
            case ScsiOpcode.WRITE_10 -> {
                assertThat(Cdb.firstBlock(ByteBuffer.wrap(golden.cdb()), 0)).isEqualTo(0x148);
                assertThat(Cdb.blocks(ByteBuffer.wrap(golden.cdb()), 0)).isEqualTo(128);
                return;
            }
            default -> golden.command().put(again, 0);
        }

        assertThat(golden.command()).isNotInstanceOf(ScsiCommand.Unsupported.class);
        assertThat(again.array()).isEqualTo(golden.cdb());
    }

    @ParameterizedTest
    @MethodSource("all")
    void parameter_data_of_reservations_and_capacities_is_written_again_as_it_was_read(GoldenCommand golden) {
        if (!golden.isGood()) {
            return;
        }
        switch (golden.command()) {
            case ScsiCommand.ReadCapacity16 command ->
                assertThat(Capacity.read(golden.in()).toBytes()).isEqualTo(golden.dataIn());
            case ScsiCommand.ReportLuns command ->
                assertThat(LunList.read(golden.in()).toBytes()).isEqualTo(golden.dataIn());
            case ScsiCommand.PersistentReserveIn(var action, int bytes) -> {
                ReserveInData data = switch (action) {
                    case READ_KEYS -> ReserveInData.Keys.read(golden.in());
                    case READ_RESERVATION -> ReserveInData.Reservation.read(golden.in());
                    case REPORT_CAPABILITIES -> ReserveInData.Capabilities.read(golden.in());
                    case READ_FULL_STATUS -> ReserveInData.FullStatus.read(golden.in());
                };
                assertThat(data.toBytes()).isEqualTo(golden.dataIn());
            }
            case PersistentReserveOut command ->
                assertThat(ReserveOutParameters.read(ByteBuffer.wrap(golden.dataOut()))
                                .toBytes())
                        .isEqualTo(golden.dataOut());
            default -> {}
        }
    }

    @Test
    void linux_probes_a_disk_as_the_records_say() {
        assertThat(command(LINUX, "INQUIRY VPD page 0x83")).isEqualTo(Inquiry.page(0x83, 4));
        assertThat(command(LINUX, "MODE SENSE(6) page 0x3f"))
                .isEqualTo(new ModeSense(ModeForm.SIX, false, 0, ModePage.ALL, 0, 4));
        assertThat(command(LINUX, "MAINTENANCE IN sa 0x0c"))
                .isEqualTo(new ReportSupportedOpcodes(false, 1, ScsiOpcode.INQUIRY, 0, 10));
        assertThat(SupportedOpcodes.isSupported(
                        golden(LINUX, "MAINTENANCE IN sa 0x0c").in()))
                .isTrue();
        assertThat(SupportedOpcodes.one(new byte[] {0x12, 0x01, -1, -1, -1, 0}, SupportedOpcodes.Timeouts.LEFT_OUT))
                .isEqualTo(golden(LINUX, "MAINTENANCE IN sa 0x0c").dataIn());
        InquiryData lio = InquiryData.read(golden(LINUX, "INQUIRY").in());
        assertThat(lio).isEqualTo(new InquiryData(0, 6, 3, "LIO-ORG", "RAMDISK-MCP", "4.0", List.of()));
        assertThat(Capacity.read(golden(LINUX, "SERVICE ACTION IN(16) sa 0x10 READ CAPACITY(16)")
                        .in()))
                .isEqualTo(Capacity.of(655360, 512, 0));
    }

    @Test
    void linux_fences_with_preempt_and_abort() {
        GoldenCommand preempt = golden(LINUX, "PERSISTENT RESERVE OUT PREEMPT AND ABORT");

        assertThat(preempt.command())
                .isEqualTo(new PersistentReserveOut(
                        ReserveOutAction.PREEMPT_AND_ABORT,
                        0,
                        ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY.wire(),
                        24));
        assertThat(ReserveOutParameters.read(ByteBuffer.wrap(preempt.dataOut())))
                .isEqualTo(new ReserveOutParameters(0x0100000000000000L, 0x6b010401938f92b7L, false));
    }

    @Test
    void the_fenced_client_is_told_by_a_unit_attention() {
        GoldenCommand write = LINUX.stream()
                .filter(golden -> golden.status().equals("CHECK CONDITION"))
                .filter(golden -> golden.name().equals("WRITE(10)"))
                .findFirst()
                .orElseThrow();
        int bytes = write.in().getShort();

        Sense sense = Sense.read(write.in(), 2, bytes);

        assertThat(sense).isEqualTo(Sense.REGISTRATIONS_PREEMPTED);
        assertThat(sense.isUnitAttention()).isTrue();
    }

    @Test
    void pages_of_tgt_are_read_although_their_lengths_are_others_than_ours() {
        assertThat(pages(SupportedPages.class)).isEqualTo(List.of(0, 0x80, 0x83, 0xb0, 0xb1, 0xb2));
        assertThat(LIBISCSI.stream()
                        .filter(golden -> golden.command() instanceof Inquiry(boolean vital, int page, int b)
                                && vital
                                && page >= 0xb0)
                        .map(golden -> VpdPage.read(golden.in())))
                .contains(new BlockLimits(false, 128, 0, 0, 0, 0, 0, 0, -1, 0, 0), new BlockCharacteristics(0, 0));
        ModeParameters all = ModeParameters.read(
                ModeForm.SIX, golden(LIBISCSI, "MODE SENSE(6)").in());
        assertThat(all.writeProtected()).isFalse();
        assertThat(all.forceUnitAccess()).isTrue();
        assertThat(all.pages())
                .contains(new ModePage.Caching(true, false), new ModePage.Control(false, false, false, true));
        assertThat(InquiryData.read(golden(LIBISCSI, "INQUIRY").in()).versionDescriptors())
                .containsExactly(0x04c0, 0x0960, 0x0300);
    }

    private static List<Integer> pages(Class<SupportedPages> type) {
        return LIBISCSI.stream()
                .filter(golden -> golden.command().equals(Inquiry.page(0, 64)))
                .map(golden -> type.cast(VpdPage.read(golden.in())).codes())
                .findFirst()
                .orElseThrow();
    }

    private static ScsiCommand command(List<GoldenCommand> all, String name) {
        return golden(all, name).command();
    }

    private static GoldenCommand golden(List<GoldenCommand> all, String name) {
        return all.stream()
                .filter(golden -> golden.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
