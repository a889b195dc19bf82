package pnfs.ds.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.ds.fault.FaultRule.Blocks;
import pnfs.ds.fault.FaultScript.Command;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

class FaultScriptTest {
    private static final String PORT = "iqn.2026-01.test:host,i,0x00023d000001";
    private static final Command READ = new Command("read", 0, 8, 8, PORT);
    private static final Fault DROP = new Fault.Drop();

    private final FaultScript script = new FaultScript(() -> {});

    private List<Integer> struckAmong(int commands) {
        var struck = new ArrayList<Integer>();
        for (int i = 1; i <= commands; i++) {
            if (script.strike(READ) != null) {
                struck.add(i);
            }
        }
        return struck;
    }

    @Test
    void without_a_rule_nothing_is_armed() {
        assertThat(script.isArmed()).isFalse();

        int id = script.add(FaultRule.of(DROP));
        assertThat(script.isArmed()).isTrue();

        assertThat(script.remove(id)).isTrue();
        assertThat(script.remove(id)).isFalse();
        assertThat(script.isArmed()).isFalse();
    }

    @Test
    void each_so_manieth_command_is_struck_and_no_more_often_than_it_may_be() {
        script.add(FaultRule.of(DROP).every(3).times(2));

        assertThat(struckAmong(20)).containsExactly(3, 6);
        assertThat(script.reports())
                .containsExactly(
                        new FaultScript.Report(1, FaultRule.of(DROP).every(3).times(2), 20, 2));
    }

    @Test
    void the_same_seed_strikes_the_same_commands_again() {
        script.add(FaultRule.of(DROP).probability(0.25, 7));
        List<Integer> first = struckAmong(400);
        script.clear();
        script.add(FaultRule.of(DROP).probability(0.25, 7));
        List<Integer> again = struckAmong(400);
        script.clear();
        script.add(FaultRule.of(DROP).probability(0.25, 8));

        assertThat(again).isEqualTo(first).hasSizeBetween(70, 130);
        assertThat(struckAmong(400)).isNotEqualTo(first);
    }

    @Test
    void the_first_rule_that_strikes_counts() {
        script.add(FaultRule.of(DROP).every(2));
        script.add(FaultRule.of(new Fault.Reset()));

        assertThat(script.strike(READ)).isEqualTo(new Fault.Reset());
        assertThat(script.strike(READ)).isEqualTo(DROP);
        assertThat(script.reports()).extracting(FaultScript.Report::seen).containsExactly(2L, 1L);
    }

    @Test
    void each_torn_write_is_torn_in_a_way_of_its_own() {
        script.add(FaultRule.of(new Fault.TornWrite(Fault.Survivors.SUBSET, 0)));

        assertThat(script.strike(READ)).isNotEqualTo(script.strike(READ));
    }

    @ParameterizedTest
    @CsvSource({
        "read, 0, 8, 8, true",
        "write, 0, 8, 8, false",
        "read, 1, 8, 8, false",
        "read, 0, 16, 1, false",
        "read, 0, 15, 1, true",
        "read, 0, 0, 4, false",
        "read, 0, 0, 5, true",
        "read, 0, 0, 9223372036854775807, true",
        "read, 0, 9223372036854775807, 8, false",
        "read, 0, -1, 8, false",
        "read, 0, 8, 0, false"
    })
    void a_rule_strikes_what_it_names_and_nothing_else(String name, int lun, long first, long blocks, boolean strikes) {
        script.add(FaultRule.of(DROP)
                .command("read")
                .lun(0)
                .blocks(new Blocks(4, 15))
                .initiator("iqn.2026-01.test:host"));

        assertThat(script.strike(new Command(name, lun, first, blocks, PORT)) != null)
                .isEqualTo(strikes);
        assertThat(script.strike(new Command(name, lun, first, blocks, "iqn.2026-01.test:host2,i,0x1")))
                .isNull();
    }

    @Test
    void there_is_a_limit_to_how_many_rules_there_are() {
        for (int i = 0; i < FaultScript.MAX_RULES; i++) {
            assertThat(script.add(FaultRule.of(DROP))).isEqualTo(i + 1);
        }

        assertThat(script.add(FaultRule.of(DROP))).isZero();
        assertThat(script.clear()).isEqualTo(FaultScript.MAX_RULES);
    }

    @Test
    void what_makes_no_sense_is_no_rule() {
        assertThatThrownBy(() -> new Fault.Delay(Duration.ofHours(2))).hasMessageContaining("at most");
        assertThatThrownBy(() -> new Fault.Fail(ScsiStatus.GOOD, Sense.NONE)).hasMessageContaining("no failure");
        assertThatThrownBy(() -> new Fault.Fail(ScsiStatus.BUSY, Sense.WRITE_ERROR))
                .hasMessageContaining("CHECK CONDITION");
        assertThatThrownBy(() -> FaultRule.of(DROP).probability(Double.NaN, 0)).hasMessageContaining("probability");
        assertThatThrownBy(() -> FaultRule.of(DROP).every(0)).hasMessageContaining("every");
        assertThatThrownBy(() -> new Blocks(3, 2)).hasMessageContaining("blocks");
    }
}
