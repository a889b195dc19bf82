package pnfs.it.container;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/// Gives tests that have a [PnfsCluster] for a parameter a cluster: on a class one for all its tests, on a
/// method one of its own. A test that fails takes its cluster along; the next one gets another. Where no engine
/// answers, or the images lack that `deploy/try` makes, tests are skipped and say why; with `CI=true` they
/// fail. No image is ever pulled.
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(ClusterExtension.class)
public @interface Cluster {
    int dataServers() default 2;

    /// Of each data server, as `pnfs format` takes it.
    String regionSize() default "64MiB";

    /// Whether the store lies on a disk of its own, [PnfsCluster#storeDisk].
    boolean smallStore() default false;

    /// Whether each server has a clock of its own, [Node#setClock].
    boolean clocks() default false;

    /// Further options of `pnfs mds`.
    String[] mds() default {};
}
