package pnfs.ds;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The data server as a program of its own. The `pnfs` launcher has the same commands among its others.
@Command(
        name = "pnfs-ds",
        mixinStandardHelpOptions = true,
        description = "A pNFS data server.",
        subcommands = {DsCommand.class, FormatCommand.class})
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main()).execute(arguments));
    }
}
