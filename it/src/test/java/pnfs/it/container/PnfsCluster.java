package pnfs.it.container;

import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.testcontainers.containers.Network;
import org.testcontainers.lifecycle.Startables;
import pnfs.client.ClientOptions;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;

/// A metadata server `mds` and data servers `ds0`, `ds1` and so on, each in a container, on a network of their
/// own that this machine reaches too. Confined to one thread.
final class PnfsCluster implements AutoCloseable {
    private static final int NFS = 2049;
    private static final int CONTROL = 2050;

    private final Cluster shape;
    private final Network network = Network.newNetwork();
    private final @Nullable SmallDisk storeDisk;
    private final Node mds;
    private final List<Node> dataServers = new ArrayList<>();
    private final List<PnfsClient> clients = new ArrayList<>();

    private PnfsCluster(Cluster shape) {
        this.shape = shape;
        this.storeDisk = shape.smallStore() ? new SmallDisk() : null;
        this.mds = new Node(
                "mds",
                network,
                "pnfs mds --store=/var/lib/pnfs/store --control=0.0.0.0:" + CONTROL + " --metrics=0.0.0.0:9464 "
                        + String.join(" ", shape.mds()),
                storeDisk == null ? List.of() : List.of(storeDisk.at("/var/lib/pnfs/store")),
                shape.clocks());
    }

    /// Returns when every part is ready: data servers have registered.
    static PnfsCluster start(Cluster shape) {
        var cluster = new PnfsCluster(shape);
        try {
            for (int i = 0; i < shape.dataServers(); i++) {
                cluster.dataServers.add(cluster.newDataServer());
            }
            Startables.deepStart(cluster.nodes().stream().map(Node::container)).join();
            return cluster;
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    private Node newDataServer() {
        String name = "ds" + dataServers.size();
        // By number: this machine, where tests are clients too, does not know the network's names.
        return new Node(
                name,
                network,
                "pnfs ds --name=" + name + " --region=/var/lib/pnfs/region --create=" + shape.regionSize()
                        + " --mds=mds:" + CONTROL + " --advertise=$(hostname -i):3260 --metrics=0.0.0.0:9464",
                List.of(),
                shape.clocks());
    }

    /// One more, while the others run; returns when it is ready.
    Node addDataServer() {
        Node added = newDataServer();
        dataServers.add(added);
        added.container().start();
        return added;
    }

    /// Ends one that the metadata server does not need any more.
    void dropDataServer(Node dropped) {
        dataServers.remove(dropped);
        dropped.close();
    }

    /// What the metadata server keeps its store on; see [Cluster#smallStore].
    SmallDisk storeDisk() {
        return Objects.requireNonNull(storeDisk);
    }

    Node mds() {
        return mds;
    }

    Node dataServer(int index) {
        return dataServers.get(index);
    }

    /// The metadata server first.
    List<Node> nodes() {
        var all = new ArrayList<Node>();
        all.add(mds);
        all.addAll(dataServers);
        return all;
    }

    /// A new client in this process. It ends with the test.
    PnfsClient client() throws IOException {
        return client(options());
    }

    PnfsClient client(ClientOptions options) throws IOException {
        PnfsClient client = PnfsClient.connect(new InetSocketAddress(mds.address(), NFS), options);
        clients.add(client);
        return client;
    }

    /// For clients in this process.
    ClientOptions options() {
        return ClientOptions.defaults().withControl(control());
    }

    private InetSocketAddress control() {
        return new InetSocketAddress(mds.address(), CONTROL);
    }

    ClusterStatus status() throws IOException {
        return PnfsClient.status(control());
    }

    /// What the metadata server thinks of this data server.
    ClusterStatus.DataServer status(Node dataServer) throws IOException {
        return status().dataServers().stream()
                .filter(server -> server.name().equals(dataServer.name()))
                .findFirst()
                .orElseThrow(() -> new IOException("the metadata server does not know " + dataServer.name()));
    }

    /// Runs a command of `pnfs` in a container of its own and returns what it said; it must end well.
    String cli(String... command) {
        try (var container = new Command(network, mds.name() + ":" + NFS, mds.name() + ":" + CONTROL, command)) {
            return container.run();
        }
    }

    /// Where this process comes from, as containers see it.
    String host() {
        return Objects.requireNonNull(Engine.client()
                .inspectNetworkCmd()
                .withNetworkId(network.getId())
                .exec()
                .getIpam()
                .getConfig()
                .getFirst()
                .getGateway());
    }

    /// From now on what `node` sends to `peer`, an address, vanishes: nothing that needs an answer passes
    /// either way, and nobody is told.
    void cut(Node node, String peer) {
        route("add", node, peer);
    }

    /// The end of [#cut].
    void heal(Node node, String peer) {
        route("del", node, peer);
    }

    /// In the network of `node` a route of one address leads to nowhere.
    private static void route(String what, Node node, String peer) {
        var engine = Engine.client();
        String helper = engine.createContainerCmd(Engine.TOOLS)
                .withCmd("ip", "route", what, peer + "/32", "dev", "lo")
                .withHostConfig(HostConfig.newHostConfig()
                        .withNetworkMode("container:" + node.id())
                        .withCapAdd(Capability.NET_ADMIN))
                .exec()
                .getId();
        try {
            engine.startContainerCmd(helper).exec();
            int status = engine.waitContainerCmd(helper).start().awaitStatusCode();
            if (status != 0) {
                throw new IllegalStateException("ip route " + what + " " + peer + " in " + node.name() + ": " + status);
            }
        } finally {
            engine.removeContainerCmd(helper).withForce(true).exec();
        }
    }

    /// A file for each container.
    void saveLogs(Path folder) throws IOException {
        Files.createDirectories(folder);
        for (Node node : nodes()) {
            Files.writeString(folder.resolve(node.name() + ".log"), node.log());
        }
    }

    /// Ends all clients.
    void disconnect() {
        clients.forEach(PnfsClient::close);
        clients.clear();
    }

    @Override
    public void close() {
        disconnect();
        nodes().reversed().forEach(Node::close);
        if (storeDisk != null) {
            storeDisk.close();
        }
        network.close();
    }
}
