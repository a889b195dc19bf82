package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.scsi.ReservationType;
import pnfs.wire.scsi.ReserveInData;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.ScsiException;

/// Registrations and the reservation survive `kill -9` of the data server (APTPL), and so does a fence.
@Timeout(120)
class ReservationCrashTest {
    private static final ReservationType TYPE = ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY;

    private static ServerProcess start(Path folder, Path region) throws IOException {
        return ServerProcess.start(
                "ds",
                folder.resolve("ds.log"),
                List.of("-Xmx128m"),
                List.of("ds", "--region", region.toString(), "--listen", "127.0.0.1:0"));
    }

    private static IscsiInitiator initiator(NioNetwork network, ServerProcess server, String name) {
        String[] address = server.fact("iscsi").split(":", 2);
        var portal = new InetSocketAddress(address[0], Integer.parseInt(address[1]));
        var initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(portal, server.fact("target"), "iqn.2026-01.test:" + name, 1));
        initiator.loggedIn().join();
        return initiator;
    }

    private static void reserveOut(IscsiInitiator by, ReserveOutAction action, long key, long actionKey) {
        by.persistentReserveOut(0, action, TYPE.wire(), new ReserveOutParameters(key, actionKey, true))
                .join();
    }

    @Test
    void a_fence_that_was_answered_holds_after_kill_9(@TempDir Path folder) throws IOException {
        Path region = folder.resolve("region");
        ServerProcess.run(folder.resolve("ds.log"), List.of("format", "--size", "4MiB", region.toString()));
        try (var network = new NioNetwork(1, System::nanoTime)) {
            ServerProcess first = start(folder, region);
            IscsiInitiator server = initiator(network, first, "server");
            IscsiInitiator client = initiator(network, first, "client");
            reserveOut(server, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0x11);
            reserveOut(client, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0x22);
            reserveOut(server, ReserveOutAction.RESERVE, 0x11, 0);
            reserveOut(server, ReserveOutAction.PREEMPT_AND_ABORT, 0x11, 0x22);
            first.kill();
            server.close();
            client.close();

            try (ServerProcess second = start(folder, region);
                    var serverAgain = initiator(network, second, "server");
                    var clientAgain = initiator(network, second, "client")) {
                assertThat(serverAgain.readReservationKeys(0).join().keys()).containsExactly(0x11L);
                assertThat(serverAgain.readReservation(0).join().holder())
                        .isEqualTo(new ReserveInData.Holder(0x11, TYPE));
                write(serverAgain).join();
                assertThatThrownBy(() -> write(clientAgain).join())
                        .hasRootCauseInstanceOf(ScsiException.class)
                        .hasRootCauseMessage("RESERVATION CONFLICT");
            }
        }
    }

    private static CompletableFuture<Integer> write(IscsiInitiator by) {
        var done = new CompletableFuture<Integer>();
        by.write(0, 0, 1, ByteBuffer.allocateDirect(4096), (bytes, failure) -> {
            if (failure == null) {
                done.complete(bytes);
            } else {
                done.completeExceptionally(failure);
            }
        });
        return done;
    }
}
