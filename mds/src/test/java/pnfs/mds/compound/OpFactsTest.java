package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pnfs.wire.nfs4.OpCode;

class OpFactsTest {
    @Test
    void every_operation_has_a_row_and_only_illegal_has_none() {
        for (OpCode op : OpCode.values()) {
            assertThat(OpFacts.of(op).isPresent()).as(op.name()).isEqualTo(op != OpCode.ILLEGAL);
        }
    }
}
