package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// An initiator's end of a login (RFC 7143 §6.3). Starts with the operational stage and all keys at once, as
/// open-iscsi does, and is then done in one exchange; starts with the security stage for targets that want to be
/// asked, and to prove by CHAP who we are. Control path, confined to its connection.
final class InitiatorLogin {
    private static final int TAG = 0;
    /// A target that still talks after so many exchanges will never end.
    private static final int MAX_EXCHANGES = 16;

    private final InitiatorConfig config;
    private final Negotiation negotiation;
    private final TextAssembler text = new TextAssembler();
    private int stage;
    private LoginKeys next;
    private boolean transit;
    /// What we have asked the target; null until we do, or if it need not prove anything.
    private @Nullable ChapChallenge asked;

    private int exchanges;
    private int expStatSn;
    private int expCmdSn;
    private int maxCmdSn;

    /// @param firstStage [LoginStage#OPERATIONAL] or [LoginStage#SECURITY]
    InitiatorLogin(InitiatorConfig config, int firstStage) {
        this.config = config;
        this.negotiation = new Negotiation(config.wishes(), config.isDiscovery());
        this.stage = firstStage;
        this.next = identity().plus(firstStage == LoginStage.SECURITY ? methods() : negotiation.offer());
        this.transit = firstStage == LoginStage.OPERATIONAL || config.chap() == null;
    }

    private LoginKeys methods() {
        InitiatorConfig.Chap chap = config.chap();
        String methods = chap == null
                ? LoginKeys.NONE
                : chap.target() == null ? ChapChallenge.METHOD + "," + LoginKeys.NONE : ChapChallenge.METHOD;
        return LoginKeys.of(LoginKeys.AUTH_METHOD, methods);
    }

    private LoginKeys identity() {
        LoginKeys name = LoginKeys.of(LoginKeys.INITIATOR_NAME, config.initiatorName());
        return config.isDiscovery()
                ? name.plus(LoginKeys.SESSION_TYPE, "Discovery")
                : name.plus(LoginKeys.TARGET_NAME, config.targetName()).plus(LoginKeys.SESSION_TYPE, "Normal");
    }

    /// Writes the request that is due: the first one, or the one after a [#response] that was not the last.
    void request(PduWriter out) {
        int following = stage == LoginStage.SECURITY ? LoginStage.OPERATIONAL : LoginStage.FULL_FEATURE;
        int flags = transit ? LoginStage.transit(stage, following) : LoginStage.stay(stage);
        int at = out.begin(Opcode.LOGIN_REQUEST, flags);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, at);
        Bhs.putSession(pdu, at, config.isid(), 0);
        Bhs.putInitiatorTaskTag(pdu, at, TAG);
        Bhs.putCmdSn(pdu, at, InitiatorConnection.FIRST_CMD_SN);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        out.end(at, next.toBytes());
        next = LoginKeys.EMPTY;
    }

    /// Takes a response. True if that was the last: the full feature phase has begun.
    ///
    /// @throws LoginRefusedException if the target says no
    /// @throws IscsiException if it says what does not belong here
    boolean response(ByteBuffer pdu, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (Bhs.opcode(pdu, at) != Opcode.LOGIN_RESPONSE) {
            throw new IscsiException(Opcode.name(Bhs.opcode(pdu, at)) + " during login");
        }
        if (Bhs.loginStatus(pdu, at) != LoginStatus.SUCCESS.wire()) {
            throw new LoginRefusedException(Bhs.loginStatus(pdu, at));
        }
        if (Bhs.initiatorTaskTag(pdu, at) != TAG || Bhs.isid(pdu, at) != config.isid()) {
            throw new IscsiException("login response for another login");
        }
        if (++exchanges > MAX_EXCHANGES) {
            throw new IscsiException("login does not end after " + MAX_EXCHANGES + " exchanges");
        }
        expStatSn = Bhs.statSn(pdu, at) + 1;
        expCmdSn = Bhs.expCmdSn(pdu, at);
        maxCmdSn = Bhs.maxCmdSn(pdu, at);
        text.add(data.slice(dataAt, dataBytes));
        if (Bhs.has(pdu, at, Bhs.CONTINUE)) {
            transit = false;
            return false;
        }
        transit = true;
        LoginKeys keys = text.take(LoginKeys.MAX_LOGIN_PAIRS);
        boolean goesOn = Bhs.has(pdu, at, Bhs.TRANSIT);
        return Bhs.currentStage(pdu, at) == LoginStage.SECURITY
                ? security(keys, goesOn, Bhs.nextStage(pdu, at))
                : operational(keys, goesOn);
    }

    private boolean security(LoginKeys keys, boolean goesOn, int nextStage) {
        InitiatorConfig.Chap chap = config.chap();
        String method = keys.get(LoginKeys.AUTH_METHOD);
        if (stage == LoginStage.OPERATIONAL) {
            // We skipped this stage, but the target has not.
            stage = LoginStage.SECURITY;
            next = methods();
            return false;
        }
        if (method != null && chap != null && method.equals(ChapChallenge.METHOD)) {
            next = LoginKeys.of(ChapChallenge.ALGORITHM, ChapAlgorithm.offer());
            transit = false;
            return false;
        }
        if (method != null && !method.equals(LoginKeys.NONE)) {
            throw new LoginRefusedException(LoginStatus.AUTHENTICATION_FAILURE.wire());
        }
        if (chap != null && keys.get(ChapChallenge.ALGORITHM) != null) {
            next = prove(chap, keys);
            return false;
        }
        if (!goesOn) {
            return false;
        }
        requireProof(keys);
        if (nextStage == LoginStage.FULL_FEATURE) {
            return true;
        }
        stage = LoginStage.OPERATIONAL;
        next = negotiation.offer();
        return false;
    }

    private LoginKeys prove(InitiatorConfig.Chap chap, LoginKeys keys) {
        ChapAlgorithm algorithm = ChapAlgorithm.firstOf(String.valueOf(keys.get(ChapChallenge.ALGORITHM)));
        if (algorithm == null) {
            throw new IscsiException("target chose a CHAP algorithm that we did not offer");
        }
        LoginKeys proof = ChapChallenge.read(algorithm, keys).answer(chap.us());
        if (chap.target() == null) {
            return proof;
        }
        ChapChallenge question = ChapChallenge.make(algorithm);
        asked = question;
        return proof.plus(question.keys());
    }

    /// Goes on only with a target that has proved to be whom we want, if we want to know.
    private void requireProof(LoginKeys keys) {
        ChapCredential wanted = config.chap() == null ? null : config.chap().target();
        if (wanted != null && (asked == null || !asked.isAnsweredBy(wanted, keys))) {
            throw new IscsiException("target did not prove to be " + wanted + ": check both secrets");
        }
    }

    private boolean operational(LoginKeys keys, boolean goesOn) {
        if (stage == LoginStage.SECURITY) {
            throw new IscsiException("target went to the operational stage by itself");
        }
        next = negotiation.receive(keys);
        return goesOn;
    }

    /// @throws IscsiException if the target did not agree to what we insist on
    SessionParameters parameters() {
        return negotiation.parameters();
    }

    int expStatSn() {
        return expStatSn;
    }

    int expCmdSn() {
        return expCmdSn;
    }

    int maxCmdSn() {
        return maxCmdSn;
    }
}
