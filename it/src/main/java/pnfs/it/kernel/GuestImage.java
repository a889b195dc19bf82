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

/// The guest as files: the scripts of `deploy/kernel`, the root image, a kernel and its modules. Immutable.
///
/// @param scripts `deploy/kernel`
/// @param modules image of the kernel's modules; null for a kernel that has everything built in
/// @param kernelName what the user calls it
public record GuestImage(
        Path scripts, Path root, Path kernel, @Nullable Path modules, String kernelName) {
    /// Needs no compiler, and so is what everybody has.
    public static final String DEFAULT_KERNEL = "debian-uml";

    /// Kernels that `deploy/kernel/build` knows to make.
    public static final List<String> KERNELS = List.of(DEFAULT_KERNEL, "6.12", "7.2");

    private static final String SCRIPTS = "deploy/kernel";
    private static final String ROOT_PROPERTY = "pnfs.root";

    /// Builds what is missing, which takes a minute or two the first time.
    ///
    /// @param kernel one of [#KERNELS], or the file of a User-Mode Linux program or bzImage
    /// @param modules of a kernel given as a file: an ext4 image whose top holds `VERSION/…`
    /// @throws IOException with the builder's last words when it cannot be built here
    public static GuestImage build(String kernel, @Nullable Path modules, Path cache) throws IOException {
        Path scripts = findScripts();
        boolean ours = KERNELS.contains(kernel);
        runBuild(scripts, cache, ours ? kernel : "root");
        Path root = cache.resolve("root.img");
        if (!ours) {
            Path file = Path.of(kernel);
            if (!Files.isReadable(file)) {
                throw new IOException("no kernel " + kernel + ": give one of " + String.join(", ", KERNELS)
                        + ", or the file of a User-Mode Linux program or bzImage");
            }
            return new GuestImage(scripts, root, file, modules, kernel);
        }
        Path folder = cache.resolve(kernel);
        Path itsModules = folder.resolve("modules.img");
        return new GuestImage(
                scripts, root, folder.resolve("linux"), Files.exists(itsModules) ? itsModules : null, kernel);
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

    private static void runBuild(Path scripts, Path cache, String kernel) throws IOException {
        var command = new ArrayList<String>();
        command.add(scripts.resolve("build").toString());
        command.addAll(List.of("--cache", cache.toString(), kernel));
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
