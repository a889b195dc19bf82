package pnfs.mds;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Drain;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;

/// `pnfs mds drain`: has a running metadata server empty a data server.
@Command(
        name = "drain",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Empties a data server of a running cluster: nothing new is placed there, and what files have there"
                        + " moves to the others while clients go on. A restart of the metadata server does not end it.",
        footer = {"", "Example: pnfs mds drain ds3 --wait && ... stop ds3 ... && pnfs mds remove ds3"},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:refused; the line on stderr says why and what to do", "2:wrong usage"})
final class DrainCommand implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long POLL_MILLIS = 500;

    @Parameters(
            paramLabel = "NAME",
            description = "A data server; one of its regions, as NAME/LUN or by its UUID; or a volume by its id. 'pnfs"
                    + " status' shows them all.")
    private String name = "";

    @Option(
            names = "--control",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:PNFS_CONTROL}",
            converter = MdsCommand.AddressConverter.class,
            description = "The metadata server's control port (environment: PNFS_CONTROL).")
    private @Nullable InetSocketAddress control;

    @Option(names = "--cancel", description = "Use it again. What has moved stays where it is now.")
    private boolean cancel;

    @Option(
            names = "--wait",
            description = "Show the progress until all is moved. Ending the command does not end the drain.")
    private boolean wait;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        if (control == null) {
            throw new ParameterException(spec.commandLine(), "--control HOST:PORT: missing");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (var transport = new ControlTransport("drain")) {
            ControlLink link = transport.connect(control, ControlHandler.refusing(), PATIENCE);
            var drain = Drain.newBuilder().setName(name).setCancel(cancel);
            var meant =
                    ask(link, Request.newBuilder().setDrain(drain)).getDrained().getDeviceIdsList();
            if (cancel) {
                out.println(name + ": in use again");
                out.flush();
                return 0;
            }
            String last = "";
            while (true) {
                List<Volume> volumes = ask(link, Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()))
                        .getStatus()
                        .getVolumesList()
                        .stream()
                        .filter(volume -> meant.contains(volume.getDeviceId()))
                        .toList();
                String now = progress(volumes);
                if (!now.equals(last)) {
                    out.println(name + ": " + now);
                    out.flush();
                    last = now;
                }
                if (!wait || volumes.stream().allMatch(volume -> !volume.getDraining() || volume.getUsedBytes() == 0)) {
                    return 0;
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (IOException | CompletionException refused) {
            Throwable why = refused.getCause() instanceof ControlException known ? known : refused;
            spec.commandLine().getErr().println(spec.qualifiedName() + ": " + why.getMessage());
            return 1;
        }
    }

    private static Reply ask(ControlLink link, Request.Builder request) {
        return link.ask(request.build(), PATIENCE).join();
    }

    private static String progress(List<Volume> volumes) {
        long left = volumes.stream().mapToLong(Volume::getUsedBytes).sum();
        if (volumes.stream().noneMatch(Volume::getDraining)) {
            return "not being drained any more";
        }
        if (left == 0) {
            return "drained; it may be stopped, and then 'pnfs mds remove' forgets it";
        }
        String waits = volumes.stream()
                .map(Volume::getWaitsFor)
                .filter(each -> !each.isEmpty())
                .findFirst()
                .map(each -> ", waits for " + each)
                .orElse("");
        return "draining, " + (left >> 10) + " KiB left" + waits;
    }
}
