package pnfs.layout.grant;

import java.util.Optional;
import java.util.stream.Stream;

/// The layout types of ours (`layouttype4`, RFC 8881 §3.3.13, RFC 8154).
public enum LayoutType {
    /// Disks found by what is written on them, RFC 5663.
    BLOCK_VOLUME(3, 93),
    /// Disks found by their designator, fenced by persistent reservations, RFC 8154.
    SCSI(5, 255);

    private final int wire;
    private final int safeCommitRuns;

    LayoutType(int wire, int safeCommitRuns) {
        this.wire = wire;
        this.safeCommitRuns = safeCommitRuns;
    }

    public static Optional<LayoutType> fromWire(int wire) {
        return Stream.of(values()).filter(type -> type.wire == wire).findFirst();
    }

    public int wire() {
        return wire;
    }

    /// How many written ranges fit into the one page in which Linux first tries to encode a LAYOUTCOMMIT. Up to
    /// 6.12 it loses what is over, without an error, so nobody gets more unwritten runs of a file than this.
    int safeCommitRuns() {
        return safeCommitRuns;
    }
}
