package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import pnfs.client.FileLayout.Access;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Recalls of two files in one file system and one in another, and what goes back to a server that says OK to all.
@Timeout(20)
class RecallsTest {
    private static final Fsid HERE = new Fsid(1, 1);
    private static final Fsid THERE = new Fsid(1, 2);
    private static final ByteRange BLOCKS = ByteRange.ofLength(0, ByteRange.BLOCK_BYTES);

    private final Mappers mappers = new Mappers();
    private final Recalls recalls = new Recalls(mappers);
    private final List<LayoutReturnScope> returned = Collections.synchronizedList(new ArrayList<>());
    private boolean isAway;
    private final Mapper one = open(1, HERE);
    private final Mapper two = open(2, HERE);
    private final Mapper other = open(3, THERE);

    @Test
    void what_is_recalled_of_a_file_system_goes_back_at_once_and_nothing_else() throws IOException {
        assertThat(recall(new LayoutRecallScope.OfFileSystem(HERE))).isEqualTo(NfsStatus.OK);

        assertThat(held(one)).isFalse();
        assertThat(held(two)).isFalse();
        assertThat(held(other)).isTrue();
        assertThat(returned).containsExactly(new LayoutReturnScope.OfFileSystem());
        assertThat(recall(new LayoutRecallScope.OfFileSystem(HERE))).isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
    }

    @Test
    void a_file_goes_back_alone_under_the_stateid_of_the_recall() throws IOException {
        assertThat(recall(ofFile(1, 2))).isEqualTo(NfsStatus.OK);

        assertThat(held(one)).isFalse();
        assertThat(held(two)).isTrue();
        assertThat(returned)
                .containsExactly(new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, stateid(1, 2), Opaque.EMPTY));
    }

    @Test
    void of_a_file_that_is_not_open_and_of_another_type_there_is_no_layout() {
        assertThat(recall(ofFile(9, 2))).isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
        assertThat(recalls.answer(new CbLayoutRecallArgs(
                        LayoutType.BLOCK_VOLUME, Iomode.ANY, false, new LayoutRecallScope.All())))
                .isEqualTo(NfsStatus.NOMATCHING_LAYOUT);
    }

    @Test
    void who_asks_for_patience_for_one_file_goes_on_with_the_others() throws IOException {
        for (Mapper busy : List.of(one, two, other)) {
            assertThat(busy.layout().ask()).isTrue();

            assertThat(recall(new LayoutRecallScope.All())).isEqualTo(NfsStatus.DELAY);

            busy.layout().asked();
            assertThat(List.of(held(one), held(two), held(other))).containsOnly(true);
        }
        assertThat(recall(new LayoutRecallScope.All())).isEqualTo(NfsStatus.OK);
        assertThat(List.of(held(one), held(two), held(other))).containsOnly(false);
        assertThat(returned).containsExactly(new LayoutReturnScope.All());
    }

    @Test
    void files_can_be_used_again_also_where_the_return_does_not_get_through() throws IOException {
        isAway = true;

        assertThat(recall(new LayoutRecallScope.All())).isEqualTo(NfsStatus.OK);

        assertThat(List.of(held(one), held(two), held(other))).containsOnly(false);
        assertThat(returned).isEmpty();
    }

    private Mapper open(int number, Fsid fsid) {
        var mapper = new Mapper("/" + number, handle(number), fsid, this::answer, new Tally(), IoEvents.NONE);
        mapper.layout().granted(Access.WRITE, BLOCKS, List.of(), stateid(number, 1));
        return mappers.join(handle(number), () -> mapper);
    }

    private Reply answer(String path, Supplier<List<OpArgs>> compound) throws IOException {
        if (isAway) {
            throw new IOException(path + ": nobody answers");
        }
        for (OpArgs operation : compound.get()) {
            if (operation instanceof LayoutReturnArgs back) {
                returned.add(back.scope());
            }
        }
        return new Reply(List.of());
    }

    private NfsStatus recall(LayoutRecallScope scope) {
        return recalls.answer(new CbLayoutRecallArgs(LayoutType.SCSI, Iomode.ANY, false, scope));
    }

    /// As soon as nothing is on its way back any more.
    private static boolean held(Mapper mapper) throws IOException {
        try (var _ = mapper.layout().use()) {
            return mapper.layout().stateid() != null;
        }
    }

    private static LayoutRecallScope ofFile(int number, int seqid) {
        return new LayoutRecallScope.OfFile(handle(number), FileRange.WHOLE_FILE, stateid(number, seqid));
    }

    private static Opaque handle(int number) {
        return Opaque.of(new byte[] {(byte) number});
    }

    private static Stateid stateid(int number, int seqid) {
        var other = new byte[12];
        other[0] = (byte) number;
        return new Stateid(seqid, Opaque.of(other));
    }
}
