package pnfs.wire.iscsi;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Network;
import pnfs.wire.net.Sink;

/// Discovery: asks a portal which targets it knows (RFC 7143 §4.3, appendix C), and logs out again. Confined to
/// its connection.
public final class SendTargets implements ConnectionHandler, PduReader.Receiver {
    /// Most pairs of an answer: names and addresses together.
    private static final int MAX_PAIRS = 4096;
    /// Reserved for discovery by open-iscsi too: a qualifier that no session has.
    private static final long DISCOVERY_ISID = 0x00023d000000L;

    private static final int DEFAULT_PORT = 3260;
    private static final int TEXT_TAG = 1;
    private static final int LOGOUT_TAG = 2;

    /// A target and where it listens; the addresses are not resolved.
    public record Target(String name, List<InetSocketAddress> portals) {
        public Target {
            portals = List.copyOf(portals);
        }
    }

    private final Connection connection;
    private final CompletableFuture<List<Target>> result;
    private final InitiatorLogin login;
    private final PduReader reader;
    private final PduWriter out;
    private final TextAssembler text = new TextAssembler();
    private final Loop.Timer timer;
    private boolean loggedIn;
    private int expStatSn;

    private SendTargets(Connection connection, InitiatorConfig config, CompletableFuture<List<Target>> result) {
        this.connection = connection;
        this.result = result;
        this.login = new InitiatorLogin(config, LoginStage.OPERATIONAL);
        this.reader = new PduReader(connection, this);
        this.out = new PduWriter(connection);
        this.timer = connection.loop().schedule(config.times().login().toNanos(), () -> fail("no answer in time"));
        login.request(out);
        out.flush();
    }

    /// The targets at `portal`, as it tells `initiatorName`. Fails with an [IscsiSessionException].
    public static CompletableFuture<List<Target>> ask(Network network, InetSocketAddress portal, String initiatorName) {
        var config = InitiatorConfig.of(portal, "", initiatorName, DISCOVERY_ISID)
                .withWishes(LoginKeys.of("MaxRecvDataSegmentLength", "65536"));
        var result = new CompletableFuture<List<Target>>();
        network.connect(
                portal,
                connection -> new SendTargets(connection, config, result),
                ConnectionLimits.DEFAULT,
                why -> failed(result, portal, why));
        return result;
    }

    private static void failed(CompletableFuture<?> result, InetSocketAddress portal, IOException why) {
        result.completeExceptionally(new IscsiSessionException("no targets from " + portal + ": " + why.getMessage()));
    }

    @Override
    public void onBytes(ByteBuffer staged) {
        try {
            reader.onBytes(staged);
            out.flush();
        } catch (IscsiException | LoginRefusedException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void onSinkFull(Sink sink) {
        try {
            reader.onSinkFull();
            out.flush();
        } catch (IscsiException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void onClosed(String why) {
        fail(why);
    }

    private void fail(String why) {
        timer.cancel();
        result.completeExceptionally(new IscsiSessionException("no targets from " + connection.peer() + ": " + why));
        connection.close(why);
    }

    @Override
    public @Nullable Sink place(ByteBuffer header, int at, int bytes) {
        return null;
    }

    @Override
    public void placed(ByteBuffer header, int at) {
        throw new IllegalStateException("discovery places nothing");
    }

    @Override
    public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (!loggedIn) {
            loginResponse(header, at, data, dataAt, dataBytes);
            return;
        }
        switch (Bhs.opcode(header, at)) {
            case Opcode.TEXT_RESPONSE -> textResponse(header, at, data, dataAt, dataBytes);
            case Opcode.LOGOUT_RESPONSE -> connection.close("discovery is over");
            default -> throw new IscsiException("unexpected " + Opcode.name(Bhs.opcode(header, at)));
        }
    }

    private void loginResponse(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (!login.response(header, at, data, dataAt, dataBytes)) {
            login.request(out);
            return;
        }
        loggedIn = true;
        reader.use(login.parameters());
        out.use(login.parameters());
        expStatSn = login.expStatSn();
        textRequest(Bhs.NO_TAG, LoginKeys.of(LoginKeys.SEND_TARGETS, "All"));
    }

    /// The question, or with the target's tag: go on.
    private void textRequest(int transferTag, LoginKeys keys) {
        int at = out.begin(Opcode.TEXT_REQUEST, Bhs.FINAL);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, at);
        Bhs.putInitiatorTaskTag(pdu, at, TEXT_TAG);
        Bhs.putTargetTransferTag(pdu, at, transferTag);
        Bhs.putCmdSn(pdu, at, InitiatorConnection.FIRST_CMD_SN);
        Bhs.putExpStatSn(pdu, at, expStatSn);
        out.end(at, keys.toBytes());
    }

    private void textResponse(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        expStatSn = Bhs.statSn(header, at) + 1;
        text.add(data.slice(dataAt, dataBytes));
        if (!Bhs.has(header, at, Bhs.FINAL)) {
            if (dataBytes == 0) {
                throw new IscsiException("target has more to say, but says nothing");
            }
            textRequest(Bhs.targetTransferTag(header, at), LoginKeys.EMPTY);
            return;
        }
        List<Target> targets = targets(text.take(MAX_PAIRS));
        timer.cancel();
        result.complete(targets);
        int logoutAt = out.begin(Opcode.LOGOUT_REQUEST, Bhs.FINAL | Logout.CLOSE_SESSION);
        ByteBuffer pdu = out.buffer();
        Bhs.setImmediate(pdu, logoutAt);
        Bhs.putInitiatorTaskTag(pdu, logoutAt, LOGOUT_TAG);
        Bhs.putCmdSn(pdu, logoutAt, InitiatorConnection.FIRST_CMD_SN);
        Bhs.putExpStatSn(pdu, logoutAt, expStatSn);
        out.end(logoutAt);
    }

    /// A target's addresses follow its name; one without any listens where it was asked.
    private List<Target> targets(LoginKeys keys) {
        var targets = new ArrayList<Target>();
        String name = null;
        var portals = new ArrayList<InetSocketAddress>();
        for (LoginKeys.Pair pair : keys.pairs()) {
            if (pair.key().equals(LoginKeys.TARGET_NAME)) {
                if (name != null) {
                    targets.add(target(name, portals));
                }
                name = pair.value();
                portals.clear();
            } else if (pair.key().equals(LoginKeys.TARGET_ADDRESS)) {
                portals.add(address(pair.value()));
            }
        }
        if (name != null) {
            targets.add(target(name, portals));
        }
        return targets;
    }

    private Target target(String name, List<InetSocketAddress> portals) {
        return new Target(name, portals.isEmpty() ? List.of(connection.peer()) : portals);
    }

    /// `host[:port][,portal group]`, where a host with colons stands in brackets (RFC 7143 §13.8).
    static InetSocketAddress address(String text) {
        int comma = text.indexOf(',');
        String address = comma < 0 ? text : text.substring(0, comma);
        int colon = address.lastIndexOf(':');
        boolean hasPort = colon > address.lastIndexOf(']');
        String host = hasPort ? address.substring(0, colon) : address;
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        long port = hasPort ? OperationalKey.number(address.substring(colon + 1)) : DEFAULT_PORT;
        if (host.isEmpty() || port < 1 || port > 65535) {
            throw new IscsiException("TargetAddress=" + text);
        }
        return InetSocketAddress.createUnresolved(host, (int) port);
    }
}
