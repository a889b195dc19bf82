package pnfs.it.bench;

import picocli.CommandLine.Command;

/// `pnfs bench`.
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "Measures parts of the cluster on this machine.",
        subcommands = {
            RpcCommand.class,
            MdsBench.class,
            LayoutBench.class,
            RegionBench.class,
            IscsiBench.class,
            StateBench.class,
            RestartBench.class
        })
public final class Bench {}
