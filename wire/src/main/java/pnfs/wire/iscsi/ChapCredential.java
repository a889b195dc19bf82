package pnfs.wire.iscsi;

import java.nio.charset.StandardCharsets;

/// A name and the secret that proves it (RFC 7143 §12.1.3). Immutable; never shows the secret.
///
/// @param user 1 to 255 characters; need not be an iSCSI name
/// @param secret 12 to 255 characters: fewer than 96 bits may not be used without IPsec (RFC 7143 §9.2.1)
public record ChapCredential(String user, String secret) {
    private static final int MAX_BYTES = 255;
    private static final int MIN_SECRET_BYTES = 12;

    public ChapCredential {
        int secretBytes = secret.getBytes(StandardCharsets.UTF_8).length;
        if (user.isEmpty() || user.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
            throw new IllegalArgumentException("CHAP user of " + user.length() + " characters, may have 1 to 255");
        }
        if (secretBytes < MIN_SECRET_BYTES || secretBytes > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "CHAP secret of user " + user + " has " + secretBytes + " bytes, may have 12 to 255");
        }
    }

    byte[] secretBytes() {
        return secret.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "CHAP user " + user;
    }
}
