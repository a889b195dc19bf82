package pnfs.it.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import pnfs.it.process.Folders;

/// `pnfs kernel-test`: real Linux clients against a cluster on this machine.
@Command(
        name = "kernel-test",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Boots a guest with an unmodified Linux kernel, mounts a cluster that runs on this machine's loopback, and runs",
            "scenarios: layouts, disks, locks, crashes. Fails on wrong bytes, on data that went the wrong way, and on any",
            "warning of the kernel. The first run builds the guest from Debian packages, in a minute or two."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:everything held", "1:something did not; the last lines say what", "2:wrong usage"},
        footer = {
            "%nExamples, with a kernel of your own, as User-Mode Linux and as it is:",
            "  pnfs kernel-test --only scsi --kernel ~/linux/linux",
            "  pnfs kernel-test --only scsi --kernel ~/linux/arch/x86/boot/bzImage --modules ~/installed"
        })
public final class KernelTest implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Option(names = "--list", description = "Only say which scenarios there are.")
    private boolean list;

    @Option(names = "--only", paramLabel = "NAME", split = ",", description = "Run these, not all.")
    private List<String> only = List.of();

    @Option(
            names = "--kernel",
            paramLabel = "KERNEL",
            defaultValue = GuestImage.DEFAULT_KERNEL,
            description =
                    "debian-uml, which is 6.1 and quick; cloud-6.12, emulated and slow; 6.12 or 7.2, compiled once in ten"
                            + " minutes; or the file of your own User-Mode Linux program or bzImage"
                            + " (default: ${DEFAULT-VALUE}).")
    private String kernel = GuestImage.DEFAULT_KERNEL;

    @Option(
            names = "--modules",
            paramLabel = "FOLDER",
            description = "Modules of your own kernel: what 'make modules_install INSTALL_MOD_PATH=FOLDER' filled, or"
                    + " /lib/modules/VERSION. Not needed when all is built in.")
    private @Nullable Path modules;

    @Option(
            names = "--cache",
            paramLabel = "FOLDER",
            description =
                    "Where guests are kept (default: $PNFS_KERNEL_CACHE, or pnfs-kernel in the user's cache folder).")
    private @Nullable Path cache;

    @Option(
            names = "--out",
            paramLabel = "FOLDER",
            description = "Keep logs, dmesg and mountstats here, also of what went well.")
    private @Nullable Path out;

    @Override
    public Integer call() throws IOException {
        List<Scenario> wanted = wanted();
        if (list) {
            wanted.forEach(scenario -> System.out.printf("%-12s %s%n", scenario.name(), scenario.summary()));
            return 0;
        }
        GuestImage image = GuestImage.build(kernel, modules, cache == null ? GuestImage.defaultCache() : cache);
        Path folder = out == null ? Files.createTempDirectory("pnfs-kernel-") : out;
        var failures = new TreeMap<String, List<String>>();
        for (Scenario scenario : wanted) {
            ScenarioRun.Outcome outcome = run(image, scenario, folder.resolve(scenario.name()));
            if (!outcome.ok()) {
                failures.put(scenario.name(), outcome.failures());
            } else if (out == null) {
                Folders.delete(folder.resolve(scenario.name())); // a gigabyte of regions
            }
        }
        return conclude(wanted.size(), image.version(), failures, folder);
    }

    private List<Scenario> wanted() {
        List<Scenario> all = Scenario.all();
        for (String name : only) {
            if (all.stream().noneMatch(scenario -> scenario.name().equals(name))) {
                throw new ParameterException(spec.commandLine(), "no scenario '" + name + "'; --list names them");
            }
        }
        return all.stream()
                .filter(scenario -> only.isEmpty() || only.contains(scenario.name()))
                .toList();
    }

    private static ScenarioRun.Outcome run(GuestImage image, Scenario scenario, Path folder) throws IOException {
        System.out.println("== " + scenario.name() + ": " + scenario.summary());
        long begun = System.nanoTime();
        ScenarioRun.Outcome outcome = ScenarioRun.run(image, scenario, folder, System.out::println);
        long seconds = Duration.ofNanos(System.nanoTime() - begun).toSeconds();
        outcome.failures().forEach(failure -> System.out.println("   FAILED " + failure));
        System.out.println("== " + scenario.name() + (outcome.ok() ? " held" : " failed") + " after " + seconds + " s "
                + new TreeMap<>(outcome.measured()));
        return outcome;
    }

    private Integer conclude(int scenarios, String version, Map<String, List<String>> failures, Path folder)
            throws IOException {
        if (failures.isEmpty()) {
            if (out == null) {
                Folders.delete(folder);
            }
            System.out.println(
                    "kernel-test: " + scenarios + " of " + scenarios + " scenarios held with Linux " + version);
            return 0;
        }
        System.out.println("kernel-test: " + failures.size() + " of " + scenarios + " scenarios failed with Linux "
                + version + ": " + String.join(", ", failures.keySet()) + "; logs are in " + folder);
        return 1;
    }
}
