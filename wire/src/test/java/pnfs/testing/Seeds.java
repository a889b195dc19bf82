package pnfs.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/// A property or model test: runs once a seed, with a [java.util.random.RandomGenerator] made from that seed as
/// its parameter. Seeds are 0, 1, 2, … so that each run of the build tests the same; `-Dseed=N` runs that one
/// alone, and `-Dseeds=N` runs N of them from a start of its own. A failure prints the command that repeats it.
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(SeedsExtension.class)
public @interface Seeds {
    /// How many seeds.
    int value();
}
