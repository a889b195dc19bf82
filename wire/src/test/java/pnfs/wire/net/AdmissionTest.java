package pnfs.wire.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AdmissionTest {
    private final Admission admission = new Admission(16);

    @Test
    void clients_leave_an_eighth_to_our_own_servers_and_who_left_makes_room() {
        assertThat(IntStream.range(0, 20).filter(_ -> admission.client()).count())
                .isEqualTo(14);
        assertThat(admission.insider()).isTrue();
        assertThat(admission.insider()).isTrue();
        assertThat(admission.insider()).isFalse();

        admission.left();

        assertThat(admission.client()).as("the eighth is not for clients").isFalse();
        assertThat(admission.insider()).isTrue();
    }
}
