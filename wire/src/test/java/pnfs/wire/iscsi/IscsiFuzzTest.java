package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import pnfs.testing.MemoryNetwork;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.LbaStatus;
import pnfs.wire.scsi.LunList;
import pnfs.wire.scsi.ModeParameters;
import pnfs.wire.scsi.RegisterAndMoveParameters;
import pnfs.wire.scsi.ReserveInData;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiFormatException;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.SupportedOpcodes;
import pnfs.wire.scsi.UnmapRange;
import pnfs.wire.scsi.VpdPage;

/// Any bytes are read, or refused with one of our exceptions; any bytes from a target cost an initiator no more
/// than their connection. The first byte says what the others are. `mvn test` runs the corpus; `JAZZER_FUZZ=1
/// mvn -pl wire test -Dtest=IscsiFuzzTest` looks for more.
class IscsiFuzzTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_read_or_refused(byte[] input) throws IOException {
        if (input.length == 0) {
            return;
        }
        byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
        switch (input[0]) {
            case 'g' -> fromTarget(bytes, false);
            case 'f' -> fromTarget(bytes, true);
            default -> {
                try {
                    parse(input[0], ByteBuffer.wrap(bytes));
                } catch (IscsiException | ScsiException | ScsiFormatException refused) {
                    assertThat(refused.getStackTrace()).isEmpty();
                }
            }
        }
    }

    private static void parse(byte kind, ByteBuffer in) {
        switch (kind) {
            case 'l' -> login(in);
            case 'a' -> SendTargets.address(StandardCharsets.UTF_8.decode(in).toString());
            case 'c' -> cdb(ByteBuffer.allocate(Cdb.BYTES).put(0, in, 0, Math.min(Cdb.BYTES, in.remaining())));
            case 's' -> {
                var out = ByteBuffer.allocate(Sense.MAX_DESCRIPTOR_BYTES);
                Sense.read(in, 0, in.remaining()).putDescriptors(out, 0);
            }
            case 'v' -> assertThat(VpdPage.read(in).toBytes()).isNotEmpty();
            case 'i' -> assertThat(InquiryData.read(in).toBytes()).isNotEmpty();
            case 'z' -> assertThat(Capacity.read(in).toBytes()).hasSize(Capacity.LONG_BYTES);
            case 'u' -> assertThat(LunList.read(in).toBytes()).isNotEmpty();
            case 'o' ->
                assertThat(SupportedOpcodes.all(SupportedOpcodes.readAll(in), SupportedOpcodes.Timeouts.LEFT_OUT))
                        .isNotEmpty();
            case 'b' -> assertThat(LbaStatus.toBytes(LbaStatus.read(in))).isNotEmpty();
            case 'U' -> assertThat(UnmapRange.toBytes(UnmapRange.read(in, 256))).isNotEmpty();
            case '6' ->
                assertThat(ModeParameters.read(ScsiCommand.ModeForm.SIX, in).pages())
                        .isNotNull();
            case 'T' ->
                assertThat(ModeParameters.read(ScsiCommand.ModeForm.TEN, in).pages())
                        .isNotNull();
            case 'p' -> {
                ReserveOutParameters parameters = ReserveOutParameters.read(in);
                assertThat(ReserveOutParameters.read(ByteBuffer.wrap(parameters.toBytes())))
                        .isEqualTo(parameters);
            }
            case 'm' -> assertThat(RegisterAndMoveParameters.read(in).toBytes()).isNotEmpty();
            case '0' -> assertThat(ReserveInData.Keys.read(in).toBytes()).isNotEmpty();
            case '1' -> assertThat(ReserveInData.Reservation.read(in).toBytes()).isNotEmpty();
            case '2' ->
                assertThat(ReserveInData.Capabilities.read(in).toBytes()).isNotEmpty();
            case '3' -> assertThat(ReserveInData.FullStatus.read(in).toBytes()).isNotEmpty();
            default -> {}
        }
    }

    private static void login(ByteBuffer in) {
        LoginKeys keys = LoginKeys.parse(in, LoginKeys.MAX_LOGIN_PAIRS);
        assertThat(LoginKeys.parse(ByteBuffer.wrap(keys.toBytes()), LoginKeys.MAX_LOGIN_PAIRS))
                .isEqualTo(keys);
        var responder = new Negotiation(LoginKeys.of("HeaderDigest", "None,CRC32C", "InitialR2T", "No"), false);
        assertThat(responder.receive(keys)).isNotNull();
        SessionParameters settled = responder.parameters();
        assertThat(settled.maxSendBytes()).isBetween(512, Bhs.MAX_DATA_BYTES);
        assertThat(settled.firstBurstBytes()).isBetween(512, settled.maxBurstBytes());
        var originator = new Negotiation(LoginKeys.of("MaxBurstLength", "65536"), false);
        assertThat(originator.offer()).isNotNull();
        assertThat(originator.receive(keys)).isNotNull();
        assertThat(originator.parameters().maxBurstBytes()).isLessThanOrEqualTo(65536);
    }

    private static void cdb(ByteBuffer cdb) {
        assertThat(Cdb.blocks(cdb, 0)).isNotNegative();
        ScsiCommand command = ScsiCommand.read(cdb, 0);
        var again = ByteBuffer.allocate(Cdb.BYTES);
        command.put(again, 0);
        assertThat(ScsiCommand.read(again, 0)).isEqualTo(command);
    }

    /// The first thing that a target sends, or its answer to the first command. Then it behaves, and so the
    /// command must come to a good end.
    private static void fromTarget(byte[] bytes, boolean afterLogin) throws IOException {
        var network = new MemoryNetwork(new SplittableRandom(1));
        var target = new ScriptedTarget(new SplittableRandom(1));
        boolean[] struck = {false};
        target.script = (session, task) -> {
            if (!afterLogin || struck[0]) {
                return false;
            }
            struck[0] = true;
            session.connection.send(List.of(ByteBuffer.wrap(bytes)));
            session.drop();
            return true;
        };
        Listener portal = network.listen(
                ANY_PORT,
                connection -> {
                    if (!afterLogin && !struck[0]) {
                        struck[0] = true;
                        connection.send(List.of(ByteBuffer.wrap(bytes)));
                        connection.close("that was all");
                    }
                    return target.accept(connection);
                },
                ConnectionLimits.DEFAULT);
        byte[] around = new byte[3 * 1024];
        int[] ends = {0};
        var initiator = IscsiInitiator.open(
                network,
                InitiatorConfig.of(portal.address(), "iqn.t", "iqn.i", 1).withDepth(4, 4));
        initiator.read(0, 0, 2, ByteBuffer.wrap(around, 1024, 1024), (moved, failure) -> ends[0]++);
        network.runFor(Duration.ofSeconds(30));
        initiator.close();
        network.runFor(Duration.ofSeconds(30));

        assertThat(ends[0]).isEqualTo(1);
        assertThat(Arrays.copyOf(around, 1024)).containsOnly(0);
        assertThat(Arrays.copyOfRange(around, 2048, 3072)).containsOnly(0);
    }
}
