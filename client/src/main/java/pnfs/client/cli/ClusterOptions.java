package pnfs.client.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import picocli.CommandLine.TypeConversionException;
import pnfs.client.Addresses;
import pnfs.client.ClientOptions;
import pnfs.client.PnfsClient;

/// Where the cluster is: the options that every command of a user has.
@Command(
        mixinStandardHelpOptions = true,
        sortOptions = false,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed; the line on stderr says why and what to do", "2:wrong usage"})
public final class ClusterOptions {
    @Spec(Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(
            names = "--mds",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:PNFS_MDS}",
            converter = AddressConverter.class,
            description = "The metadata server's NFS port (environment: PNFS_MDS).")
    private @Nullable InetSocketAddress mds;

    @Option(
            names = "--control",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:PNFS_CONTROL}",
            converter = AddressConverter.class,
            description = "The metadata server's control port, which tells where its data servers are"
                    + " (environment: PNFS_CONTROL).")
    private @Nullable InetSocketAddress control;

    @Option(
            names = "--portal",
            paramLabel = "HOST:PORT",
            converter = AddressConverter.class,
            description = "An iSCSI portal of a data server, where --control is not given. Repeatable.")
    private List<InetSocketAddress> portals = new ArrayList<>();

    @Option(names = "--through-mds", description = "Send all bytes through the metadata server.")
    private boolean throughMds;

    PnfsClient connect() throws IOException {
        return PnfsClient.connect(required(mds, "--mds HOST:PORT", "PNFS_MDS"), clientOptions());
    }

    ClientOptions clientOptions() {
        ClientOptions options = ClientOptions.defaults().withPortals(portals);
        if (control != null) {
            options = options.withControl(control);
        }
        return throughMds ? options.throughMds() : options;
    }

    InetSocketAddress control() {
        return required(control, "--control HOST:PORT", "PNFS_CONTROL");
    }

    private InetSocketAddress required(@Nullable InetSocketAddress address, String option, String variable) {
        if (address == null) {
            throw new ParameterException(
                    commandSpec().commandLine(),
                    "no metadata server: give " + option + ", or set " + variable + " once for all commands");
        }
        return address;
    }

    private CommandSpec commandSpec() {
        if (spec == null) {
            throw new IllegalStateException("options that belong to no command");
        }
        return spec;
    }

    /// `host:port`, `[v6]:port`.
    static final class AddressConverter implements ITypeConverter<InetSocketAddress> {
        @Override
        public InetSocketAddress convert(String text) {
            try {
                return Addresses.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
