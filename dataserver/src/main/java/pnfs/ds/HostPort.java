package pnfs.ds;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// An address on the command line: `host:port`, an IPv6 address in brackets.
///
/// @param host name or address, without brackets
/// @param port 0 to 65535
record HostPort(String host, int port) {
    private static final Pattern TEXT = Pattern.compile("(?:\\[([0-9A-Fa-f:.%]+)]|([^:\\[\\]]+)):([0-9]{1,5})");

    static final class Converter implements ITypeConverter<HostPort> {
        @Override
        public HostPort convert(String text) {
            var match = TEXT.matcher(text);
            if (!match.matches() || Integer.parseInt(match.group(3)) > 0xffff) {
                throw new TypeConversionException(
                        "'" + text + "' is no address: write HOST:PORT, as in 127.0.0.1:3260 or [::1]:3260");
            }
            String host = match.group(1) == null ? match.group(2) : match.group(1);
            return new HostPort(host, Integer.parseInt(match.group(3)));
        }
    }

    static HostPort of(InetSocketAddress address) {
        return new HostPort(address.getAddress().getHostAddress(), address.getPort());
    }

    /// Whether this stands for all addresses of a machine, which nobody can connect to.
    boolean isWildcard() {
        return host.equals("0.0.0.0") || host.equals("::") || host.equals("*");
    }

    /// Looks the name up.
    InetSocketAddress resolved() throws UnknownHostException {
        return new InetSocketAddress(InetAddress.getByName(host), port);
    }

    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
