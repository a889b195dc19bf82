package pnfs.mds;

import picocli.CommandLine;

/// The metadata server's process.
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new MdsCommand()).execute(args));
    }
}
