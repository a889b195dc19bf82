package pnfs.mds.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;

/// Data servers as fences reach them: they confirm at once, unless they are told to let the fences wait.
/// Confined to one thread.
public final class FakeDataServers implements Fences.Fencer {
    /// Fences that were asked for and not answered.
    public final List<Order> waiting = new ArrayList<>();
    /// What was confirmed, in its order.
    public final List<Fenced> fenced = new ArrayList<>();
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
