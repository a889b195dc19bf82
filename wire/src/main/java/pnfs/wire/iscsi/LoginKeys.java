package pnfs.wire.iscsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The text of a login or text PDU: pairs `key=value`, each followed by a zero byte, in their order (RFC 7143
/// §6.1). The answer to SendTargets repeats keys, so this is a list and no map. Control path, immutable.
public final class LoginKeys {
    // Keys with a meaning of their own; what is negotiated stands in OperationalKey.
    public static final String INITIATOR_NAME = "InitiatorName";
    public static final String INITIATOR_ALIAS = "InitiatorAlias";
    public static final String TARGET_NAME = "TargetName";
    public static final String TARGET_ALIAS = "TargetAlias";
    public static final String TARGET_ADDRESS = "TargetAddress";
    public static final String TARGET_PORTAL_GROUP_TAG = "TargetPortalGroupTag";
    public static final String SESSION_TYPE = "SessionType";
    public static final String AUTH_METHOD = "AuthMethod";
    public static final String SEND_TARGETS = "SendTargets";

    // Values that answer any key.
    public static final String NONE = "None";
    public static final String REJECT = "Reject";
    public static final String IRRELEVANT = "Irrelevant";
    public static final String NOT_UNDERSTOOD = "NotUnderstood";

    public static final int MAX_KEY_BYTES = 63;
    public static final int MAX_VALUE_BYTES = 8192;
    /// Most pairs that a login may bring; open-iscsi sends 20.
    public static final int MAX_LOGIN_PAIRS = 64;

    public static final LoginKeys EMPTY = new LoginKeys(List.of());

    /// One `key=value`.
    public record Pair(String key, String value) {}

    private final List<Pair> pairs;

    private LoginKeys(List<Pair> pairs) {
        this.pairs = List.copyOf(pairs);
    }

    /// Keys and values in turn.
    public static LoginKeys of(String... keysAndValues) {
        if (keysAndValues.length % 2 != 0) {
            throw new IllegalArgumentException("key without value");
        }
        var pairs = new ArrayList<Pair>(keysAndValues.length / 2);
        for (int i = 0; i < keysAndValues.length; i += 2) {
            pairs.add(new Pair(keysAndValues[i], keysAndValues[i + 1]));
        }
        return new LoginKeys(pairs);
    }

    /// Reads `text` from its position to its limit; the position stays. The last pair must have its zero byte too;
    /// empty pairs (more zero bytes than needed) are passed over.
    ///
    /// @throws IscsiException on a pair that is none, is over a limit, or is the one after `maxPairs`
    public static LoginKeys parse(ByteBuffer text, int maxPairs) {
        var pairs = new ArrayList<Pair>();
        int start = text.position();
        for (int i = start; i < text.limit(); i++) {
            if (text.get(i) != 0) {
                continue;
            }
            if (i > start) {
                if (pairs.size() == maxPairs) {
                    throw new IscsiException("more than " + maxPairs + " key=value pairs");
                }
                pairs.add(parsePair(text, start, i));
            }
            start = i + 1;
        }
        if (start < text.limit()) {
            throw new IscsiException("last key=value pair has no zero byte at its end");
        }
        return new LoginKeys(pairs);
    }

    private static Pair parsePair(ByteBuffer text, int start, int end) {
        int equals = start;
        while (equals < end && text.get(equals) != '=') {
            if (!isKeyByte(text.get(equals))) {
                throw new IscsiException("key holds byte 0x" + Integer.toHexString(text.get(equals) & 0xff));
            }
            equals++;
        }
        if (equals == end) {
            throw new IscsiException("pair of " + (end - start) + " bytes without '='");
        }
        int keyBytes = equals - start;
        int valueBytes = end - equals - 1;
        if (keyBytes == 0 || keyBytes > MAX_KEY_BYTES) {
            throw new IscsiException("key of " + keyBytes + " bytes, may have 1 to " + MAX_KEY_BYTES);
        }
        if (valueBytes > MAX_VALUE_BYTES) {
            throw new IscsiException("value of " + valueBytes + " bytes over " + MAX_VALUE_BYTES);
        }
        return new Pair(utf8(text, start, keyBytes), utf8(text, equals + 1, valueBytes));
    }

    /// RFC 7143 §6.1: letters, digits, dot, minus, plus, at, underscore.
    private static boolean isKeyByte(byte b) {
        return (b >= 'a' && b <= 'z')
                || (b >= 'A' && b <= 'Z')
                || (b >= '0' && b <= '9')
                || b == '.'
                || b == '-'
                || b == '+'
                || b == '@'
                || b == '_';
    }

    private static String utf8(ByteBuffer text, int start, int length) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(text.slice(start, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IscsiException("value of " + length + " bytes is not UTF-8");
        }
    }

    public List<Pair> pairs() {
        return pairs;
    }

    public boolean isEmpty() {
        return pairs.isEmpty();
    }

    /// The value of the first pair with this key.
    public @Nullable String get(String key) {
        for (Pair pair : pairs) {
            if (pair.key().equals(key)) {
                return pair.value();
            }
        }
        return null;
    }

    public LoginKeys plus(String key, String value) {
        return plus(LoginKeys.of(key, value));
    }

    public LoginKeys plus(LoginKeys more) {
        var all = new ArrayList<>(pairs);
        all.addAll(more.pairs);
        return new LoginKeys(all);
    }

    /// As [#parse] reads it.
    public byte[] toBytes() {
        var out = new ByteArrayOutputStream();
        for (Pair pair : pairs) {
            out.writeBytes((pair.key() + '=' + pair.value()).getBytes(StandardCharsets.UTF_8));
            out.write(0);
        }
        return out.toByteArray();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LoginKeys keys && pairs.equals(keys.pairs);
    }

    @Override
    public int hashCode() {
        return pairs.hashCode();
    }

    @Override
    public String toString() {
        return pairs.stream().map(pair -> pair.key() + '=' + pair.value()).collect(Collectors.joining(" "));
    }
}
