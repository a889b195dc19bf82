package pnfs.wire.iscsi;

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One direction of CHAP (RFC 7143 §12.1.3): what one end asks, and how the other proves that it knows a secret
/// without telling it. Used by both ends. Immutable.
public final class ChapChallenge {
    public static final String METHOD = "CHAP";
    public static final String ALGORITHM = "CHAP_A";
    public static final String USER = "CHAP_N";
    private static final String RESPONSE = "CHAP_R";
    private static final String IDENTIFIER = "CHAP_I";
    private static final String CHALLENGE = "CHAP_C";
    /// None of them is negotiated.
    static final Set<String> KEYS = Set.of(ALGORITHM, USER, RESPONSE, IDENTIFIER, CHALLENGE);

    /// Not of a seed: whoever can guess a challenge can have it answered before.
    private static final SecureRandom RANDOM = new SecureRandom();

    /// No binary value of a login is longer (RFC 7143 §12.1.3).
    private static final int MAX_BYTES = 1024;

    private static final int MAX_IDENTIFIER = 255;

    private final ChapAlgorithm algorithm;
    private final int identifier;
    private final byte[] challenge;

    private ChapChallenge(ChapAlgorithm algorithm, int identifier, byte[] challenge) {
        this.algorithm = algorithm;
        this.identifier = identifier;
        this.challenge = challenge;
    }

    /// A new one, as long as the algorithm's responses.
    public static ChapChallenge make(ChapAlgorithm algorithm) {
        var challenge = new byte[algorithm.bytes()];
        RANDOM.nextBytes(challenge);
        return new ChapChallenge(algorithm, RANDOM.nextInt(MAX_IDENTIFIER + 1), challenge);
    }

    /// Whether the peer asks for a proof.
    public static boolean isIn(LoginKeys keys) {
        return keys.get(IDENTIFIER) != null || keys.get(CHALLENGE) != null;
    }

    /// Reads what the peer asks.
    ///
    /// @throws IscsiException when half of it is missing or out of range
    public static ChapChallenge read(ChapAlgorithm algorithm, LoginKeys keys) {
        String identifier = keys.get(IDENTIFIER);
        String challenge = keys.get(CHALLENGE);
        if (identifier == null || challenge == null) {
            throw new IscsiException("CHAP_I and CHAP_C come together");
        }
        long number = OperationalKey.number(identifier);
        if (number < 0 || number > MAX_IDENTIFIER) {
            throw new IscsiException("CHAP_I is no number of 0 to " + MAX_IDENTIFIER);
        }
        byte[] bytes = binary(challenge);
        if (bytes == null || bytes.length == 0) {
            throw new IscsiException("CHAP_C is no binary value of 1 to " + MAX_BYTES + " bytes");
        }
        return new ChapChallenge(algorithm, (int) number, bytes);
    }

    /// CHAP_I and CHAP_C.
    public LoginKeys keys() {
        return LoginKeys.of(IDENTIFIER, Integer.toString(identifier), CHALLENGE, text(challenge));
    }

    /// CHAP_A, for the end that chose it.
    public LoginKeys algorithmKey() {
        return LoginKeys.of(ALGORITHM, Integer.toString(algorithm.wire()));
    }

    /// CHAP_N and CHAP_R: the proof that we are this user.
    public LoginKeys answer(ChapCredential us) {
        byte[] response = algorithm.respond(identifier, us.secretBytes(), challenge);
        return LoginKeys.of(USER, us.user(), RESPONSE, text(response));
    }

    /// Whether the peer has proved to be this user. Takes the same time however much of a response is right.
    public boolean isAnsweredBy(ChapCredential peer, LoginKeys keys) {
        String text = keys.get(RESPONSE);
        byte[] response = text == null ? null : binary(text);
        byte[] wanted = algorithm.respond(identifier, peer.secretBytes(), challenge);
        return response != null
                && MessageDigest.isEqual(wanted, response)
                && peer.user().equals(keys.get(USER));
    }

    /// Whether the peer asks us what we have asked it: who does that has somebody else answer for it (reflection).
    public boolean asksTheSame(ChapChallenge other) {
        return Arrays.equals(challenge, other.challenge);
    }

    private static String text(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }

    /// A binary value (RFC 7143 §6.1): hex after 0x, base 64 after 0b. Null when it is none, or too long.
    private static byte @Nullable [] binary(String text) {
        String digits = text.substring(Math.min(2, text.length()));
        try {
            byte[] bytes = switch (text.length() < 2 ? "" : text.substring(0, 2)) {
                case "0x", "0X" -> HexFormat.of().parseHex(digits);
                case "0b", "0B" -> Base64.getDecoder().decode(digits);
                default -> null;
            };
            return bytes == null || bytes.length > MAX_BYTES ? null : bytes;
        } catch (IllegalArgumentException malformed) {
            return null;
        }
    }
}
