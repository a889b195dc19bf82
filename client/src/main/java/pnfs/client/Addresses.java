package pnfs.client;

import java.net.InetSocketAddress;

/// Addresses as `host:port` or `[v6]:port`.
public final class Addresses {
    private Addresses() {}

    /// The address that `text` stands for, its host resolved.
    ///
    /// @throws IllegalArgumentException where it is none
    public static InetSocketAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        int port = port(text.substring(colon + 1));
        if (colon < 1 || port < 0) {
            throw new IllegalArgumentException("'" + text + "' is not HOST:PORT");
        }
        return new InetSocketAddress(text.substring(0, colon).replaceAll("^\\[|]$", ""), port);
    }

    /// The reverse of [#parse].
    public static String text(InetSocketAddress address) {
        String host = address.getHostString();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    static InetSocketAddress resolved(InetSocketAddress address) {
        return new InetSocketAddress(address.getHostString(), address.getPort());
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            return port <= 0xffff ? port : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
