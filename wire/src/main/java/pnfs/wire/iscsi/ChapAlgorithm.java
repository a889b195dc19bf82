package pnfs.wire.iscsi;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/// How CHAP makes a response of a challenge and a secret (RFC 7143 §12.1.3; 7 is in IANA's registry). Rows stand
/// in the order in which we offer them.
public enum ChapAlgorithm {
    SHA_256(7, "SHA-256", 32),
    MD5(5, "MD5", 16);

    private final int wire;
    private final String digest;
    private final int bytes;

    ChapAlgorithm(int wire, String digest, int bytes) {
        this.wire = wire;
        this.digest = digest;
        this.bytes = bytes;
    }

    int wire() {
        return wire;
    }

    /// Bytes of a response, and of the challenges that we make for it.
    int bytes() {
        return bytes;
    }

    /// The value of CHAP_A that offers all of them, best first.
    static String offer() {
        return SHA_256.wire + "," + MD5.wire;
    }

    /// The first of a comma-separated list that we know; null when we know none.
    public static @Nullable ChapAlgorithm firstOf(String list) {
        for (String number : list.split(",", -1)) {
            for (ChapAlgorithm algorithm : values()) {
                if (OperationalKey.number(number) == algorithm.wire) {
                    return algorithm;
                }
            }
        }
        return null;
    }

    /// Digest over identifier, secret and challenge (RFC 1994 §4.1).
    byte[] respond(int identifier, byte[] secret, byte[] challenge) {
        try {
            var sum = MessageDigest.getInstance(digest);
            sum.update((byte) identifier);
            sum.update(secret);
            return sum.digest(challenge);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + digest, e);
        }
    }
}
