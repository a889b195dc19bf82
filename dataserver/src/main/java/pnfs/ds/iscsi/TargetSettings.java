package pnfs.ds.iscsi;

import java.util.List;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.OperationalKey;

/// What a target is called, where it says it is, and how much it takes on. Immutable.
///
/// @param targetName its iSCSI name, `iqn.…`
/// @param portals the addresses that SendTargets tells, `host:port`: where initiators reach us, which need not
///     be where we listen; none to tell each initiator the address that it has reached us by
/// @param maxSessions more logins than that are refused
/// @param commandWindow how many commands a session may have under way
/// @param maxReceiveBytes largest data segment that we take
/// @param maxBurstBytes most data that one R2T asks for
/// @param firstBurstBytes most data that comes unasked
/// @param loginSeconds how long a connection may take to log in
/// @param pingSeconds after how much silence an initiator is asked whether it is there; if it is silent as long
///     again, it is not
/// @param access who may log in
public record TargetSettings(
        String targetName,
        List<String> portals,
        int maxSessions,
        int commandWindow,
        int maxReceiveBytes,
        int maxBurstBytes,
        int firstBurstBytes,
        int loginSeconds,
        int pingSeconds,
        AccessList access) {
    /// How many R2Ts of one command may wait for their data: enough to keep a long line busy.
    private static final int MAX_OUTSTANDING_R2T = 8;

    public TargetSettings {
        portals = List.copyOf(portals);
        if (targetName.isEmpty() || targetName.length() > 223) {
            throw new IllegalArgumentException("target name of " + targetName.length() + " characters, may have 223");
        }
        if (maxSessions < 1 || maxSessions > 0xffff) {
            throw new IllegalArgumentException("limit of " + maxSessions + " sessions");
        }
        if (commandWindow < 1) {
            throw new IllegalArgumentException("command window of " + commandWindow);
        }
    }

    /// What we would offer, which is also the most that we agree to.
    LoginKeys wishes() {
        return LoginKeys.of(
                OperationalKey.HEADER_DIGEST.text(), "None,CRC32C",
                OperationalKey.DATA_DIGEST.text(), "None,CRC32C",
                OperationalKey.MAX_RECV_DATA_SEGMENT_LENGTH.text(), Integer.toString(maxReceiveBytes),
                OperationalKey.INITIAL_R2T.text(), "No",
                OperationalKey.IMMEDIATE_DATA.text(), "Yes",
                OperationalKey.MAX_BURST_LENGTH.text(), Integer.toString(maxBurstBytes),
                OperationalKey.FIRST_BURST_LENGTH.text(), Integer.toString(firstBurstBytes),
                OperationalKey.MAX_OUTSTANDING_R2T.text(), Integer.toString(MAX_OUTSTANDING_R2T),
                OperationalKey.DEFAULT_TIME2RETAIN.text(), "0");
    }
}
