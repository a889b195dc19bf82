package pnfs.it.container;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/// What stands behind [Cluster]: starts a cluster for a test, keeps what its containers said where the test
/// fails, and ends it.
final class ClusterExtension implements ExecutionCondition, ParameterResolver, AfterTestExecutionCallback {
    private static final Namespace OURS = Namespace.create(ClusterExtension.class);
    private static final Path LOGS = Path.of("target", "container");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return Engine.condition();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType().equals(PnfsCluster.class);
    }

    @Override
    public PnfsCluster resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Cluster ofClass = AnnotationSupport.findAnnotation(context.getRequiredTestClass(), Cluster.class)
                .orElseThrow(() -> new IllegalStateException("@Cluster is missing on the class"));
        Cluster shape = AnnotationSupport.findAnnotation(context.getRequiredTestMethod(), Cluster.class)
                .orElse(ofClass);
        // What is in a store is closed together with its test or class.
        return store(context).getOrComputeIfAbsent(key(context), key -> PnfsCluster.start(shape), PnfsCluster.class);
    }

    private static Store store(ExtensionContext test) {
        return (hasOwn(test) ? test : test.getParent().orElseThrow()).getStore(OURS);
    }

    /// The store of a test shows that of its class, too: what is the test's own needs a name of its own.
    private static Object key(ExtensionContext test) {
        return hasOwn(test) ? test.getRequiredTestMethod() : test.getRequiredTestClass();
    }

    private static boolean hasOwn(ExtensionContext test) {
        return AnnotationSupport.isAnnotated(test.getRequiredTestMethod(), Cluster.class);
    }

    @Override
    public void afterTestExecution(ExtensionContext context) throws IOException {
        PnfsCluster cluster = store(context).get(key(context), PnfsCluster.class);
        if (cluster == null) {
            return;
        }
        if (context.getExecutionException().isPresent()) {
            Path folder = LOGS.resolve(context.getRequiredTestMethod().getName());
            cluster.saveLogs(folder);
            context.publishReportEntry("logs", folder.toAbsolutePath().toString());
            store(context).remove(key(context));
            cluster.close();
        } else {
            cluster.disconnect();
        }
    }
}
