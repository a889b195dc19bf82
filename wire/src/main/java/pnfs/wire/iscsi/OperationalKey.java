package pnfs.wire.iscsi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The negotiation table of iSCSI (RFC 7143 §13), a row a key, for both ends. Rows stand in the order in which
/// they must be settled: MaxBurstLength before FirstBurstLength, which it bounds.
public enum OperationalKey {
    HEADER_DIGEST("HeaderDigest", Rule.FIRST_COMMON, "None", true),
    DATA_DIGEST("DataDigest", Rule.FIRST_COMMON, "None", true),
    MAX_CONNECTIONS("MaxConnections", Rule.MINIMUM, "1", 1, 65535, false),
    INITIAL_R2T("InitialR2T", Rule.EITHER, "Yes", false),
    IMMEDIATE_DATA("ImmediateData", Rule.BOTH, "Yes", false),
    MAX_RECV_DATA_SEGMENT_LENGTH("MaxRecvDataSegmentLength", Rule.DECLARED, "8192", 512, Bhs.MAX_DATA_BYTES, true),
    MAX_BURST_LENGTH("MaxBurstLength", Rule.MINIMUM, "262144", 512, Bhs.MAX_DATA_BYTES, false),
    FIRST_BURST_LENGTH("FirstBurstLength", Rule.MINIMUM, "65536", 512, Bhs.MAX_DATA_BYTES, false),
    DEFAULT_TIME2WAIT("DefaultTime2Wait", Rule.MAXIMUM, "2", 0, 3600, true),
    DEFAULT_TIME2RETAIN("DefaultTime2Retain", Rule.MINIMUM, "20", 0, 3600, true),
    MAX_OUTSTANDING_R2T("MaxOutstandingR2T", Rule.MINIMUM, "1", 1, 65535, false),
    DATA_PDU_IN_ORDER("DataPDUInOrder", Rule.EITHER, "Yes", false),
    DATA_SEQUENCE_IN_ORDER("DataSequenceInOrder", Rule.EITHER, "Yes", false),
    ERROR_RECOVERY_LEVEL("ErrorRecoveryLevel", Rule.MINIMUM, "0", 0, 2, true),
    // Obsolete since RFC 7143, but open-iscsi still offers them and wants an answer.
    IF_MARKER("IFMarker", Rule.BOTH, "No", true),
    OF_MARKER("OFMarker", Rule.BOTH, "No", true);

    /// How an offered and an own value become a result.
    public enum Rule {
        /// The first of the offered list that is in the own list.
        FIRST_COMMON,
        MINIMUM,
        MAXIMUM,
        /// Yes if both say Yes.
        BOTH,
        /// Yes if one says Yes.
        EITHER,
        /// Each end tells its own; nothing is answered.
        DECLARED
    }

    private static final String YES = "Yes";
    private static final String NO = "No";

    private final String text;
    private final Rule rule;
    private final String absent;
    private final long min;
    private final long max;
    private final boolean inDiscovery;

    OperationalKey(String text, Rule rule, String absent, boolean inDiscovery) {
        this(text, rule, absent, 0, 0, inDiscovery);
    }

    OperationalKey(String text, Rule rule, String absent, long min, long max, boolean inDiscovery) {
        this.text = text;
        this.rule = rule;
        this.absent = absent;
        this.min = min;
        this.max = max;
        this.inDiscovery = inDiscovery;
    }

    public static @Nullable OperationalKey named(String text) {
        for (OperationalKey key : values()) {
            if (key.text.equals(text)) {
                return key;
            }
        }
        return null;
    }

    public String text() {
        return text;
    }

    public Rule rule() {
        return rule;
    }

    /// The value that holds when nobody mentions the key.
    public String absentValue() {
        return absent;
    }

    /// Whether the key has a meaning in a discovery session.
    public boolean isInDiscovery() {
        return inDiscovery;
    }

    /// Whether `value` is one that this key can have.
    public boolean isValid(String value) {
        return switch (rule) {
            case FIRST_COMMON -> !value.isEmpty();
            case BOTH, EITHER -> value.equals(YES) || value.equals(NO);
            case MINIMUM, MAXIMUM, DECLARED -> number(value) >= min && number(value) <= max;
        };
    }

    /// The result of an offer and an own wish, both valid; [LoginKeys#REJECT] where two lists share nothing.
    String combine(String offered, String own) {
        return switch (rule) {
            case FIRST_COMMON -> {
                List<String> acceptable = List.of(own.split(",", -1));
                for (String candidate : offered.split(",", -1)) {
                    if (acceptable.contains(candidate)) {
                        yield candidate;
                    }
                }
                yield LoginKeys.REJECT;
            }
            case BOTH -> offered.equals(YES) && own.equals(YES) ? YES : NO;
            case EITHER -> offered.equals(YES) || own.equals(YES) ? YES : NO;
            case MINIMUM -> Long.toString(Math.min(number(offered), number(own)));
            case MAXIMUM -> Long.toString(Math.max(number(offered), number(own)));
            case DECLARED -> throw new IllegalStateException(text + " is declared, not negotiated");
        };
    }

    /// Whether a peer may answer `offered` with `answer`: some wish of its own must lead from the one to the
    /// other.
    boolean isAnswer(String offered, String answer) {
        return isValid(answer) && combine(offered, answer).equals(normal(answer));
    }

    private String normal(String value) {
        return switch (rule) {
            case MINIMUM, MAXIMUM -> Long.toString(number(value));
            case FIRST_COMMON, BOTH, EITHER, DECLARED -> value;
        };
    }

    /// A number in decimal or, after 0x, in hex (RFC 7143 §6.1); -1 if it is none or has more digits than any
    /// key's.
    static long number(String value) {
        boolean hex = value.startsWith("0x") || value.startsWith("0X");
        String digits = hex ? value.substring(2) : value;
        if (digits.isEmpty() || digits.length() > 10) {
            return -1;
        }
        int radix = hex ? 16 : 10;
        long number = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = digits.charAt(i) < 128 ? Character.digit(digits.charAt(i), radix) : -1;
            if (digit < 0) {
                return -1;
            }
            number = number * radix + digit;
        }
        return number;
    }
}
