package pnfs.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RpcBenchTest {
    @Test
    void each_load_is_driven_and_weighed_in_a_server_process() throws Exception {
        var report = RpcBench.run(Duration.ofMillis(50), Duration.ofMillis(100));

        assertThat(report.loads()).hasSize(3).allSatisfy(load -> {
            assertThat(load.callsPerSecond()).isPositive();
            assertThat(load.loopMicros()).isPositive();
        });
        assertThat(report.loads())
                .as("ticks of 10 ms: none may fall into a short load")
                .anySatisfy(load -> assertThat(load.cpuMicros()).isPositive());
    }
}
