package pnfs.wire.xdr;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/// Immutable bytes with value equality: what XDR calls opaque, on the control path. Payloads travel as buffers
/// instead.
public final class Opaque implements Comparable<Opaque> {
    public static final Opaque EMPTY = new Opaque(new byte[0]);

    private final byte[] bytes;

    private Opaque(byte[] bytes) {
        this.bytes = bytes;
    }

    /// A copy of `bytes`.
    public static Opaque of(byte... bytes) {
        return bytes.length == 0 ? EMPTY : new Opaque(bytes.clone());
    }

    /// Takes `bytes` as they are: the caller gives them away.
    static Opaque owning(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new Opaque(bytes);
    }

    public static Opaque ofUtf8(String text) {
        return owning(text.getBytes(StandardCharsets.UTF_8));
    }

    public static Opaque ofHex(String hex) {
        return owning(HexFormat.of().parseHex(hex));
    }

    public int length() {
        return bytes.length;
    }

    public byte at(int index) {
        return bytes[index];
    }

    /// A copy.
    public byte[] toByteArray() {
        return bytes.clone();
    }

    /// Whether these bytes are a text in UTF-8.
    public boolean isUtf8() {
        for (byte b : bytes) {
            if (b < 0) { // beyond ASCII: what is not UTF-8 is replaced and comes back as other bytes
                return ofUtf8(utf8()).equals(this);
            }
        }
        return true;
    }

    public String utf8() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    void writeTo(XdrWriter out) {
        out.writeFixed(bytes);
    }

    @Override
    public int compareTo(Opaque other) {
        return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Opaque that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /// Lower-case hex, as packet traces show it.
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
