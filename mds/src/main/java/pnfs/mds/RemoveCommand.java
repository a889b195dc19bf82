package pnfs.mds;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import pnfs.wire.control.proto.Remove;
import pnfs.wire.control.proto.Request;

/// `pnfs mds remove`: has a running metadata server forget a data server.
@Command(
        name = "remove",
        description = "Forgets a data server that is drained and has stopped. Started again, it is a new one.")
final class RemoveCommand implements Callable<Integer> {
    @Mixin
    private RunningServer server = new RunningServer();

    @Parameters(paramLabel = "NAME", description = "As of 'pnfs mds drain'.")
    private String name = "";

    @Override
    public Integer call() throws InterruptedException {
        return server.talk(ask -> {
            var _ = ask.apply(Request.newBuilder().setRemove(Remove.newBuilder().setName(name)));
            server.say(name + ": forgotten");
        });
    }
}
