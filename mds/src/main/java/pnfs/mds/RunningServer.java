package pnfs.mds;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// The metadata server that a command talks to, and how it is asked.
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:refused; the line on stderr says why and what to do", "2:wrong usage"})
final class RunningServer {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @Spec(Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Option(
            names = "--control",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:PNFS_CONTROL}",
            converter = MdsCommand.AddressConverter.class,
            description = "The metadata server's control port (environment: PNFS_CONTROL).")
    private @Nullable InetSocketAddress control;

    /// What a command does while it is connected.
    @FunctionalInterface
    interface Conversation {
        /// Asks what it wants to know, and says what it heard.
        ///
        /// @param ask answers a request, or throws why it was refused
        void hold(Function<Request.Builder, Reply> ask) throws InterruptedException;
    }

    /// Asks for what answers within seconds.
    ///
    /// @return the exit code
    int talk(Conversation conversation) throws InterruptedException {
        return talk(PATIENCE, conversation);
    }

    /// Asks for what may take its time.
    ///
    /// @param patience how long each answer may take
    /// @return the exit code
    int talk(Duration patience, Conversation conversation) throws InterruptedException {
        if (control == null) {
            throw new ParameterException(spec.commandLine(), "--control HOST:PORT: missing");
        }
        try (var transport = new ControlTransport("command")) {
            ControlLink link = transport.connect(control, ControlHandler.refusing(), PATIENCE);
            conversation.hold(request -> link.ask(request.build(), patience).join());
            return 0;
        } catch (IOException | CompletionException refused) {
            Throwable why = refused.getCause() instanceof ControlException known ? known : refused;
            spec.commandLine().getErr().println(spec.qualifiedName() + ": " + why.getMessage());
            return 1;
        }
    }

    void say(String line) {
        spec.commandLine().getOut().println(line);
        spec.commandLine().getOut().flush();
    }
}
