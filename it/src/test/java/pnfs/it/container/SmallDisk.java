package pnfs.it.container;

import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Volume;
import java.util.Map;
import java.util.UUID;

/// A disk for one container that can be filled from outside. It is there until it is closed, whether the
/// container runs or not.
final class SmallDisk implements AutoCloseable {
    /// RocksDB sets 9 MB aside for its log where there is room: on a full disk it would go on for as long as
    /// those last.
    private static final String SIZE = "8m";
    private static final String PLACE = "/disk";

    private final String name = "pnfs-disk-" + UUID.randomUUID();
    private final String holder;

    SmallDisk() {
        Engine.client()
                .createVolumeCmd()
                .withName(name)
                .withDriver("local")
                .withDriverOpts(Map.of("type", "tmpfs", "device", "tmpfs", "o", "size=" + SIZE + ",uid=10001"))
                .exec();
        holder = run("sleep infinity"); // what is in memory lasts as long as somebody has it mounted
    }

    /// The disk, at a place in a container.
    Bind at(String place) {
        return new Bind(name, new Volume(place));
    }

    /// Leaves no byte free.
    void fill() {
        inside("dd if=/dev/zero of=" + PLACE + "/full bs=64k 2>/dev/null; true");
    }

    /// The end of [#fill].
    void free() {
        inside("rm " + PLACE + "/full");
    }

    private void inside(String command) {
        var engine = Engine.client();
        String helper = run(command);
        try {
            int status = engine.waitContainerCmd(helper).start().awaitStatusCode();
            if (status != 0) {
                throw new IllegalStateException(command + ": " + status);
            }
        } finally {
            engine.removeContainerCmd(helper).withForce(true).exec();
        }
    }

    private String run(String command) {
        var engine = Engine.client();
        String id = engine.createContainerCmd(Engine.TOOLS)
                .withEntrypoint("sh", "-c")
                .withCmd(command)
                .withUser("0")
                .withHostConfig(HostConfig.newHostConfig().withBinds(at(PLACE)).withNetworkMode("none"))
                .exec()
                .getId();
        engine.startContainerCmd(id).exec();
        return id;
    }

    @Override
    public void close() {
        Engine.client().removeContainerCmd(holder).withForce(true).exec();
        Engine.client().removeVolumeCmd(name).exec();
    }
}
