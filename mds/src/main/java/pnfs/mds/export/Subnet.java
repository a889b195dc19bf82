package pnfs.mds.export;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/// Addresses that begin alike, as `10.1.0.0/16` or `fd00::/8`. Immutable.
final class Subnet {
    static final Subnet EVERYWHERE = new Subnet(new byte[0], 0);

    private final byte[] address;
    private final int bits;

    private Subnet(byte[] address, int bits) {
        this.address = address;
        this.bits = bits;
    }

    /// An address, or one with the number of bits that count.
    ///
    /// @throws IllegalArgumentException saying how to write it
    static Subnet parse(String text) {
        int slash = text.indexOf('/');
        String host = slash < 0 ? text : text.substring(0, slash);
        // Only what is an address by itself: a name would be looked up, and mean something else tomorrow.
        if (!host.matches("[0-9]+(\\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            throw wrong(text);
        }
        try {
            byte[] address = InetAddress.getByName(host).getAddress();
            int most = address.length * Byte.SIZE;
            int bits = slash < 0 ? most : Integer.parseInt(text.substring(slash + 1));
            if (bits < 0 || bits > most) {
                throw wrong(text);
            }
            return new Subnet(address, bits);
        } catch (UnknownHostException | NumberFormatException e) {
            throw wrong(text);
        }
    }

    boolean contains(InetAddress peer) {
        byte[] other = peer.getAddress();
        if (bits == 0 && address.length == 0) {
            return true;
        }
        int whole = bits / Byte.SIZE;
        if (other.length != address.length || !Arrays.equals(other, 0, whole, address, 0, whole)) {
            return false;
        }
        int rest = bits % Byte.SIZE;
        return rest == 0 || ((other[whole] ^ address[whole]) & 0xff) >>> (Byte.SIZE - rest) == 0;
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException("subnet '" + text + "': write it as 10.1.0.0/16 or fd00::/8");
    }
}
