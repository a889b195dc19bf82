package pnfs.it.process;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import pnfs.client.Addresses;
import pnfs.client.ClientOptions;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;

/// One metadata server and its data servers as processes on loopback, all state in one folder: `mds/` is the
/// store, `dsN.region` the regions, `*.log` what each process said. Servers take free ports at first and keep
/// them when they are started again. Confined to one thread.
public final class Cluster implements AutoCloseable {
    private static final List<String> SMALL_HEAP = List.of("-Xmx384m");
    private static final Duration REGISTRATION_LIMIT = Duration.ofSeconds(30);
    private static final Duration REGISTRATION_POLL = Duration.ofMillis(20);
    private static final String ANY_PORT = "127.0.0.1:0";

    private final Path folder;
    private final Shape shape;
    private final List<DataServer> dataServers = new ArrayList<>();
    private final @Nullable Link nfsLink;
    private final @Nullable Link controlLink;
    private ServerProcess mds;
    /// Where the metadata server listens, from its first start on.
    private final String nfs;

    private final String control;
    private boolean left;

    /// How a cluster begins.
    ///
    /// @param mdsOptions further options of `pnfs mds`, as `--volume=stripe:64KiB:ds0,ds1`; data servers are
    ///     called `ds0`, `ds1` and so on
    /// @param hasLinks whether each server is reached through a [Link] that can be cut
    public record Shape(int dataServers, long regionBytes, List<String> mdsOptions, boolean hasLinks) {
        public Shape {
            mdsOptions = List.copyOf(mdsOptions);
        }

        public Shape(int dataServers, long regionBytes, List<String> mdsOptions) {
            this(dataServers, regionBytes, mdsOptions, false);
        }

        public Shape(int dataServers, long regionBytes) {
            this(dataServers, regionBytes, List.of());
        }

        Shape behindLinks() {
            return new Shape(dataServers, regionBytes, mdsOptions, true);
        }
    }

    private static final class DataServer {
        private final String name;
        private final Path region;
        private final @Nullable Link link;
        private ServerProcess process;
        /// Where it listens.
        private String iscsi = ANY_PORT;

        DataServer(String name, Path region, @Nullable Link link, ServerProcess process) {
            this.name = name;
            this.region = region;
            this.link = link;
            this.process = process;
        }

        void awaitReady() throws IOException {
            process.awaitReady();
            iscsi = process.fact("iscsi");
            if (link != null) {
                link.leadTo(Addresses.parse(iscsi));
            }
        }
    }

    private Cluster(Path folder, Shape shape) throws IOException {
        this.folder = folder;
        this.shape = shape;
        this.mds = launchMds(ANY_PORT, ANY_PORT);
        mds.awaitReady();
        this.nfs = mds.fact("nfs");
        this.control = mds.fact("control");
        this.nfsLink = openLink(nfs);
        this.controlLink = openLink(control);
    }

    private @Nullable Link openLink(String server) throws IOException {
        if (!shape.hasLinks()) {
            return null;
        }
        Link link = Link.open();
        link.leadTo(Addresses.parse(server));
        return link;
    }

    /// Formats the regions and starts everything; returns when all of it is ready.
    public static Cluster start(Path folder, Shape shape) throws IOException {
        var cluster = new Cluster(folder, shape);
        try {
            for (int i = 0; i < shape.dataServers(); i++) {
                cluster.addDataServer("ds" + i, shape.regionBytes());
            }
            cluster.awaitDataServers();
            return cluster;
        } catch (IOException | RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    private void addDataServer(String name, long regionBytes) throws IOException {
        Path region = folder.resolve(name + ".region");
        ServerProcess.run(
                folder.resolve(name + ".log"),
                List.of("format", "--size", Long.toString(regionBytes), region.toString()));
        Link link = shape.hasLinks() ? Link.open() : null;
        var server = new DataServer(name, region, link, launchDataServer(name, region, link, ANY_PORT));
        dataServers.add(server);
        server.awaitReady();
    }

    private ServerProcess launchMds(String nfs, String control) throws IOException {
        var arguments = new ArrayList<>(
                List.of("mds", "--store", folder.resolve("mds").toString(), "--listen", nfs, "--control", control));
        arguments.addAll(shape.mdsOptions());
        return ServerProcess.launch("mds", folder.resolve("mds.log"), SMALL_HEAP, arguments);
    }

    private ServerProcess launchDataServer(String name, Path region, @Nullable Link link, String iscsi)
            throws IOException {
        var arguments = new ArrayList<>(
                List.of("ds", "--name", name, "--region", region.toString(), "--listen", iscsi, "--mds"));
        arguments.add(controlLink == null ? control : Addresses.text(controlLink.address()));
        if (link != null) {
            arguments.addAll(List.of("--advertise", Addresses.text(link.address())));
        }
        return ServerProcess.launch(name, folder.resolve(name + ".log"), SMALL_HEAP, arguments);
    }

    public Path folder() {
        return folder;
    }

    public ServerProcess mds() {
        return mds;
    }

    public int dataServerCount() {
        return dataServers.size();
    }

    public ServerProcess dataServer(int index) {
        return dataServers.get(index).process;
    }

    /// The file behind the region of the data server of this name.
    public Path region(String name) {
        return dataServers.stream()
                .filter(server -> server.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no data server " + name))
                .region;
    }

    /// Where clients find the metadata server.
    public InetSocketAddress nfs() {
        return nfsLink == null ? Addresses.parse(nfs) : nfsLink.address();
    }

    /// All links: of clients to the metadata server, of data servers to it, and to each data server. None unless
    /// [Shape#hasLinks].
    List<Link> links() {
        return Stream.concat(
                        Stream.of(nfsLink, controlLink), dataServers.stream().map(server -> server.link))
                .filter(Objects::nonNull)
                .map(Objects::requireNonNull)
                .toList();
    }

    public InetSocketAddress control() {
        return Addresses.parse(control);
    }

    /// For clients of this cluster.
    public ClientOptions clientOptions() {
        return ClientOptions.defaults().withControl(control());
    }

    /// Starts the metadata server again, on the same ports and the same store. It must have ended.
    public void restartMds() throws IOException {
        mds = launchMds(nfs, control);
        mds.awaitReady();
        awaitDataServers();
    }

    /// Starts a data server again, on the same port and the same region. It must have ended.
    public void restartDataServer(int index) throws IOException {
        restart(index, dataServers.get(index).iscsi);
    }

    /// Starts a data server again for the same region, at another port. It must have ended.
    public void moveDataServer(int index) throws IOException {
        restart(index, ANY_PORT);
    }

    private void restart(int index, String iscsi) throws IOException {
        DataServer server = dataServers.get(index);
        server.process = launchDataServer(server.name, server.region, server.link, iscsi);
        server.awaitReady();
        awaitDataServers();
    }

    /// Starts all servers that have ended, at once, as the others do, and waits for none of them.
    void launchEnded() throws IOException {
        if (!mds.isAlive()) {
            mds = launchMds(nfs, control);
        }
        for (DataServer server : dataServers) {
            if (!server.process.isAlive()) {
                server.process = launchDataServer(server.name, server.region, server.link, server.iscsi);
            }
        }
    }

    /// Returns once all servers are ready, which must have been started, and data servers are registered.
    void awaitReady() throws IOException {
        mds.awaitReady();
        for (DataServer server : dataServers) {
            server.awaitReady();
        }
        awaitDataServers();
    }

    /// A data server serves before it has registered. Those that were killed are not waited for.
    private void awaitDataServers() throws IOException {
        long deadline = System.nanoTime() + REGISTRATION_LIMIT.toNanos();
        long running =
                dataServers.stream().filter(server -> server.process.isAlive()).count();
        while (online() < running) {
            if (System.nanoTime() > deadline) {
                throw new IOException(online() + " of " + running + " data servers are online after "
                        + REGISTRATION_LIMIT.toSeconds() + " s; their logs are in " + folder);
            }
            LockSupport.parkNanos(REGISTRATION_POLL.toNanos());
        }
    }

    private long online() throws IOException {
        return PnfsClient.status(control()).dataServers().stream()
                .filter(ClusterStatus.DataServer::online)
                .count();
    }

    /// Lets all processes live on, after [#close] and after the end of this JVM.
    public void leaveRunning() {
        processes().forEach(ServerProcess::leaveRunning);
        left = true;
    }

    /// All processes, the metadata server first.
    public List<ServerProcess> processes() {
        var all = new ArrayList<ServerProcess>();
        all.add(mds);
        dataServers.forEach(server -> all.add(server.process));
        return all;
    }

    /// Ends all processes; the folder stays.
    @Override
    public void close() {
        if (!left) {
            processes().reversed().forEach(ServerProcess::close);
            links().forEach(Link::close);
        }
    }
}
