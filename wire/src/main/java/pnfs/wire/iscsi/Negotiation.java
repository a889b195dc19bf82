package pnfs.wire.iscsi;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/// One end of the negotiation of a session's parameters (RFC 7143 §6.2), initiator or target alike: a key from the
/// peer is an answer if we have offered that key, and an offer otherwise. What each end wishes is written as the
/// keys it would offer. Confined to its connection.
public final class Negotiation {
    /// Keys with a meaning of their own, which the owner of the login reads; they are no part of the negotiation.
    private static final Set<String> NOT_NEGOTIATED = Set.of(
            LoginKeys.INITIATOR_NAME,
            LoginKeys.INITIATOR_ALIAS,
            LoginKeys.TARGET_NAME,
            LoginKeys.TARGET_ALIAS,
            LoginKeys.TARGET_ADDRESS,
            LoginKeys.TARGET_PORTAL_GROUP_TAG,
            LoginKeys.SESSION_TYPE,
            LoginKeys.AUTH_METHOD);

    private final boolean discovery;
    private final Map<OperationalKey, String> wishes = new EnumMap<>(OperationalKey.class);
    private final Map<OperationalKey, String> results = new EnumMap<>(OperationalKey.class);
    private final Set<OperationalKey> offered = EnumSet.noneOf(OperationalKey.class);
    private String peerMaxReceive = OperationalKey.MAX_RECV_DATA_SEGMENT_LENGTH.absentValue();

    /// @param wishes what we would offer or, as a target, accept at most; keys left out have their
    /// [OperationalKey#absentValue]
    /// @param discovery whether the session is a discovery session, where most keys are irrelevant
    public Negotiation(LoginKeys wishes, boolean discovery) {
        this.discovery = discovery;
        for (OperationalKey key : OperationalKey.values()) {
            this.wishes.put(key, key.absentValue());
        }
        for (LoginKeys.Pair pair : wishes.pairs()) {
            OperationalKey key = OperationalKey.named(pair.key());
            if (key == null || !key.isValid(pair.value())) {
                throw new IllegalArgumentException("cannot wish " + pair.key() + "=" + pair.value());
            }
            this.wishes.put(key, pair.value());
        }
    }

    /// All keys that have a meaning in this session, for the first request of an initiator that starts with the
    /// operational stage.
    public LoginKeys offer() {
        LoginKeys offer = LoginKeys.EMPTY;
        for (OperationalKey key : OperationalKey.values()) {
            if (isRelevant(key)) {
                offer = offer.plus(key.text(), wish(key));
                offered.add(key);
            }
        }
        return offer;
    }

    /// Takes what the peer says and returns what has to be said to that; empty if nothing. The first answer also
    /// declares our MaxRecvDataSegmentLength if [#offer] has not done so.
    ///
    /// @throws IscsiException on a key that comes twice, or an answer that cannot follow from our offer
    public LoginKeys receive(LoginKeys peer) {
        var operational = new EnumMap<OperationalKey, String>(OperationalKey.class);
        LoginKeys answers = LoginKeys.EMPTY;
        for (LoginKeys.Pair pair : peer.pairs()) {
            OperationalKey key = OperationalKey.named(pair.key());
            if (key != null) {
                if (results.containsKey(key) || operational.put(key, pair.value()) != null) {
                    throw new IscsiException("key " + key.text() + " came twice");
                }
            } else if (isUnknown(pair.key()) && !pair.value().equals(LoginKeys.NOT_UNDERSTOOD)) {
                answers = answers.plus(pair.key(), LoginKeys.NOT_UNDERSTOOD);
            }
        }
        for (var entry : operational.entrySet()) {
            OperationalKey key = entry.getKey();
            if (key.rule() == OperationalKey.Rule.DECLARED) {
                declared(key, entry.getValue());
            } else if (offered.contains(key)) {
                conclude(key, entry.getValue());
            } else {
                answers = answers.plus(key.text(), answer(key, entry.getValue()));
            }
        }
        return answers.plus(declaration());
    }

    private static boolean isUnknown(String key) {
        return !NOT_NEGOTIATED.contains(key) && !ChapChallenge.KEYS.contains(key);
    }

    /// Our own limit, if the peer does not know it yet.
    private LoginKeys declaration() {
        OperationalKey key = OperationalKey.MAX_RECV_DATA_SEGMENT_LENGTH;
        return offered.add(key) ? LoginKeys.of(key.text(), wish(key)) : LoginKeys.EMPTY;
    }

    private void declared(OperationalKey key, String value) {
        if (!key.isValid(value)) {
            throw new IscsiException(key.text() + "=" + value + " is out of range");
        }
        results.put(key, value);
        peerMaxReceive = value;
    }

    private void conclude(OperationalKey key, String answer) {
        String offer = wish(key);
        switch (answer) {
            // The peer does not want to talk about it: the value without talk holds, within what we can do.
            case LoginKeys.REJECT, LoginKeys.IRRELEVANT, LoginKeys.NOT_UNDERSTOOD -> results.put(key, withinOffer(key));
            default -> {
                if (!key.isAnswer(offer, answer)) {
                    throw new IscsiException(key.text() + "=" + answer + " cannot answer " + offer);
                }
                results.put(key, answer);
            }
        }
    }

    private String answer(OperationalKey key, String offer) {
        if (!isRelevant(key)) {
            return LoginKeys.IRRELEVANT;
        }
        if (!key.isValid(offer)) {
            return LoginKeys.REJECT;
        }
        String result = key.combine(offer, wish(key));
        if (key == OperationalKey.FIRST_BURST_LENGTH) {
            result = key.combine(result, result(OperationalKey.MAX_BURST_LENGTH));
        }
        if (!result.equals(LoginKeys.REJECT)) {
            results.put(key, result);
        }
        return result;
    }

    /// What holds once both ends have gone over to the full feature phase.
    public SessionParameters parameters() {
        int maxBurstBytes = number(OperationalKey.MAX_BURST_LENGTH);
        return new SessionParameters(
                digest(OperationalKey.HEADER_DIGEST),
                digest(OperationalKey.DATA_DIGEST),
                (int) OperationalKey.number(wish(OperationalKey.MAX_RECV_DATA_SEGMENT_LENGTH)),
                (int) OperationalKey.number(peerMaxReceive),
                yes(OperationalKey.INITIAL_R2T),
                yes(OperationalKey.IMMEDIATE_DATA),
                maxBurstBytes,
                Math.min(number(OperationalKey.FIRST_BURST_LENGTH), maxBurstBytes),
                number(OperationalKey.MAX_OUTSTANDING_R2T),
                number(OperationalKey.DEFAULT_TIME2WAIT),
                number(OperationalKey.DEFAULT_TIME2RETAIN));
    }

    private boolean isRelevant(OperationalKey key) {
        return !discovery || key.isInDiscovery();
    }

    private String wish(OperationalKey key) {
        return wishes.getOrDefault(key, key.absentValue());
    }

    /// The settled value. A peer that is silent about a key means the absent value: as it stands if we were silent
    /// too, and within our offer otherwise.
    private String result(OperationalKey key) {
        String settled = results.get(key);
        if (settled != null) {
            return settled;
        }
        return offered.contains(key) ? withinOffer(key) : key.absentValue();
    }

    private String withinOffer(OperationalKey key) {
        String result = key.combine(key.absentValue(), wish(key));
        if (result.equals(LoginKeys.REJECT)) {
            throw new IscsiException("peer does not agree to " + key.text() + "=" + wish(key));
        }
        return result;
    }

    private int number(OperationalKey key) {
        return (int) OperationalKey.number(result(key));
    }

    private boolean yes(OperationalKey key) {
        return result(key).equals("Yes");
    }

    private Digest digest(OperationalKey key) {
        return result(key).equals(Digest.CRC32C.text()) ? Digest.CRC32C : Digest.NONE;
    }
}
