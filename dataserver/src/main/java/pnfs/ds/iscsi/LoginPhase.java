package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.LoginStage;
import pnfs.wire.iscsi.LoginStatus;
import pnfs.wire.iscsi.Negotiation;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.PduWriter;
import pnfs.wire.iscsi.SessionParameters;
import pnfs.wire.iscsi.TextAssembler;
import pnfs.wire.net.Loop;

/// The login of one connection (RFC 7143 §6.3): who comes, what for, what proves it, and how both will talk.
/// Control path; confined to its connection's loop.
final class LoginPhase implements TargetConnection.Phase {
    private static final Logger log = LoggerFactory.getLogger(LoginPhase.class);
    private static final int NO_STAGE = -1;
    private static final int ISID_DIGITS = 12;

    private final IscsiTarget target;
    private final TargetConnection connection;
    private final PduWriter out;
    private final Loop.Timer deadline;

    private final TextAssembler text = new TextAssembler();
    private int stage = NO_STAGE;
    private int statSn;
    private int taskTag;
    private int cid;
    private long isid;
    private @Nullable String initiatorName;
    private boolean discovery;
    private @Nullable Negotiation negotiation;
    private @Nullable LoginProof proof;
    /// What the login came to; it may wait for a former session of the same initiator port to end.
    private @Nullable TargetSession admitted;

    private boolean closed;

    LoginPhase(IscsiTarget target, TargetConnection connection) {
        this.target = target;
        this.connection = connection;
        this.out = connection.out();
        long patienceNanos = target.settings().loginSeconds() * 1_000_000_000L;
        this.deadline = connection.loop().schedule(patienceNanos, () -> connection.close("no login in time"));
    }

    @Override
    public boolean place(ByteBuffer header, int at, int bytes, DataSink sink) {
        throw new IllegalStateException("login data is small");
    }

    @Override
    public void placed(ByteBuffer header, int at) {
        throw new IllegalStateException("login data is small");
    }

    @Override
    public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (Bhs.opcode(header, at) != Opcode.LOGIN_REQUEST) {
            throw new IscsiException(Opcode.name(Bhs.opcode(header, at)) + " before login");
        }
        if (admitted != null) {
            throw new IscsiException("login request before the answer to the last one");
        }
        // It may wait for another session, and its bytes may not.
        request(ByteBuffer.allocate(Bhs.BYTES).put(0, header, at, Bhs.BYTES), data.slice(dataAt, dataBytes));
    }

    private void request(ByteBuffer header, ByteBuffer data) {
        if (stage == NO_STAGE) {
            stage = Bhs.currentStage(header, 0);
            taskTag = Bhs.initiatorTaskTag(header, 0);
            cid = Bhs.cid(header, 0);
            isid = Bhs.isid(header, 0);
            statSn = Bhs.expStatSn(header, 0);
        }
        LoginStatus refusal = requireOneLogin(header);
        if (refusal != null) {
            refuse(header, refusal, "request does not fit the login");
            return;
        }
        text.add(data);
        if (Bhs.has(header, 0, Bhs.CONTINUE)) {
            answer(header, LoginStage.stay(stage), LoginKeys.EMPTY);
        } else {
            understand(header, text.take(LoginKeys.MAX_LOGIN_PAIRS));
        }
    }

    private @Nullable LoginStatus requireOneLogin(ByteBuffer header) {
        int lowestVersion = Bhs.scsiStatus(header, 0);
        if (lowestVersion != 0) {
            return LoginStatus.UNSUPPORTED_VERSION;
        }
        boolean same = Bhs.currentStage(header, 0) == stage
                && Bhs.initiatorTaskTag(header, 0) == taskTag
                && Bhs.cid(header, 0) == cid
                && Bhs.isid(header, 0) == isid;
        boolean knownStage = stage == LoginStage.SECURITY || stage == LoginStage.OPERATIONAL;
        boolean forward =
                !Bhs.has(header, 0, Bhs.TRANSIT) || (Bhs.nextStage(header, 0) > stage && Bhs.nextStage(header, 0) != 2);
        return same && knownStage && forward ? null : LoginStatus.INITIATOR_ERROR;
    }

    private void understand(ByteBuffer header, LoginKeys keys) {
        LoginKeys answers = LoginKeys.EMPTY;
        Negotiation talk = negotiation;
        LoginProof trust = proof;
        if (talk == null || trust == null) {
            LoginStatus refusal = introduce(header, keys);
            if (refusal != null) {
                refuse(header, refusal, String.valueOf(initiatorName));
                return;
            }
            trust = new LoginProof(target.settings().access(), String.valueOf(initiatorName));
            proof = trust;
            talk = new Negotiation(target.settings().wishes(), discovery);
            negotiation = talk;
            if (!discovery) {
                // open-iscsi wants it in the first answer.
                String group = Integer.toString(ScsiTarget.PORTAL_GROUP);
                answers = answers.plus(LoginKeys.TARGET_PORTAL_GROUP_TAG, group);
            }
        }
        LoginKeys proofs = trust.receive(keys);
        boolean transits = Bhs.has(header, 0, Bhs.TRANSIT);
        boolean mustStay = !trust.isDone();
        if (proofs == null || (mustStay && !trust.isUnderWay() && (transits || stage == LoginStage.OPERATIONAL))) {
            refuse(header, LoginStatus.AUTHENTICATION_FAILURE, initiatorName + " has not proved who it is");
            return;
        }
        answers = answers.plus(proofs).plus(talk.receive(keys));
        if (!transits || mustStay) {
            answer(header, LoginStage.stay(stage), answers);
        } else if (Bhs.nextStage(header, 0) == LoginStage.FULL_FEATURE) {
            admit(header, answers, talk.parameters());
        } else {
            answer(header, LoginStage.transit(stage, LoginStage.OPERATIONAL), answers);
            stage = LoginStage.OPERATIONAL;
        }
    }

    /// Reads who it is and what for. Null when that is in order.
    private @Nullable LoginStatus introduce(ByteBuffer header, LoginKeys keys) {
        initiatorName = keys.get(LoginKeys.INITIATOR_NAME);
        if (initiatorName == null || initiatorName.isEmpty()) {
            return LoginStatus.MISSING_PARAMETER;
        }
        if (initiatorName.length() > 223) {
            return LoginStatus.INITIATOR_ERROR;
        }
        String type = keys.get(LoginKeys.SESSION_TYPE);
        discovery = "Discovery".equals(type);
        if (type != null && !discovery && !type.equals("Normal")) {
            return LoginStatus.SESSION_TYPE_NOT_SUPPORTED;
        }
        String wanted = keys.get(LoginKeys.TARGET_NAME);
        if (!discovery && wanted == null) {
            return LoginStatus.MISSING_PARAMETER;
        }
        if (!discovery && !target.settings().targetName().equals(wanted)) {
            return LoginStatus.NOT_FOUND;
        }
        if (!target.settings().access().knows(initiatorName)) {
            return LoginStatus.AUTHORIZATION_FAILURE;
        }
        if (Bhs.tsih(header, 0) != 0) {
            // A second connection for a session: there is one a session (MaxConnections=1).
            return target.knows(Bhs.tsih(header, 0))
                    ? LoginStatus.TOO_MANY_CONNECTIONS
                    : LoginStatus.SESSION_DOES_NOT_EXIST;
        }
        return null;
    }

    /// The last step: a place among the sessions, perhaps that of one which this initiator port had before.
    private void admit(ByteBuffer header, LoginKeys answers, SessionParameters parameters) {
        var nexus = new Nexus(
                initiatorName + ",i,0x" + HexFormat.of().toHexDigits(isid, ISID_DIGITS), ScsiTarget.RELATIVE_PORT);
        var session = new TargetSession(
                target,
                connection,
                nexus,
                kind(),
                parameters,
                new TargetSession.Numbers(Bhs.cmdSn(header, 0), statSn + 1));
        admitted = session;
        target.admit(session, tsih -> {
            if (closed) {
                return;
            }
            if (tsih == IscsiTarget.NO_ROOM) {
                refuse(
                        header,
                        LoginStatus.OUT_OF_RESOURCES,
                        "limit of " + target.settings().maxSessions());
                return;
            }
            int at = begin(header, LoginStage.transit(stage, LoginStage.FULL_FEATURE), LoginStatus.SUCCESS);
            Bhs.putSession(out.buffer(), at, isid, tsih);
            out.end(at, answers.toBytes());
            out.flush();
            deadline.cancel();
            log.info(
                    "session began initiator={} tsih={} discovery={} peer={}",
                    nexus.initiator(),
                    tsih,
                    discovery,
                    connection.connection().peer());
            connection.goOn(session, parameters);
            session.start();
        });
    }

    private TargetSession.Kind kind() {
        return discovery ? TargetSession.Kind.DISCOVERY : TargetSession.Kind.NORMAL;
    }

    private int begin(ByteBuffer request, int flags, LoginStatus status) {
        int at = out.begin(Opcode.LOGIN_RESPONSE, flags);
        ByteBuffer response = out.buffer();
        Bhs.putSession(response, at, isid, Bhs.tsih(request, 0));
        Bhs.putInitiatorTaskTag(response, at, taskTag);
        Bhs.putStatSn(response, at, statSn++);
        Bhs.putExpCmdSn(response, at, Bhs.cmdSn(request, 0));
        Bhs.putMaxCmdSn(response, at, Bhs.cmdSn(request, 0) + target.settings().commandWindow() - 1);
        Bhs.putLoginStatus(response, at, status.wire());
        return at;
    }

    private void answer(ByteBuffer request, int flags, LoginKeys keys) {
        out.end(begin(request, flags, LoginStatus.SUCCESS), keys.toBytes());
    }

    private void refuse(ByteBuffer request, LoginStatus status, String detail) {
        log.info(
                "login refused peer={} status={} detail={}",
                connection.connection().peer(),
                status,
                detail);
        out.end(begin(request, LoginStage.stay(Math.max(stage, 0)), status));
        connection.close("login refused: " + status);
    }

    @Override
    public void closed(String why) {
        closed = true;
        deadline.cancel();
        if (admitted != null) {
            admitted.closed(why);
        }
    }
}
