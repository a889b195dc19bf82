package pnfs.testing;

import java.lang.reflect.Method;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;

/// Runs a [Seeds] test.
final class SeedsExtension implements TestTemplateInvocationContextProvider {
    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        return context.getTestMethod()
                .map(method -> method.isAnnotationPresent(Seeds.class))
                .orElse(false);
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(ExtensionContext context) {
        Method method = context.getRequiredTestMethod();
        return seeds(method.getAnnotation(Seeds.class).value()).mapToObj(seed -> new OneSeed(seed, method));
    }

    private static LongStream seeds(int count) {
        String one = System.getProperty("seed");
        if (one != null) {
            return LongStream.of(Long.parseLong(one));
        }
        String many = System.getProperty("seeds");
        if (many != null) {
            long start = System.nanoTime() & 0xffff_ffffL;
            return LongStream.range(start, start + Long.parseLong(many));
        }
        return LongStream.range(0, count);
    }

    private record OneSeed(long seed, Method method) implements TestTemplateInvocationContext {
        @Override
        public String getDisplayName(int invocationIndex) {
            return "seed " + seed;
        }

        @Override
        public List<Extension> getAdditionalExtensions() {
            return List.of(new RandomParameter(seed), (TestExecutionExceptionHandler) (context, failure) -> {
                failure.addSuppressed(new Repeat(seed, method));
                throw failure;
            });
        }
    }

    private record RandomParameter(long seed) implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == RandomGenerator.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return new SplittableRandom(seed);
        }
    }

    /// Not an error of its own: the line that tells how to see the failure again.
    private static final class Repeat extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Repeat(long seed, Method method) {
            super(
                    "repeat with: mvn verify -Dseed=" + seed + " -Dtest='"
                            + method.getDeclaringClass().getSimpleName() + "#" + method.getName()
                            + "' -Dsurefire.failIfNoSpecifiedTests=false",
                    null,
                    false,
                    false);
        }
    }
}
