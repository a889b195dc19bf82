package pnfs.client.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;

/// `pnfs status`.
@Command(
        name = "status",
        description = "The metadata server, its data servers, and how much is free (needs --control).")
public final class Status implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Override
    public Integer call() throws IOException {
        print(PnfsClient.status(cluster.control()));
        return 0;
    }

    private static void print(ClusterStatus status) {
        System.out.printf(
                "metadata server   up %d s, start %d%s: %d clients, %d sessions, %d opens, %d layouts%n%n",
                status.uptime().toSeconds(),
                status.boot(),
                status.inGrace() ? ", in grace" : "",
                status.clients(),
                status.sessions(),
                status.opens(),
                status.layouts());
        var servers =
                new Table("DATA SERVER", "STATE", "PORTALS", "REGION", ">SIZE", "DURABILITY", ">READ", ">WRITTEN");
        for (ClusterStatus.DataServer server : status.dataServers()) {
            for (ClusterStatus.Region region : server.regions()) {
                servers.row(
                        server.name(),
                        state(server, region),
                        String.join(" ", server.portals()),
                        region.id().toString(),
                        Bytes.human(region.sizeBytes()),
                        region.durability().toLowerCase(Locale.ROOT),
                        Bytes.human(region.read().bytes()),
                        Bytes.human(region.written().bytes()));
            }
        }
        System.out.print(
                servers.isEmpty() ? "no data servers: start one with 'pnfs ds'" + System.lineSeparator() : servers);
        System.out.println();
        var volumes = new Table("VOLUME", "SHAPE", ">SIZE", ">FREE", "STATE", "REGIONS");
        for (ClusterStatus.Volume volume : status.volumes()) {
            volumes.row(
                    volume.id(),
                    volume.topology(),
                    Bytes.human(volume.sizeBytes()),
                    Bytes.human(volume.freeBytes()),
                    state(volume),
                    names(volume.regions()));
        }
        System.out.print(volumes);
        if (!status.fences().isEmpty()) {
            System.out.println();
            var fences = new Table("FENCED KEY", "CLIENT", ">SINCE", "WAITS FOR", "REGIONS");
            for (ClusterStatus.Fence fence : status.fences()) {
                fences.row(
                        Long.toHexString(fence.key()),
                        Long.toHexString(fence.client()),
                        fence.age().toSeconds() + " s",
                        fence.awaited() ? "the client's return" : "its data servers",
                        names(fence.regions()));
            }
            System.out.print(fences);
        }
    }

    private static String names(List<UUID> regions) {
        return regions.stream().map(UUID::toString).collect(Collectors.joining(" "));
    }

    private static String state(ClusterStatus.Volume volume) {
        if (!volume.draining()) {
            return volume.quarantined() ? "quarantined" : "in use";
        }
        if (volume.drained()) {
            return "drained";
        }
        String left = "draining, " + Bytes.human(volume.usedBytes()) + " left";
        return volume.waitsFor().isEmpty() ? left : left + ", waits for " + volume.waitsFor();
    }

    private static String state(ClusterStatus.DataServer server, ClusterStatus.Region region) {
        if (region.failed()) {
            return "failed";
        }
        return server.online() ? "online" : "offline";
    }
}
