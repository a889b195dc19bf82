package pnfs.it.sim;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiBlockDevice;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;

/// A client's way to a data server: production's initiator, registered with the key that the metadata server gave.
/// One thread.
final class DiskSession {
    private static final InitiatorConfig.Times TIMES =
            InitiatorConfig.Times.DEFAULT.withReplacement(Duration.ofSeconds(8));

    private final IscsiInitiator initiator;
    private final CompletableFuture<IscsiBlockDevice> device;
    private long key;

    DiskSession(Host host, DataServerNode to, int client) {
        initiator = IscsiInitiator.open(
                host,
                InitiatorConfig.of(
                                Fabric.address(to.machine(), DataServerNode.PORT),
                                to.targetName(),
                                "iqn.2026-11.sim:client" + client,
                                0x8000_0000_0000L | client)
                        .withTimes(TIMES));
        device = IscsiBlockDevice.open(initiator, 0);
    }

    /// Whether the unit could be opened, or still may be.
    boolean isUsable() {
        return !device.isCompletedExceptionally();
    }

    /// The session ends; the next one is another object.
    void close() {
        initiator.close();
    }

    /// The registration may be gone.
    void forgetKey() {
        key = 0;
    }

    /// Registers the key, unless that is done, and then goes on.
    void register(long wanted, Consumer<@Nullable Throwable> then) {
        if (key == wanted || wanted == 0) {
            then.accept(null);
            return;
        }
        var _ = initiator
                .persistentReserveOut(
                        0,
                        ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY,
                        0,
                        new ReserveOutParameters(0, wanted, true))
                .whenComplete((done, refused) -> {
                    if (refused == null) {
                        key = wanted;
                    }
                    then.accept(refused);
                });
    }

    void write(long offset, ByteBuffer data, Consumer<@Nullable Throwable> then) {
        move(then, unit -> unit.write(offset, data, (bytes, failure) -> then.accept(failure)));
    }

    void read(long offset, ByteBuffer into, Consumer<@Nullable Throwable> then) {
        move(then, unit -> unit.read(offset, into, (bytes, failure) -> then.accept(failure)));
    }

    private void move(Consumer<@Nullable Throwable> then, Consumer<IscsiBlockDevice> how) {
        var _ = device.whenComplete((unit, failure) -> {
            if (failure != null) {
                then.accept(failure);
            } else {
                how.accept(unit);
            }
        });
    }
}
