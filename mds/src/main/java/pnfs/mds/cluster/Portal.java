package pnfs.mds.cluster;

import java.util.Optional;
import java.util.regex.Pattern;

/// Where clients reach a data server's iSCSI target.
///
/// @param host a name or an address; an IPv6 address without its brackets
public record Portal(String host, int port) {
    static final int MAX_BYTES = 255;
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");

    /// Reads `host:port` or `[v6]:port`; nothing when it is neither.
    static Optional<Portal> parse(String text) {
        int colon = text.lastIndexOf(':');
        if (text.length() > MAX_BYTES
                || colon < 1
                || !PORT.matcher(text.substring(colon + 1)).matches()) {
            return Optional.empty();
        }
        String host = text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        int port = Integer.parseInt(text.substring(colon + 1));
        if (port < 1 || port > 0xffff || (host.indexOf(':') >= 0 && !bracketed)) {
            return Optional.empty();
        }
        return Optional.of(new Portal(bracketed ? host.substring(1, host.length() - 1) : host, port));
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
