package pnfs.ds;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import pnfs.ds.agent.FaultWire;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultRule;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.ClearFaults;
import pnfs.wire.control.proto.FaultReport;
import pnfs.wire.control.proto.FaultsQuery;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// `pnfs ds fault`: lets commands to a running data server go wrong on purpose.
@Command(
        name = "fault",
        mixinStandardHelpOptions = true,
        description = "Lets commands to a running data server go wrong on purpose, to test its clients.",
        subcommands = {FaultCommand.Add.class, FaultCommand.Listing.class, FaultCommand.Clear.class},
        footer = {"", "The data server must have been started with --control HOST:PORT."})
final class FaultCommand {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private FaultCommand() {}

    /// Where the data server is.
    @Command(
            mixinStandardHelpOptions = true,
            sortOptions = false,
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {"0:done", "1:refused; the line on stderr says why and what to do", "2:wrong usage"})
    static final class Server {
        @Spec(Target.MIXEE)
        @SuppressWarnings("NullAway.Init") // picocli sets it before call()
        private CommandSpec spec;

        @Option(
                names = "--control",
                required = true,
                paramLabel = "HOST:PORT",
                defaultValue = "${env:PNFS_DS_CONTROL}",
                converter = HostPort.Converter.class,
                description = "The data server's control port (environment: PNFS_DS_CONTROL).")
        private @Nullable HostPort control;

        /// Asks, and prints what is made of the answer, or why there is none.
        int ask(Request.Builder request, Function<Reply, String> text) {
            if (control == null) {
                throw new ParameterException(spec.commandLine(), "--control: missing");
            }
            try (var transport = new ControlTransport("fault")) {
                ControlLink link = transport.connect(control.resolved(), ControlHandler.refusing(), PATIENCE);
                spec.commandLine()
                        .getOut()
                        .print(text.apply(link.ask(request.build(), PATIENCE).join()));
                spec.commandLine().getOut().flush();
                return 0;
            } catch (IOException | CompletionException refused) {
                Throwable why = refused.getCause() instanceof ControlException known ? known : refused;
                spec.commandLine().getErr().println(spec.qualifiedName() + ": " + why.getMessage());
                return 1;
            }
        }
    }

    /// `pnfs ds fault add`.
    @Command(
            name = "add",
            description = "Sets a fault for the commands that the options name; all of them without any.",
            footer = {
                "",
                "  delay=TIME         done, and answered so much later (200ms, 5s)",
                "  drop               done, and never answered: a stuck command",
                "  fail=KEY/ASC/ASCQ  not done; CHECK CONDITION with this sense, in hex (3/11/00)",
                "  fail=STATUS        not done; busy, conflict, full or aborted",
                "  short=BYTES        a READ moves so many bytes at most, and says GOOD",
                "  reset              not done; the connection is closed",
                "  torn=prefix        power cut: the process ends with a WRITE of which the",
                "                     first so many cache lines have landed",
                "  torn=subset        the same, but any of them may have;",
                "                     a WRITE ATOMIC is whole or absent after a restart",
                "Example: pnfs ds fault add fail=3/11/00 --command read --blocks 16-31"
            })
    static final class Add implements Callable<Integer> {
        @Mixin
        private Server server = new Server();

        @Parameters(paramLabel = "FAULT", converter = FaultText.class, description = "How they go wrong; see below.")
        @SuppressWarnings("NullAway.Init") // picocli sets it before call()
        private Fault fault;

        @Option(
                names = "--command",
                paramLabel = "NAME",
                defaultValue = "",
                description = "Without the size of its CDB: read, write, write_same, inquiry, preempt_and_abort, ...")
        private String command = "";

        @Option(names = "--lun", paramLabel = "N", description = "Those to this logical unit.")
        private int lun = FaultRule.ANY;

        @Option(
                names = "--blocks",
                paramLabel = "FIRST-LAST",
                converter = FaultText.Blocks.class,
                description = "Those that touch one of these blocks.")
        private FaultRule.Blocks blocks = FaultRule.Blocks.ALL;

        @Option(names = "--initiator", paramLabel = "IQN", defaultValue = "", description = "Those of this initiator.")
        private String initiator = "";

        @Option(names = "--every", paramLabel = "N", description = "Each N-th of them.")
        private int every = 1;

        @Option(names = "--probability", paramLabel = "P", description = "Those by chance: over 0, 1 at most.")
        private double probability = 1;

        @Option(
                names = "--seed",
                paramLabel = "N",
                description =
                        "Of that chance, and of a torn write (default: 0). The same seed strikes the same commands.")
        private long seed;

        @Option(names = "--times", paramLabel = "N", description = "So often at most (default: without end).")
        private int times;

        @Override
        public Integer call() {
            FaultRule rule;
            try {
                rule = new FaultRule(fault, command, lun, blocks, initiator, every, probability, seed, times);
            } catch (IllegalArgumentException wrong) {
                throw new ParameterException(server.spec.commandLine(), wrong.getMessage(), wrong);
            }
            return server.ask(
                    Request.newBuilder().setAddFault(FaultWire.spec(rule)),
                    reply -> "fault " + reply.getFaultAdded().getId() + " set: " + line(rule));
        }
    }

    /// `pnfs ds fault list`.
    @Command(name = "list", description = "The faults that are set, and how often each has struck.")
    static final class Listing implements Callable<Integer> {
        @Mixin
        private Server server = new Server();

        @Override
        public Integer call() {
            return server.ask(
                    Request.newBuilder().setFaults(FaultsQuery.getDefaultInstance()),
                    reply -> table(reply.getFaults().getFaultsList()));
        }

        private static String table(Iterable<FaultReport> reports) {
            var text = new StringBuilder();
            for (FaultReport report : reports) {
                text.append("fault %d struck %d of %d: %s"
                        .formatted(
                                report.getId(),
                                report.getStruck(),
                                report.getSeen(),
                                line(FaultWire.rule(report.getRule()))));
            }
            return text.isEmpty() ? "no faults" + System.lineSeparator() : text.toString();
        }
    }

    private static String line(FaultRule rule) {
        return (FaultText.of(rule.fault()) + " " + FaultText.conditions(rule)).strip() + System.lineSeparator();
    }

    /// `pnfs ds fault clear`.
    @Command(name = "clear", description = "Takes a fault away, or all. Commands that it has stuck stay stuck.")
    static final class Clear implements Callable<Integer> {
        @Mixin
        private Server server = new Server();

        @Parameters(arity = "0..1", paramLabel = "ID", description = "Its number, as 'list' shows it (default: all).")
        private int id;

        @Override
        public Integer call() {
            return server.ask(
                    Request.newBuilder().setClearFaults(ClearFaults.newBuilder().setId(id)),
                    reply -> "cleared " + reply.getFaultsCleared().getCount() + System.lineSeparator());
        }
    }
}
