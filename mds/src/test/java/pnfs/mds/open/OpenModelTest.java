package pnfs.mds.open;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpenDowngradeResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.Stateid;

/// Opens of one file by several owners of two clients, beside a list of what each has opened.
class OpenModelTest {
    private static final int CLIENTS = 2;
    private static final int OWNERS = 2;
    private static final int STEPS = 40; // each takes a second or two, and a lease is 90;

    private final FileRooms rooms = FileRooms.committing();
    private final FileHandle file = rooms.createFile(FileRooms.root(), "f", 0666);
    private final Map<Who, Opened> model = new HashMap<>();

    private record Who(int client, int owner) {}

    private record Pair(int access, int deny) {}

    /// Every pair that was opened and not downgraded away, and the stateid that says so.
    private record Opened(Stateid stateid, List<Pair> pairs) {
        int access() {
            return pairs.stream().mapToInt(Pair::access).reduce(0, (a, b) -> a | b);
        }

        int deny() {
            return pairs.stream().mapToInt(Pair::deny).reduce(0, (a, b) -> a | b);
        }
    }

    @Seeds(100)
    void shares_and_stateids_agree_with_a_list_of_opens(RandomGenerator random) {
        for (int step = 0; step < STEPS; step++) {
            var who = new Who(random.nextInt(CLIENTS) + 1, random.nextInt(OWNERS));
            Opened opened = model.get(who);
            switch (random.nextInt(4)) {
                case 0, 1 -> open(who, opened, new Pair(random.nextInt(1, 4), random.nextInt(8) % 4 & deny(random)));
                case 2 -> {
                    if (opened != null) {
                        downgrade(who, opened, new Pair(random.nextInt(1, 4), random.nextInt(4)), random);
                    }
                }
                default -> {
                    if (opened != null) {
                        close(who, opened, random);
                    }
                }
            }
        }
    }

    /// Mostly nothing, or nobody could open anything.
    private static int deny(RandomGenerator random) {
        return random.nextInt(3) == 0 ? 3 : 0;
    }

    private void open(Who who, @Nullable Opened before, Pair pair) {
        boolean denied = model.entrySet().stream()
                .filter(other -> !other.getKey().equals(who))
                .map(Map.Entry::getValue)
                .anyMatch(other -> (other.deny() & pair.access()) != 0 || (other.access() & pair.deny()) != 0);

        OpResult result = run(
                who,
                FileRooms.open(
                        "owner " + who.owner(),
                        pair.access(),
                        pair.deny(),
                        new OpenHow.NoCreate(),
                        new OpenClaim.ByHandle()));

        assertThat(result.status()).isEqualTo(denied ? NfsStatus.SHARE_DENIED : NfsStatus.OK);
        if (result instanceof OpenResult opened) {
            var pairs = new ArrayList<Pair>();
            if (before != null) {
                assertThat(opened.stateid()).isEqualTo(before.stateid().next());
                pairs.addAll(before.pairs());
            } else {
                assertThat(opened.stateid().seqid()).isEqualTo(1);
            }
            pairs.add(pair);
            model.put(who, new Opened(opened.stateid(), pairs));
        }
    }

    private void downgrade(Who who, Opened before, Pair to, RandomGenerator random) {
        List<Pair> inside = before.pairs().stream()
                .filter(pair -> (pair.access() & ~to.access()) == 0 && (pair.deny() & ~to.deny()) == 0)
                .toList();
        var after = new Opened(before.stateid().next(), inside);
        boolean possible = !inside.isEmpty() && after.access() == to.access() && after.deny() == to.deny();
        Stateid presented = version(before.stateid(), random);
        NfsStatus fault = fault(presented, before.stateid());

        OpResult result = run(who, new OpenDowngradeArgs(presented, 0, to.access(), to.deny()));

        assertThat(result.status())
                .isEqualTo(fault != NfsStatus.OK ? fault : possible ? NfsStatus.OK : NfsStatus.INVAL);
        if (result instanceof OpenDowngradeResult downgraded) {
            assertThat(downgraded.stateid()).isEqualTo(after.stateid());
            model.put(who, after);
        }
    }

    private void close(Who who, Opened before, RandomGenerator random) {
        Stateid presented = version(before.stateid(), random);
        NfsStatus fault = fault(presented, before.stateid());

        assertThat(run(who, new CloseArgs(0, presented)).status()).isEqualTo(fault);
        if (fault == NfsStatus.OK) {
            model.remove(who);
            assertThat(run(who, new CloseArgs(0, presented)).status()).isEqualTo(NfsStatus.BAD_STATEID);
        }
    }

    /// Mostly the current version.
    private static Stateid version(Stateid current, RandomGenerator random) {
        return switch (random.nextInt(6)) {
            case 0 -> current.withSeqid(0);
            case 1 -> current.withSeqid(current.seqid() + 1);
            case 2 -> current.seqid() > 1 ? current.withSeqid(current.seqid() - 1) : current;
            default -> current;
        };
    }

    private static NfsStatus fault(Stateid presented, Stateid current) {
        if (presented.seqid() == 0 || presented.seqid() == current.seqid()) {
            return NfsStatus.OK;
        }
        return presented.seqid() < current.seqid() ? NfsStatus.OLD_STATEID : NfsStatus.BAD_STATEID;
    }

    private OpResult run(Who who, OpArgs operation) {
        CompoundState state = rooms.state(FileRooms.root(), who.client());
        state.setCurrentFile(file);
        return rooms.run(state, operation).getFirst();
    }
}
