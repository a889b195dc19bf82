package pnfs.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import pnfs.client.cli.Cat;
import pnfs.client.cli.Cp;
import pnfs.client.cli.Ls;
import pnfs.client.cli.Mkdir;
import pnfs.client.cli.Mv;
import pnfs.client.cli.Rm;
import pnfs.client.cli.Stat;
import pnfs.client.cli.Status;
import pnfs.ds.DsCommand;
import pnfs.ds.FormatCommand;
import pnfs.it.bench.Bench;
import pnfs.it.demo.Demo;
import pnfs.it.kernel.KernelTest;
import pnfs.it.process.Torture;
import pnfs.it.sim.SimCommand;
import pnfs.mds.FsckCommand;
import pnfs.mds.MdsCommand;

/// The `pnfs` command: every command of every module under one name.
@Command(
        name = "pnfs",
        mixinStandardHelpOptions = true,
        description =
                "A pNFS cluster in user space: a metadata server, data servers on persistent memory, and a client.",
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        exitCodeListHeading = "%nExit codes of every command:%n",
        exitCodeList = {"0:done", "1:failed; the last line on stderr says why and what to do", "2:wrong usage"})
public final class Pnfs {
    /// Those whose log an operator wants to read; the others speak for themselves.
    private static final Set<String> SERVERS = Set.of("mds", "ds");

    private static final String LOG_LEVEL = "pnfs.log";

    private static final List<Class<?>> COMMANDS = List.of(
            Demo.class,
            MdsCommand.class,
            DsCommand.class,
            FormatCommand.class,
            Ls.class,
            Cp.class,
            Cat.class,
            Stat.class,
            Mkdir.class,
            Mv.class,
            Rm.class,
            Status.class,
            FsckCommand.class,
            Bench.class,
            KernelTest.class,
            SimCommand.class,
            Torture.class,
            Completion.class);

    private Pnfs() {}

    public static void main(String[] arguments) {
        if (System.getProperty(LOG_LEVEL) == null) {
            boolean serves = arguments.length > 0 && SERVERS.contains(arguments[0]);
            System.setProperty(LOG_LEVEL, serves ? "INFO" : "WARN"); // read by logback.xml at the first logger
        }
        System.exit(commandLine(arguments).execute(arguments));
    }

    /// Knows all commands.
    static CommandLine commandLine() {
        return commandLine(COMMANDS);
    }

    /// Knows the command that is named first and no other: to describe them all takes longer than most of them
    /// run, and whoever waits for a server to start again waits for that, too. Where none is named it knows
    /// all.
    static CommandLine commandLine(String[] arguments) {
        List<Class<?>> named = COMMANDS.stream()
                .filter(command -> arguments.length > 0
                        && command.getAnnotation(Command.class).name().equals(arguments[0]))
                .toList();
        return commandLine(named.isEmpty() ? COMMANDS : named);
    }

    private static CommandLine commandLine(List<Class<?>> commands) {
        var root = new CommandLine(new Pnfs());
        commands.forEach(root::addSubcommand);
        versionOf(root);
        return root.setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command));
    }

    /// One version for all commands.
    private static void versionOf(CommandLine command) {
        command.getCommandSpec().versionProvider(new Version());
        command.getSubcommands().values().forEach(Pnfs::versionOf);
    }

    /// What the world refused is one line; what we did wrong is a stack.
    private static int failed(Exception failure, CommandLine command) {
        PrintWriter err = command.getErr();
        if (failure instanceof IOException) {
            String message = failure.getMessage();
            err.println(command.getCommandSpec().qualifiedName() + ": " + (message == null ? failure : message));
        } else {
            failure.printStackTrace(err);
        }
        return command.getCommandSpec().exitCodeOnExecutionException();
    }

    /// `pnfs --version`.
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            try (InputStream in = Pnfs.class.getResourceAsStream("version.txt")) {
                String version = in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
                return new String[] {"pnfs " + version + ", Java " + Runtime.version()};
            }
        }
    }

    /// `pnfs completion`.
    @Command(
            name = "completion",
            mixinStandardHelpOptions = true,
            description = "Write a completion script for bash and zsh: source <(./pnfs completion)")
    static final class Completion implements Runnable {
        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it before run()
        private CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().getOut().print(AutoComplete.bash("pnfs", Pnfs.commandLine()));
            spec.commandLine().getOut().flush();
        }
    }
}
