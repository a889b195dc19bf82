package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import pnfs.client.FileLayout.Access;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

class FileLayoutRecallTest {
    private static final ByteRange BLOCKS = ByteRange.ofLength(0, 4 * ByteRange.BLOCK_BYTES);
    private static final Opaque OTHER = Opaque.ofHex("0102030405060708090a0b0c");

    private final FileLayout layout = new FileLayout();

    @Test
    void a_recall_of_what_we_hold_is_accepted_and_under_way_until_the_return() {
        granted(3);

        assertThat(layout.recall(stateid(4))).isEqualTo(NfsStatus.OK);
        assertThat(layout.recall(stateid(5))).isEqualTo(NfsStatus.DELAY);
        layout.forget();
        layout.returned();
        assertThat(layout.recall(stateid(5))).isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
    }

    @Test
    void a_recall_that_overtook_an_answer_is_delayed_and_one_that_was_overtaken_is_old() {
        granted(3);

        assertThat(layout.recall(stateid(5))).isEqualTo(NfsStatus.DELAY);
        assertThat(layout.recall(stateid(3))).isEqualTo(NfsStatus.OLD_STATEID);
        assertThat(layout.recall(new Stateid(4, Opaque.ofHex("00".repeat(12))))).isEqualTo(NfsStatus.BAD_STATEID);
    }

    @Test
    void the_seqid_after_the_highest_is_one() {
        granted(0xffff_ffff);

        assertThat(layout.recall(stateid(1))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void there_is_no_matching_layout_only_once_no_answer_and_no_byte_is_under_way() throws IOException {
        assertThat(layout.ask()).isTrue();
        assertThat(layout.recall(stateid(2))).isEqualTo(NfsStatus.DELAY);
        layout.asked();

        try (var _ = layout.use()) {
            assertThat(layout.recall(stateid(2))).isEqualTo(NfsStatus.DELAY);
            assertThat(layout.recall()).isEqualTo(NfsStatus.DELAY);
        }
        assertThat(layout.recall(stateid(2))).isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
        assertThat(layout.recall()).isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
    }

    @Test
    void a_recall_of_everything_is_delayed_while_more_may_be_granted() {
        granted(1);
        assertThat(layout.ask()).isTrue();

        assertThat(layout.recall()).isEqualTo(NfsStatus.DELAY);
        layout.asked();
        assertThat(layout.recall()).isEqualTo(NfsStatus.OK);
        assertThat(layout.recall()).as("under way").isEqualTo(NfsStatus.DELAY);
    }

    @Test
    void a_return_waits_for_the_uses_before_it_and_holds_up_those_after_it() throws IOException {
        granted(1);
        FileLayout.Use before = layout.use();
        assertThat(layout.recall(stateid(2))).isEqualTo(NfsStatus.OK);
        assertThat(layout.ask()).isFalse();
        var unused = CompletableFuture.runAsync(layout::awaitUnused);
        var after = CompletableFuture.runAsync(() -> {
            try (var _ = layout.use()) {
                assertThat(layout.stateid()).isNull();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(unused).isNotDone();

        before.close();
        unused.join();
        assertThat(after).isNotDone();
        layout.forget();
        layout.returned();

        after.join();
    }

    private void granted(int seqid) {
        layout.granted(Access.WRITE, BLOCKS, List.of(), stateid(seqid));
    }

    private static Stateid stateid(int seqid) {
        return new Stateid(seqid, OTHER);
    }
}
