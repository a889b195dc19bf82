package pnfs.mds.open;

import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.ShareBits;

/// For what one owner has one file open: the shares of all its OPENs together, and the version of the stateid
/// that says so. Each different pair of access and deny is remembered once, because OPEN_DOWNGRADE may only go
/// back to a union of some of them (RFC 8881 §18.18.3). Immutable.
///
/// @param seqid unsigned, never 0
/// @param pairs a bit for each pair opened so far: 4 · (access - 1) + deny
record Shares(int seqid, int pairs) {
    private static final int DENIES = 4;
    private static final int ALL_PAIRS = (1 << (DENIES * ShareBits.BOTH)) - 1;

    Shares {
        if (seqid == 0 || pairs == 0 || (pairs & ~ALL_PAIRS) != 0) {
            throw new IllegalArgumentException("seqid " + seqid + ", pairs " + Integer.toHexString(pairs));
        }
    }

    static Shares first(int access, int deny) {
        return new Shares(1, pair(access, deny));
    }

    Shares with(int access, int deny) {
        return new Shares(nextSeqid(), pairs | pair(access, deny));
    }

    /// @throws NfsException INVAL when `access` and `deny` are not the union of some of the pairs
    Shares downgraded(int access, int deny) {
        int kept = 0;
        for (int left = pairs; left != 0; left &= left - 1) {
            int index = Integer.numberOfTrailingZeros(left);
            boolean inside = (accessOf(index) & ~access) == 0 && (denyOf(index) & ~deny) == 0;
            kept |= inside ? 1 << index : 0;
        }
        if (kept == 0 || accessOfAll(kept) != access || denyOfAll(kept) != deny) {
            throw new NfsException(
                    NfsStatus.INVAL, "access " + access + " and deny " + deny + " were never opened together");
        }
        return new Shares(nextSeqid(), kept);
    }

    int access() {
        return accessOfAll(pairs);
    }

    int deny() {
        return denyOfAll(pairs);
    }

    private static int accessOfAll(int pairs) {
        int access = 0;
        for (int left = pairs; left != 0; left &= left - 1) {
            access |= accessOf(Integer.numberOfTrailingZeros(left));
        }
        return access;
    }

    private static int denyOfAll(int pairs) {
        int deny = 0;
        for (int left = pairs; left != 0; left &= left - 1) {
            deny |= denyOf(Integer.numberOfTrailingZeros(left));
        }
        return deny;
    }

    /// Whether somebody who has this cannot have it beside `access` and `deny`.
    boolean conflictsWith(int access, int deny) {
        return (deny() & access) != 0 || (access() & deny) != 0;
    }

    /// 1 follows 2^32-1: 0 means "the current one" (RFC 8881 §8.2.2).
    private int nextSeqid() {
        return seqid == 0xffff_ffff ? 1 : seqid + 1;
    }

    private static int pair(int access, int deny) {
        if (access < ShareBits.READ || access > ShareBits.BOTH || deny < 0 || deny > ShareBits.BOTH) {
            throw new IllegalArgumentException("access " + access + ", deny " + deny);
        }
        return 1 << (DENIES * (access - 1) + deny);
    }

    private static int accessOf(int index) {
        return index / DENIES + 1;
    }

    private static int denyOf(int index) {
        return index % DENIES;
    }
}
