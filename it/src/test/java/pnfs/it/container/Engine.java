package pnfs.it.container;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.NotFoundException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.opentest4j.TestAbortedException;
import org.testcontainers.DockerClientFactory;

/// The Docker engine of this machine, and the images that must be there.
final class Engine {
    /// All parts of the cluster; what `deploy/try` builds.
    static final String IMAGE = "pnfs:dev";
    /// Has the `ip` command, for cutting links.
    static final String TOOLS = "pnfs-base:25";

    private static final boolean CI = "true".equals(System.getenv("CI"));
    private static final Optional<String> LACKING = lacking();

    private Engine() {}

    static DockerClient client() {
        return DockerClientFactory.instance().client();
    }

    /// Enabled where containers can be run.
    static ConditionEvaluationResult condition() {
        if (LACKING.isPresent() && CI) {
            throw new IllegalStateException(LACKING.get());
        }
        return LACKING.map(ConditionEvaluationResult::disabled)
                .orElseGet(() -> ConditionEvaluationResult.enabled("the engine answers and the images are there"));
    }

    /// Thrown, it skips a test for want of something; where nothing may be skipped, it fails it.
    static RuntimeException lacks(String what) {
        return CI ? new IllegalStateException(what) : new TestAbortedException(what);
    }

    private static Optional<String> lacking() {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            return Optional.of("no Docker engine answers: deploy/try starts one and makes the images");
        }
        return List.of(IMAGE, TOOLS).stream()
                .filter(image -> !isThere(image))
                .findFirst()
                .map(image -> "the image " + image + " is not there: deploy/try makes it");
    }

    private static boolean isThere(String image) {
        try {
            client().inspectImageCmd(image).exec();
            return true;
        } catch (NotFoundException e) {
            return false;
        }
    }
}
