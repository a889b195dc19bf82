package pnfs.mds.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;

/// Data servers as fences, and ends of sessions, reach them: they confirm at once, unless they are told to wait.
/// Confined to one thread.
public final class FakeDataServers implements Fences.Fencer {
    /// Fences that were asked for and not answered.
    public final List<Order> waiting = new ArrayList<>();
    /// What was confirmed, in its order.
    public final List<Fenced> fenced = new ArrayList<>();
    /// Keys whose sessions are to be ended; not answered.
    public final List<Order> disconnecting = new ArrayList<>();
    /// Where that was confirmed, in its order.
    public final List<Fenced> disconnected = new ArrayList<>();
    /// From here on nothing is answered by itself.
    public boolean slow;

    public record Fenced(DeviceId volume, long key) {}

    /// A fence on its way.
    public record Order(DeviceId volume, long key, Consumer<@Nullable String> then) {}

    @Override
    public void fence(Volume volume, long key, Consumer<@Nullable String> then) {
        var order = new Order(volume.id(), key, then);
        if (slow) {
            waiting.add(order);
        } else {
            confirm(order);
        }
    }

    @Override
    public void disconnect(Volume volume, long key, Consumer<@Nullable String> then) {
        if (slow) {
            disconnecting.add(new Order(volume.id(), key, then));
        } else {
            disconnected.add(new Fenced(volume.id(), key));
            then.accept(null);
        }
    }

    public void confirm(Order order) {
        waiting.remove(order);
        fenced.add(new Fenced(order.volume(), order.key()));
        order.then().accept(null);
    }

    public void refuse(Order order) {
        waiting.remove(order);
        order.then().accept("refused");
    }

    /// Of the fences that wait, the one on this volume.
    public Order on(Volume volume) {
        return waiting.stream()
                .filter(order -> order.volume().equals(volume.id()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no fence waits on " + volume.id() + ": " + waiting));
    }
}
