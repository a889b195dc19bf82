package pnfs.client;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How a [PnfsClient] behaves. Immutable; each `with…` gives a changed copy.
///
/// @param portals iSCSI portals where the volumes of layouts are looked for
/// @param control the metadata server's control port, which tells the portals of its data servers; null: only
///     `portals`
/// @param dataPath whether bytes go straight to the data servers
/// @param patience how long one call goes on asking a server that is away, in grace or busy
/// @param slots how many compounds may be outstanding; the server may grant fewer
/// @param events who is told about the work
public record ClientOptions(
        List<InetSocketAddress> portals,
        @Nullable InetSocketAddress control,
        DataPath dataPath,
        Duration patience,
        int slots,
        IoEvents events) {
    /// Which way the bytes of files go.
    public enum DataPath {
        /// Straight to and from the data servers; through the metadata server where that is not possible.
        LAYOUTS,
        /// Through the metadata server only.
        THROUGH_MDS
    }

    public ClientOptions {
        portals = List.copyOf(portals);
        if (slots < 1) {
            throw new IllegalArgumentException("slots " + slots + " under 1");
        }
    }

    public static ClientOptions defaults() {
        return new ClientOptions(List.of(), null, DataPath.LAYOUTS, Duration.ofMinutes(2), 32, IoEvents.NONE);
    }

    public ClientOptions withPortals(List<InetSocketAddress> addresses) {
        return new ClientOptions(addresses, control, dataPath, patience, slots, events);
    }

    public ClientOptions withControl(InetSocketAddress address) {
        return new ClientOptions(portals, address, dataPath, patience, slots, events);
    }

    public ClientOptions throughMds() {
        return new ClientOptions(portals, control, DataPath.THROUGH_MDS, patience, slots, events);
    }

    public ClientOptions withPatience(Duration limit) {
        return new ClientOptions(portals, control, dataPath, limit, slots, events);
    }

    public ClientOptions withEvents(IoEvents listener) {
        return new ClientOptions(portals, control, dataPath, patience, slots, listener);
    }
}
