package pnfs.ds;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;

/// `pnfs format`: makes a region.
@Command(
        name = "format",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Makes a region: the file of persistent memory (or of an ordinary disk) that a data server serves.",
        footer = {
            "",
            "All space is taken by writing it once. A new region has an identity of its own (UUID, NAA) and reads zero.",
            "Example: pnfs format --size 1GiB /mnt/pmem0/region0"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:made", "1:refused or failed; the line on stderr says why and what to do", "2:wrong usage"})
public final class FormatCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "FILE",
            description = "The file to make, best on a DAX file system over persistent memory.")
    private Path file = Path.of("");

    @Option(
            names = "--size",
            required = true,
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Usable size, as in 512MiB or 1GiB: 1MiB to 64TiB, a whole number of blocks.")
    private long sizeBytes;

    @Option(
            names = "--block",
            paramLabel = "BYTES",
            defaultValue = "4096",
            description = "Logical block size, 4096 or 512 (default: ${DEFAULT-VALUE}). Layouts want 4096.")
    private int blockBytes;

    @Option(names = "--force", description = "Overwrite a file that is there. Its content is lost.")
    private boolean force;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() {
        RegionHeader header;
        try {
            header = RegionHeader.of(UUID.randomUUID(), blockBytes, sizeBytes);
        } catch (IllegalArgumentException outOfRange) {
            throw new ParameterException(spec.commandLine(), outOfRange.getMessage());
        }
        PrintWriter err = spec.commandLine().getErr();
        try {
            RegionFile.format(file, header, force ? IfPresent.OVERWRITE : IfPresent.REFUSE, percent(header, err));
        } catch (IOException refused) {
            err.println("pnfs format: " + refused.getMessage());
            return 1;
        }
        spec.commandLine()
                .getOut()
                .printf(
                        "formatted %s uuid=%s naa=%s bytes=%d block=%d%n",
                        file, header.uuid(), header.naa(), header.sizeBytes(), header.blockBytes());
        return 0;
    }

    /// Tells each tenth, on stderr, of what takes a while.
    private static LongConsumer percent(RegionHeader header, PrintWriter err) {
        long tenth = Math.max(1 << 28, header.fileBytes() / 10);
        return new LongConsumer() {
            private long next = tenth;

            @Override
            public void accept(long written) {
                if (written >= next && written < header.fileBytes()) {
                    err.printf("%s of %s written%n", ByteSize.text(written), ByteSize.text(header.fileBytes()));
                    err.flush();
                    next += tenth;
                }
            }
        };
    }
}
