package pnfs.testing;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The floor plan of one module: its rooms, which rooms each may know, and which are shores, where waiting,
/// clocks and chance are allowed. A room also sees what the rooms it knows see.
public final class House {
    private static final Set<String> DRAWERS = Set.of("util", "common", "helper", "impl");
    /// What only a shore may call: time, chance and waiting.
    private static final Map<String, Set<String>> SHORE_CALLS = Map.of(
            "java.lang.System", Set.of("nanoTime", "currentTimeMillis"),
            "java.lang.Math", Set.of("random"),
            "java.lang.Thread", Set.of("sleep", "join", "start", "ofVirtual", "ofPlatform", "startVirtualThread"),
            "java.lang.Object", Set.of("wait"),
            "java.time.Instant", Set.of("now"),
            "java.time.Clock", Set.of("systemUTC", "systemDefaultZone"),
            "java.util.UUID", Set.of("randomUUID"),
            "java.util.concurrent.ThreadLocalRandom", Set.of("current"),
            "java.util.concurrent.CompletableFuture", Set.of("get", "join", "runAsync", "supplyAsync"),
            "java.util.concurrent.CountDownLatch", Set.of("await"));

    private final String root;
    private final Map<String, Set<String>> seenBy = new HashMap<>();
    private final Set<String> shores = new HashSet<>();

    private House(String root) {
        this.root = root;
    }

    /// The house whose rooms' packages begin with `root`, as `pnfs.mds`.
    public static House at(String root) {
        return new House(root);
    }

    /// A silent room that knows these rooms; they must be there already, so that no cycle can be drawn. `""` is
    /// the root package itself; a name with `pnfs.` in front is a package of another module, with all below it.
    public House room(String name, String... knows) {
        var seen = new TreeSet<String>();
        for (String other : knows) {
            seen.add(packageOf(other));
            if (!other.startsWith("pnfs.")) {
                Set<String> transitively = seenBy.get(packageOf(other));
                if (transitively == null) {
                    throw new IllegalArgumentException("room " + other + " is not there yet");
                }
                seen.addAll(transitively);
            }
        }
        seenBy.put(packageOf(name), seen);
        return this;
    }

    /// A room where noise is allowed.
    public House shore(String name, String... knows) {
        shores.add(packageOf(name));
        return room(name, knows);
    }

    /// Fails with every class that stands or looks where the plan does not allow it.
    public void check() {
        JavaClasses classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages(root);
        var wrong = new ArrayList<String>();
        for (JavaClass type : classes) {
            String room = type.getPackageName();
            Set<String> seen = seenBy.get(room);
            if (seen == null) {
                if (!room.equals("pnfs.wire.control.proto")) {
                    wrong.add(type.getName() + " stands in " + room
                            + ", which is no room of the plan (a new one needs a decision record)");
                }
                continue;
            }
            wrong.addAll(outlooks(type, room, seen));
        }
        if (!wrong.isEmpty()) {
            throw new AssertionError(String.join("\n", wrong));
        }
        if (!classes.isEmpty()) {
            noClasses()
                    .that()
                    .resideOutsideOfPackages(shores.toArray(String[]::new))
                    .and()
                    .resideOutsideOfPackage("pnfs.wire.control.proto")
                    .should()
                    .callMethodWhere(SHORE_CALL)
                    .allowEmptyShould(true)
                    .check(classes);
        }
    }

    private static List<String> outlooks(JavaClass type, String room, Set<String> seen) {
        var wrong = new TreeSet<String>();
        for (String drawer : DRAWERS) {
            if (room.endsWith("." + drawer)) {
                wrong.add(type.getName() + " lies in a drawer named " + drawer);
            }
        }
        type.getDirectDependenciesFromSelf().forEach(dependency -> {
            String target = dependency.getTargetClass().getPackageName();
            boolean ours = target.equals("pnfs") || target.startsWith("pnfs.");
            boolean proto = target.equals("pnfs.wire.control.proto") && seesBelow(seen, room, "pnfs.wire.control");
            if (ours && !proto && !target.equals(room) && !seesBelow(seen, room, target)) {
                wrong.add(room + " must not know " + target + ": " + dependency.getDescription());
            }
        });
        return List.copyOf(wrong);
    }

    private static boolean seesBelow(Set<String> seen, String room, String target) {
        if (target.equals(room) || seen.contains(target)) {
            return true;
        }
        // Packages of other modules are named with all below them.
        return seen.stream().anyMatch(package_ -> target.startsWith(package_ + ".") && isOtherModule(room, package_));
    }

    private static boolean isOtherModule(String room, String other) {
        return !module(room).equals(module(other));
    }

    private static String module(String package_) {
        int end = package_.indexOf('.', "pnfs.".length());
        return end < 0 ? package_ : package_.substring(0, end);
    }

    private static final DescribedPredicate<JavaCall<?>> SHORE_CALL =
            new DescribedPredicate<>("asks for the time, chance or waits, which is for shores only") {
                @Override
                public boolean test(JavaCall<?> call) {
                    return SHORE_CALLS
                            .getOrDefault(call.getTargetOwner().getName(), Set.of())
                            .contains(call.getTarget().getName());
                }
            };

    private String packageOf(String room) {
        if (room.startsWith("pnfs.")) {
            return room;
        }
        return room.isEmpty() ? root : root + "." + room;
    }
}
