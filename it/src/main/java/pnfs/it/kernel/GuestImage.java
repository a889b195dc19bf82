package pnfs.it.kernel;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The guest as files: the scripts of `deploy/kernel`, the root image, and a kernel with what it needs. Immutable.
///
/// @param scripts `deploy/kernel`
/// @param made what `deploy/kernel/build` made of the kernel: `linux`, `version`, and where the kernel has modules
///     `modules.img` and `initramfs`
public record GuestImage(Path scripts, Path root, Path made) {
    /// Needs no compiler, and so is what everybody has.
    public static final String DEFAULT_KERNEL = "debian-uml";

    /// Kernels that `deploy/kernel/build` knows to make.
    public static final List<String> KERNELS = List.of(DEFAULT_KERNEL, "cloud-6.12", "6.12", "7.2");

    /// Where a kernel of somebody's own is kept until the next.
    private static final String OWN = "own";

    private static final String SCRIPTS = "deploy/kernel";
    private static final String ROOT_PROPERTY = "pnfs.root";

    /// Builds what is missing, which takes a minute or two the first time.
    ///
    /// @param kernel one of [#KERNELS], or the file of a User-Mode Linux program or bzImage
    /// @param modules of a kernel given as a file: where they were installed; null where all is built in
    /// @throws IOException with the builder's last words when it cannot be built here
    public static GuestImage build(String kernel, @Nullable Path modules, Path cache) throws IOException {
        Path scripts = findScripts();
        var arguments = new ArrayList<>(List.of("--cache", cache.toString()));
        if (modules != null) {
            arguments.addAll(List.of("--modules", modules.toString()));
        }
        arguments.add(kernel);
        runBuild(scripts, arguments);
        return new GuestImage(
                scripts, cache.resolve("root.img"), cache.resolve(KERNELS.contains(kernel) ? kernel : OWN));
    }

    Path kernel() {
        return made.resolve("linux");
    }

    /// `uname -r` of it.
    public String version() throws IOException {
        return Files.readString(made.resolve("version")).strip();
    }

    Optional<Path> modules() {
        return there("modules.img");
    }

    /// What an emulated machine needs to find its disks.
    Optional<Path> initramfs() {
        return there("initramfs");
    }

    private Optional<Path> there(String name) {
        return Optional.of(made.resolve(name)).filter(Files::exists);
    }

    /// Where guests are kept between runs: `PNFS_KERNEL_CACHE`, or a folder of the user's.
    public static Path defaultCache() {
        return Optional.ofNullable(System.getenv("PNFS_KERNEL_CACHE"))
                .map(Path::of)
                .orElseGet(() -> Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                        .map(Path::of)
                        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("pnfs-kernel"));
    }

    /// The launcher says where the repository is; Maven runs tests inside it.
    private static Path findScripts() throws IOException {
        String root = System.getProperty(ROOT_PROPERTY);
        Path from = Path.of(root == null ? "" : root).toAbsolutePath();
        for (Path at = from; at != null; at = at.getParent()) {
            if (Files.isExecutable(at.resolve(SCRIPTS).resolve("build"))) {
                return at.resolve(SCRIPTS);
            }
        }
        throw new IOException("no " + SCRIPTS + " at or above " + from + "; run ./pnfs of the repository");
    }

    private static void runBuild(Path scripts, List<String> arguments) throws IOException {
        var command = new ArrayList<String>();
        command.add(scripts.resolve("build").toString());
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        var said = new ArrayList<String>();
        try (var lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                System.err.println(line);
                said.add(line);
            }
            if (process.waitFor() != 0) {
                throw new IOException("the guest cannot be built here: " + String.join("; ", said));
            }
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the guest was built");
        }
    }
}
