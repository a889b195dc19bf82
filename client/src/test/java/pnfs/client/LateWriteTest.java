package pnfs.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import pnfs.client.FileLayout.Access;
import pnfs.client.FileLayout.Mapping;
import pnfs.client.Volumes.Volume;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.iscsi.IscsiSessionException;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A write whose data server did not answer may still be carried out, and until it is known that it is not the
/// layout under which it was sent stays with us: whoever had the blocks next would find old bytes over its own.
@Timeout(20)
class LateWriteTest {
    private static final DeviceId VOLUME = new DeviceId(1, 1, 1);
    private static final RegionId REGION = new RegionId(new UUID(1, 2));
    private static final Opaque FILE = Opaque.of(new byte[] {1});
    private static final ByteRange BLOCKS = ByteRange.ofLength(0, 2L * ByteRange.BLOCK_BYTES);
    private static final Stateid STATEID = new Stateid(1, Opaque.of(new byte[Stateid.OTHER_BYTES]));

    /// Of the writes that were sent.
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    /// What the server says to the next LAYOUTERRORs, and what happens before it does; to all others it says OK.
    private final ArrayDeque<Answer> answers = new ArrayDeque<>();
    private final List<OpArgs> asked = new ArrayList<>();
    private final Mappers mappers = new Mappers();
    private final Mapper mapper =
            mappers.join(FILE, () -> new Mapper("/f", FILE, new Fsid(1, 1), this::answer, new Tally(), IoEvents.NONE));
    private final DirectIo direct = new DirectIo(id -> volume(), IoEvents.NONE);

    private record Answer(NfsStatus status, Runnable before) {}

    private void answering(NfsStatus... statuses) {
        for (NfsStatus status : statuses) {
            answers.add(new Answer(status, () -> {}));
        }
    }

    /// As a session does: what is answered with DELAY is asked again, though here only while there are answers.
    private Reply answer(String path, Supplier<List<OpArgs>> compound) throws IOException {
        while (true) {
            List<OpArgs> operations = compound.get();
            asked.addAll(operations);
            NfsStatus status = NfsStatus.OK;
            if (operations.stream().anyMatch(LayoutErrorArgs.class::isInstance) && !answers.isEmpty()) {
                Answer answer = answers.remove();
                answer.before().run();
                status = answer.status();
            }
            if (status != NfsStatus.DELAY || answers.isEmpty()) {
                OpResult last = status == NfsStatus.OK
                        ? new LayoutReturnResult(Optional.empty())
                        : new OpFailure(OpCode.LAYOUTERROR, status);
                return new Reply(operations.isEmpty() ? List.of() : List.of(last));
            }
        }
    }

    private Volume volume() {
        Disk disk = new LostDisk();
        return new Volume(new Scsi(REGION, 1 << 20, Designator.naa(Opaque.of(new byte[8]))), Map.of(REGION, disk));
    }

    private void granted() {
        mapper.layout()
                .granted(
                        Access.WRITE,
                        BLOCKS,
                        List.of(new Extent(VOLUME, BLOCKS, 0, ExtentState.READ_WRITE_DATA)),
                        STATEID);
    }

    private void failToWrite() throws IOException {
        granted();
        try (var _ = mapper.layout().use()) {
            Mapping mapping = requireNonNull(mapper.layout().forWriting(BLOCKS));
            ByteBuffer data = ByteBuffer.allocate((int) BLOCKS.length());
            assertThatThrownBy(() -> direct.write("/f", mapping, mapping, BLOCKS, data, mapper.layout()::mayComeLate))
                    .isInstanceOf(NoDirectWayException.class);
        }
    }

    /// Without PUTFH.
    private List<OpCode> operations() {
        return asked.stream().map(OpArgs::op).filter(op -> op != OpCode.PUTFH).toList();
    }

    private boolean isHeld() {
        return mapper.layout().stateid() != null;
    }

    @Test
    void a_layout_goes_back_when_the_server_has_had_the_data_server_drop_what_we_sent() throws IOException {
        failToWrite();
        answering(NfsStatus.DELAY, NfsStatus.DELAY, NfsStatus.OK);

        mapper.release(BLOCKS);

        assertThat(operations())
                .containsExactly(OpCode.LAYOUTERROR, OpCode.LAYOUTERROR, OpCode.LAYOUTERROR, OpCode.LAYOUTRETURN);
        assertThat(asked).filteredOn(LayoutErrorArgs.class::isInstance).first().satisfies(report -> {
            var error = (LayoutErrorArgs) report;
            assertThat(error.stateid()).isEqualTo(STATEID);
            assertThat(error.errors())
                    .containsExactly(new DeviceError(Opaque.of(VOLUME.bytes()), NfsStatus.NXIO, OpCode.WRITE));
        });
        assertThat(isHeld()).isFalse();
    }

    @Test
    void nobody_has_to_be_asked_any_more_when_the_data_server_is_back() throws IOException {
        failToWrite();
        answers.add(new Answer(NfsStatus.DELAY, () -> over.complete(null)));
        answering(NfsStatus.DELAY);

        mapper.release(BLOCKS);

        assertThat(operations()).containsExactly(OpCode.LAYOUTERROR, OpCode.LAYOUTRETURN);
    }

    @Test
    void what_was_never_sent_is_not_reported() throws IOException {
        over.complete(null);
        failToWrite();

        mapper.release(BLOCKS);

        assertThat(operations()).containsExactly(OpCode.LAYOUTRETURN);
    }

    @Test
    void who_has_no_patience_any_more_keeps_the_layout_and_gives_it_back_when_somebody_wants_it() throws IOException {
        failToWrite();
        answering(NfsStatus.DELAY);

        assertThatThrownBy(() -> mapper.release(BLOCKS)).hasMessageContaining("may still carry out");
        assertThat(isHeld()).isTrue();
        answering(NfsStatus.DELAY);
        assertThat(mapper.recall()).isEqualTo(NfsStatus.OK);
        assertThatThrownBy(mapper::giveBackRecalled).isInstanceOf(PnfsException.class);
        assertThat(operations()).containsOnly(OpCode.LAYOUTERROR);
        assertThat(mapper.recall()).isEqualTo(NfsStatus.OK);
        mapper.giveBackRecalled();

        assertThat(operations()).endsWith(OpCode.LAYOUTERROR, OpCode.LAYOUTRETURN);
        assertThat(isHeld()).isFalse();
    }

    @Test
    void a_file_stays_open_and_can_be_recalled_while_a_write_of_it_may_come_late() throws IOException {
        failToWrite();

        assertThatThrownBy(() -> mapper.close(mappers, () -> new CloseArgs(0, STATEID)))
                .isInstanceOf(PnfsException.class);

        assertThat(asked).isEmpty();
        assertThat(mappers.find(FILE)).isSameAs(mapper);
        over.complete(null);
        mapper.close(mappers, () -> new CloseArgs(0, STATEID));
        assertThat(operations()).containsExactly(OpCode.LAYOUTRETURN, OpCode.CLOSE);
        assertThat(mappers.find(FILE)).isNull();
    }

    @Test
    void a_layout_that_the_server_took_from_us_is_not_ours_to_keep() throws IOException {
        failToWrite();
        answering(NfsStatus.BAD_STATEID);

        mapper.release(BLOCKS);

        assertThat(operations()).containsExactly(OpCode.LAYOUTERROR);
        assertThat(isHeld()).isFalse();
        granted();
        mapper.release(BLOCKS);
        assertThat(operations()).containsExactly(OpCode.LAYOUTERROR, OpCode.LAYOUTRETURN);
    }

    /// Its connection is lost with each write.
    private final class LostDisk implements Disk {
        @Override
        public CompletableFuture<Void> write(long offset, ByteBuffer data) {
            return CompletableFuture.failedFuture(new IscsiSessionException("connection lost", over));
        }

        @Override
        public CompletableFuture<Void> register(long key) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> read(long offset, ByteBuffer into) {
            return CompletableFuture.completedFuture(null);
        }
    }
}
