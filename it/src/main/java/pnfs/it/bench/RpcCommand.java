package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.cli.Table;

/// `pnfs bench rpc`.
@Command(
        name = "rpc",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Processor time of a server for a NULL call and for SEQUENCE+PUTFH+GETATTR, under three loads.")
public final class RpcCommand implements Callable<Integer> {
    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "3",
            description = "How long each load is measured, after as long a warm-up (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    private record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("null") List<RpcLoad.Result> nullCalls,
            @JsonProperty("sequence_putfh_getattr") List<RpcLoad.Result> getAttributes) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Duration time = Duration.ofSeconds(seconds);
        var report = new Report("rpc", RpcBench.run(time, time).loads(), CompoundBench.run(time, time));
        if (json) {
            Json.print(report);
            return 0;
        }
        var table = new Table("CALL", ">CONNECTIONS", ">SLOTS", ">CALLS/S", ">SERVER CPU US/CALL");
        report.nullCalls().forEach(load -> row(table, "NULL", load));
        report.getAttributes().forEach(load -> row(table, "SEQUENCE+PUTFH+GETATTR", load));
        System.out.print(table);
        return 0;
    }

    private static void row(Table table, String call, RpcLoad.Result load) {
        table.row(
                call,
                Integer.toString(load.connections()),
                Integer.toString(load.slots()),
                Long.toString(load.callsPerSecond()),
                String.format(Locale.ROOT, "%.2f", load.cpuMicros()));
    }
}
