package pnfs.it.container;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.startupcheck.OneShotStartupCheckStrategy;
import org.testcontainers.utility.DockerImageName;

/// A container that runs one command of a user to its end.
final class Command implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final GenericContainer<?> container;

    Command(Network network, String nfs, String control, String... command) {
        this.container = new GenericContainer<>(DockerImageName.parse(Engine.IMAGE))
                .withImagePullPolicy(image -> false)
                .withNetwork(network)
                .withEnv("PNFS_MDS", nfs)
                .withEnv("PNFS_CONTROL", control)
                .withCommand(command)
                .withCreateContainerCmdModifier(
                        create -> Objects.requireNonNull(create.getHostConfig()).withDnsOptions(List.of("ndots:1")))
                .withStartupCheckStrategy(new OneShotStartupCheckStrategy().withTimeout(LIMIT));
    }

    /// What it said on both outputs.
    String run() {
        container.start();
        return container.getLogs();
    }

    @Override
    public void close() {
        container.stop();
    }
}
