package pnfs.ds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.agent.FaultWire;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultRule;

class FaultTextTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "delay=200ms",
                "drop",
                "fail=3/11/00",
                "fail=busy",
                "fail=conflict",
                "fail=full",
                "fail=aborted",
                "short=512",
                "reset",
                "torn=prefix",
                "torn=subset"
            })
    void a_fault_is_printed_as_it_was_written_after_it_went_through_the_protocol(String text) {
        FaultRule rule = FaultRule.of(new FaultText().convert(text));

        FaultRule received = FaultWire.rule(FaultWire.spec(rule));

        assertThat(received).isEqualTo(rule);
        assertThat(FaultText.of(received.fault())).isEqualTo(text);
    }

    @Test
    void conditions_are_printed_as_the_options_that_say_so() {
        FaultRule rule = FaultRule.of(new Fault.Drop())
                .command("read")
                .lun(1)
                .blocks(new FaultText.Blocks().convert("16-31"))
                .initiator("iqn.2026-01.test:host")
                .every(3)
                .probability(0.5, -7)
                .times(9);

        FaultRule received = FaultWire.rule(FaultWire.spec(rule));

        assertThat(received).isEqualTo(rule);
        assertThat(FaultText.conditions(received))
                .isEqualTo("--command read --lun 1 --blocks 16-31 --initiator iqn.2026-01.test:host --every 3"
                        + " --probability 0.5 --seed -7 --times 9");
        assertThat(FaultText.conditions(FaultRule.of(new Fault.Drop()))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "slow, no fault of that name",
        "delay=1h, no time",
        "delay=9999s, at most",
        "fail=9, no sense in hex",
        "fail=0/00/00, sense data goes with",
        "short=-1, no number of bytes",
        "torn, which cache lines",
        "drop=1, nothing stands behind it"
    })
    void what_is_no_fault_is_told_with_what_to_write(String text, String why) {
        assertThatThrownBy(() -> new FaultText().convert(text))
                .hasMessageContaining(why)
                .hasMessageContaining("fail=KEY/ASC/ASCQ");
    }
}
