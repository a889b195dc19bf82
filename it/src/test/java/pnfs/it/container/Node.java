package pnfs.it.container;

import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.HealthCheck;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/// A container with one of our servers, which may be stopped, killed, hung and started again; what its disk
/// holds stays. Confined to one thread.
final class Node implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(90);
    /// Nobody waits seconds for a server that has been ready for long.
    private static final HealthCheck OFTEN = new HealthCheck()
            .withTest(List.of("CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:9464/ready || exit 1"))
            .withInterval(Duration.ofMillis(300).toNanos())
            .withTimeout(Duration.ofSeconds(3).toNanos())
            .withStartPeriod(START_LIMIT.toNanos())
            .withRetries(3);

    private final String name;
    private final GenericContainer<?> container;

    /// A container that is not started yet. `command` is for a shell, so that it can ask where it runs.
    Node(String name, Network network, String command, List<Bind> disks, boolean hasClock) {
        this.name = name;
        String clock = hasClock ? WallClock.OF_COMMAND : "";
        this.container = new GenericContainer<>(DockerImageName.parse(Engine.IMAGE))
                .withImagePullPolicy(image -> false)
                .withNetwork(network)
                .withNetworkAliases(name)
                .withEnv("PNFS_JAVA_OPTS", "-Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1")
                .withCreateContainerCmdModifier(create -> {
                    create.withHostName(name)
                            .withHealthcheck(OFTEN)
                            .withEntrypoint("sh", "-c")
                            .withCmd("exec " + clock + command);
                    Objects.requireNonNull(create.getHostConfig())
                            .withDnsOptions(List.of("ndots:1"))
                            .withBinds(disks);
                })
                .waitingFor(Wait.forHealthcheck().withStartupTimeout(START_LIMIT));
        if (hasClock) {
            WallClock.addTo(container);
        }
    }

    /// From now on its clock is ahead of this machine's by so much, or behind where that is negative; see
    /// [WallClock]. Holds over [#stop] and [#start].
    void setClock(Duration ahead) throws IOException, InterruptedException {
        List<String> said = exec("sh", "-c", WallClock.toSet(ahead));
        if (!said.equals(List.of("0"))) {
            throw new IOException("the clock of " + name + " could not be set: " + said);
        }
    }

    GenericContainer<?> container() {
        return container;
    }

    String name() {
        return name;
    }

    String id() {
        return container.getContainerId();
    }

    /// In the cluster's network; this machine reaches it too.
    String address() {
        return Engine.client().inspectContainerCmd(id()).exec().getNetworkSettings().getNetworks().values().stream()
                .findFirst()
                .orElseThrow()
                .getIpAddress();
    }

    /// `kill -9`; nothing of it runs when this returns.
    void kill() {
        Engine.client().killContainerCmd(id()).withSignal("KILL").exec();
        awaitEnd();
    }

    /// Until nothing of it runs any more.
    void awaitEnd() {
        Await.until(name + " has ended", () -> !Boolean.TRUE.equals(state().getRunning()));
    }

    /// As an operator would: it may end its work.
    void stop() {
        Engine.client()
                .stopContainerCmd(id())
                .withTimeout((int) START_LIMIT.toSeconds())
                .exec();
    }

    /// Again, after [#kill] or [#stop]; returns when it is ready.
    void start() {
        Engine.client().startContainerCmd(id()).exec();
        awaitHealth("healthy");
    }

    /// Stops every thread of it, as a machine that hangs; its peers get no answer and no goodbye.
    void pause() {
        Engine.client().pauseContainerCmd(id()).exec();
    }

    void unpause() {
        Engine.client().unpauseContainerCmd(id()).exec();
    }

    /// `healthy`, or `unhealthy` when no client can be sent to it.
    void awaitHealth(String wanted) {
        Await.until(
                name + " is " + wanted, () -> wanted.equals(state().getHealth().getStatus()));
    }

    private ContainerState state() {
        return Engine.client().inspectContainerCmd(id()).exec().getState();
    }

    /// All that it has said since it was made.
    String log() {
        return container.getLogs(OutputFrame.OutputType.STDOUT, OutputFrame.OutputType.STDERR);
    }

    /// Runs a command in it and returns what it said, with its exit status first.
    List<String> exec(String... command) throws IOException, InterruptedException {
        var result = container.execInContainer(command);
        var said = new ArrayList<String>();
        said.add(Integer.toString(result.getExitCode()));
        result.getStdout().lines().forEach(said::add);
        result.getStderr().lines().forEach(said::add);
        return said;
    }

    @Override
    public void close() {
        container.stop();
    }
}
