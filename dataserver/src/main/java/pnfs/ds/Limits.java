package pnfs.ds;

import java.time.Duration;

/// How much a data server takes on. Everything that a peer controls has a limit, which is checked before memory is
/// taken.
public final class Limits {
    /// Regions of one data server: each is a logical unit. A metadata server takes no more of one.
    public static final int MAX_REGIONS = 64;

    /// Addresses that clients are told. A metadata server takes no more of one.
    public static final int MAX_PORTALS = 16;

    /// I/O threads; more than processors would only get in each other's way.
    public static final int MAX_LOOPS = 1024;

    /// iSCSI sessions; a further login is refused with "out of resources".
    public static final int MAX_SESSIONS = 1024;

    /// TCP connections; a further one is closed at once. More than sessions, so that a login can be refused
    /// properly.
    public static final int MAX_CONNECTIONS = 2 * MAX_SESSIONS;

    /// Commands that a session may have under way: the command window, and so the deepest queue of an initiator.
    public static final int COMMAND_WINDOW = 256;

    /// Largest data segment of a PDU that we take (MaxRecvDataSegmentLength). It costs no memory: large ones go
    /// straight into the region.
    public static final int MAX_RECEIVE_BYTES = 1 << 20;

    /// Most data that one R2T asks for (MaxBurstLength).
    public static final int MAX_BURST_BYTES = 4 << 20;

    /// Most data that an initiator sends unasked with a write (FirstBurstLength).
    public static final int FIRST_BURST_BYTES = 256 << 10;

    /// How long a connection may take to log in.
    public static final int LOGIN_SECONDS = 15;

    /// How long initiators have to log out when the server is told to stop.
    public static final Duration DISMISSAL = Duration.ofSeconds(2);

    /// After how much silence an initiator is asked whether it is there, and how long it then has to answer.
    public static final int PING_SECONDS = 30;

    /// While more waits to be sent to an initiator, no further commands are taken from it.
    public static final int SOFT_QUEUE_BYTES = 4 << 20;

    /// An initiator that lets more pile up is cut off. One command sends 16 MiB at most.
    public static final int HARD_QUEUE_BYTES = 64 << 20;

    /// An initiator that stops in the middle of a PDU, or takes nothing of what is sent to it, is cut off after
    /// this.
    public static final Duration STALL = Duration.ofSeconds(30);

    private Limits() {}
}
