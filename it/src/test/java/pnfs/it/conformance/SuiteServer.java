package pnfs.it.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import pnfs.it.process.Cluster;
import pnfs.it.process.Folders;

/// The server that all tests of this package talk to: one metadata server with a data server, started when the
/// first test wants it and ended with the test run. Tests keep to names and owners of their own.
final class SuiteServer implements ParameterResolver {
    static final int LEASE_SECONDS = 15;
    static final Cluster.Shape SHAPE = new Cluster.Shape(
            1,
            256L << 20,
            List.of("--lease", LEASE_SECONDS + "s", "--layout-types", "scsi,block", "--delegations", "on"));
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(SuiteServer.class);

    /// A cluster and the folder it lives in. JUnit closes what is in its store when all tests have run.
    private record Running(Path folder, Cluster cluster, Suite suite) implements AutoCloseable {
        static Running start() {
            try {
                Path folder = Files.createTempDirectory("pnfs-conformance-");
                Cluster cluster = Cluster.start(folder, SHAPE);
                return new Running(folder, cluster, new Suite(cluster.nfs()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws IOException {
            suite.close();
            cluster.close();
            Folders.delete(folder);
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Suite.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .getOrComputeIfAbsent(Running.class, ignored -> Running.start(), Running.class)
                .suite();
    }
}
