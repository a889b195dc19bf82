package pnfs.wire.iscsi;

import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What an initiator needs to know. Immutable.
///
/// @param portal where the target listens
/// @param targetName empty for a discovery session
/// @param initiatorName our own name; with `isid` it is the port that persistent reservations know
/// @param isid 48 bits; the same after a reconnection, another for each session of one initiator to one target
/// @param wishes what to offer, see [OperationalKey]
/// @param depth most commands on the wire at a time, at most [#MAX_DEPTH]
/// @param maxPending most commands that wait or are on the wire; further ones are refused at once
/// @param chap how both prove who they are; null to log in without
public record InitiatorConfig(
        InetSocketAddress portal,
        String targetName,
        String initiatorName,
        long isid,
        LoginKeys wishes,
        int depth,
        int maxPending,
        Times times,
        @Nullable Chap chap) {
    public static final int MAX_DEPTH = 1024;

    private static final LoginKeys DEFAULT_WISHES = LoginKeys.of(
            "HeaderDigest", "None",
            "DataDigest", "None",
            "InitialR2T", "No",
            "ImmediateData", "Yes",
            "MaxRecvDataSegmentLength", "1048576",
            "MaxBurstLength", "16776192",
            "FirstBurstLength", "262144",
            "DefaultTime2Wait", "0",
            "DefaultTime2Retain", "0");

    /// Proofs of a login by CHAP.
    ///
    /// @param us whom we prove to be
    /// @param target whom the target has to prove to be; null if it need not. Never with our own secret: the
    ///     target could have us answer its questions (RFC 7143 §12.1.3)
    public record Chap(ChapCredential us, @Nullable ChapCredential target) {
        public Chap {
            if (target != null && us.secret().equals(target.secret())) {
                throw new IllegalArgumentException("one CHAP secret for both directions: give the target its own");
            }
        }
    }

    /// How long to wait for what.
    ///
    /// @param login from the start of a connection to the full feature phase
    /// @param command from a command's PDU to its status; then it is aborted
    /// @param abort for the answer to an abort or a reset; then the next harder means is taken
    /// @param ping a target that is silent for so long is asked for a sign of life, and left if none comes for as
    ///     long again
    /// @param firstBackOff before the second attempt to reconnect; doubles up to `lastBackOff`
    /// @param replacement without a session for so long, waiting commands fail
    public record Times(
            Duration login,
            Duration command,
            Duration abort,
            Duration ping,
            Duration firstBackOff,
            Duration lastBackOff,
            Duration replacement) {
        /// Those of Linux, but for the back-off.
        public static final Times DEFAULT = new Times(
                Duration.ofSeconds(15),
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                Duration.ofSeconds(5),
                Duration.ofMillis(100),
                Duration.ofSeconds(5),
                Duration.ofSeconds(120));

        public Times withCommand(Duration limit) {
            return new Times(login, limit, abort, ping, firstBackOff, lastBackOff, replacement);
        }

        public Times withReplacement(Duration limit) {
            return new Times(login, command, abort, ping, firstBackOff, lastBackOff, limit);
        }
    }

    public InitiatorConfig {
        if (isid >>> 48 != 0) {
            throw new IllegalArgumentException("ISID " + Long.toHexString(isid) + " has over 48 bits");
        }
        if (depth < 1 || depth > MAX_DEPTH || maxPending < depth) {
            throw new IllegalArgumentException("depth " + depth + " of 1 to " + MAX_DEPTH + ", pending " + maxPending);
        }
    }

    /// Depth 128, 4096 commands pending, open-iscsi's wishes and Linux's times.
    public static InitiatorConfig of(InetSocketAddress portal, String targetName, String initiatorName, long isid) {
        return new InitiatorConfig(
                portal, targetName, initiatorName, isid, DEFAULT_WISHES, 128, 4096, Times.DEFAULT, null);
    }

    public InitiatorConfig withWishes(LoginKeys keys) {
        return new InitiatorConfig(portal, targetName, initiatorName, isid, keys, depth, maxPending, times, chap);
    }

    public InitiatorConfig withDepth(int commands, int pending) {
        return new InitiatorConfig(portal, targetName, initiatorName, isid, wishes, commands, pending, times, chap);
    }

    public InitiatorConfig withTimes(Times limits) {
        return new InitiatorConfig(portal, targetName, initiatorName, isid, wishes, depth, maxPending, limits, chap);
    }

    public InitiatorConfig withChap(Chap proofs) {
        return new InitiatorConfig(portal, targetName, initiatorName, isid, wishes, depth, maxPending, times, proofs);
    }

    boolean isDiscovery() {
        return targetName.isEmpty();
    }
}
