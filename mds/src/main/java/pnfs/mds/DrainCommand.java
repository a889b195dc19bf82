package pnfs.mds;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import pnfs.wire.control.proto.Drain;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;

/// `pnfs mds drain`: has a running metadata server empty a data server.
@Command(
        name = "drain",
        description =
                "Empties a data server of a running cluster: nothing new is placed there, and what files have there"
                        + " moves to the others while clients go on. A restart of the metadata server does not end it.",
        footer = {"", "Example: pnfs mds drain ds3 --wait, then stop ds3, then pnfs mds remove ds3"})
final class DrainCommand implements Callable<Integer> {
    private static final long POLL_MILLIS = 500;

    @Mixin
    private RunningServer server = new RunningServer();

    @Parameters(
            paramLabel = "NAME",
            description = "A data server; one of its regions, as NAME/LUN or by its UUID; or a volume by its id. 'pnfs"
                    + " status' shows them all.")
    private String name = "";

    @Option(names = "--cancel", description = "Use it again. What has moved stays where it is now.")
    private boolean cancel;

    @Option(
            names = "--wait",
            description = "Show the progress until all is moved. Ending the command does not end the drain.")
    private boolean wait;

    @Override
    public Integer call() throws InterruptedException {
        return server.talk(ask -> {
            var drain = Drain.newBuilder().setName(name).setCancel(cancel);
            List<ByteString> meant =
                    ask.apply(Request.newBuilder().setDrain(drain)).getDrained().getDeviceIdsList();
            if (cancel) {
                server.say(name + ": in use again");
            } else {
                follow(ask, meant);
            }
        });
    }

    private void follow(Function<Request.Builder, Reply> ask, List<ByteString> meant) throws InterruptedException {
        String last = "";
        while (true) {
            List<Volume> volumes = ask
                    .apply(Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()))
                    .getStatus()
                    .getVolumesList()
                    .stream()
                    .filter(volume -> meant.contains(volume.getDeviceId()))
                    .toList();
            String now = progress(volumes);
            if (!now.equals(last)) {
                server.say(name + ": " + now);
                last = now;
            }
            if (!wait || volumes.stream().allMatch(volume -> !volume.getDraining() || volume.getDrained())) {
                return;
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    private static String progress(List<Volume> volumes) {
        if (volumes.stream().noneMatch(Volume::getDraining)) {
            return "not being drained any more";
        }
        if (volumes.stream().allMatch(volume -> !volume.getDraining() || volume.getDrained())) {
            return "drained; it may be stopped, and then 'pnfs mds remove' forgets it";
        }
        String waits = volumes.stream()
                .map(Volume::getWaitsFor)
                .filter(each -> !each.isEmpty())
                .findFirst()
                .map(each -> ", waits for " + each)
                .orElse("");
        long left = volumes.stream().mapToLong(Volume::getUsedBytes).sum();
        return "draining, " + (left >> 10) + " KiB left" + waits;
    }
}
