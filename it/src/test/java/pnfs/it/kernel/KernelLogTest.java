package pnfs.it.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Lines as Linux 6.1 and 6.12 printed them.
class KernelLogTest {
    private static final String FELL_BACK =
            "[    5.410000] pNFS: failed to open device /dev/disk/by-id/wwn-0x602706e626884deea5f07e83ac11e582 (-2)";
    private static final String DEFECT =
            "[   25.950000] WARNING: CPU: 0 PID: 823 at kernel/module/main.c:844 module_put+0x45/0x48";
    private static final String LOST = "[   61.030000]  connection1:0: detected conn error (1020)";

    private static final String FIRST = "[    7.820000] pNFS: using block device sda (reservation key 0x100000002)";
    private static final String SECOND = "[    8.620000] pNFS: using block device sdb (reservation key 0x100000002)";
    private static final String CONFLICT = "[   59.040000] sd 0:0:0:0: reservation conflict";
    private static final String NOT_UNREGISTERED = "[   59.040000] failed to unregister PR key.";

    @TempDir
    Path folder;

    @Test
    void what_a_kernel_says_of_trouble_is_found() throws IOException {
        assertThat(trouble(List.of())).containsExactly(FELL_BACK, DEFECT, LOST);
    }

    @Test
    void what_a_scenario_causes_on_purpose_is_no_trouble() throws IOException {
        assertThat(trouble(List.of(Pattern.compile("detected conn error")))).containsExactly(FELL_BACK, DEFECT);
    }

    @Test
    void a_key_registered_twice_by_a_race_may_be_missing_at_the_unmount() throws IOException {
        assertThat(KernelLog.trouble(log(FIRST, FIRST, SECOND, CONFLICT, NOT_UNREGISTERED), List.of()))
                .isEmpty();
    }

    @Test
    void a_key_that_is_missing_for_no_known_reason_is_trouble() throws IOException {
        assertThat(KernelLog.trouble(log(FIRST, SECOND, CONFLICT, NOT_UNREGISTERED), List.of()))
                .containsExactly(CONFLICT, NOT_UNREGISTERED);
    }

    @Test
    void a_conflict_of_reading_or_writing_is_trouble_even_after_that_race() throws IOException {
        assertThat(KernelLog.trouble(log(FIRST, FIRST, CONFLICT, CONFLICT, NOT_UNREGISTERED), List.of()))
                .containsExactly(CONFLICT);
    }

    @Test
    void a_key_that_a_fence_has_taken_may_be_missing_but_no_read_or_write_may_meet_a_conflict() throws IOException {
        String refused = "[   48.100000] critical nexus error, dev sdb, sector 6152 op 0x1:(WRITE) flags 0x0";
        String refusedLater =
                "[   48.100000] reservation conflict error, dev sdb, sector 6152 op 0x1:(WRITE) flags 0x0";

        assertThat(KernelLog.trouble(
                        log(FIRST, CONFLICT, NOT_UNREGISTERED, CONFLICT, refused, CONFLICT, refusedLater),
                        List.of(Pattern.compile(Scenario.KEY_IS_GONE))))
                .containsExactly(refused, refusedLater);
    }

    private Path log(String... lines) throws IOException {
        return Files.write(folder.resolve("dmesg"), List.of(lines));
    }

    private List<String> trouble(List<Pattern> expected) throws IOException {
        Path dmesg = Files.write(
                folder.resolve("dmesg"),
                List.of(
                        "[    0.000000] calibrate_delay_direct() failed to get a good estimate for loops_per_jiffy.",
                        "[    4.620000] nfs4flexfilelayout_init: NFSv4 Flexfile Layout Driver Registering...",
                        FELL_BACK,
                        "[    5.500000] sd 0:0:0:0: [sda] Attached SCSI disk",
                        DEFECT,
                        "[   15.230000] pNFS: failed to open device"
                                + " /dev/disk/by-id/dm-uuid-mpath-0x602706eff2b9452fa1841e74f87fb2a4 (-2)",
                        "[   16.820000] pNFS: using block device sda",
                        LOST));
        return KernelLog.trouble(dmesg, expected);
    }
}
