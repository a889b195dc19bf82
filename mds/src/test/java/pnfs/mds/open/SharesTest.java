package pnfs.mds.open;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

class SharesTest {
    private record Pair(int access, int deny) {}

    /// RFC 8881 §18.18.3, word for word: some subset of the opens has exactly this union.
    @Seeds(500)
    void a_downgrade_goes_to_a_union_of_some_of_the_opens_and_to_nothing_else(RandomGenerator random) {
        List<Pair> opened = new ArrayList<>();
        Pair first = pair(random);
        opened.add(first);
        Shares shares = Shares.first(first.access(), first.deny());
        for (int i = random.nextInt(4); i > 0; i--) {
            Pair next = pair(random);
            opened.add(next);
            shares = shares.with(next.access(), next.deny());
        }
        Shares before = shares;
        Pair wanted = pair(random);

        assertThat(before.access()).isEqualTo(union(opened).access());
        assertThat(before.deny()).isEqualTo(union(opened).deny());
        if (isUnionOfSome(opened, wanted)) {
            Shares after = before.downgraded(wanted.access(), wanted.deny());
            assertThat(after.access()).isEqualTo(wanted.access());
            assertThat(after.deny()).isEqualTo(wanted.deny());
            assertThat(after.seqid()).isEqualTo(before.seqid() + 1);
        } else {
            assertThatThrownBy(() -> before.downgraded(wanted.access(), wanted.deny()))
                    .isInstanceOfSatisfying(
                            NfsException.class,
                            refusal -> assertThat(refusal.status()).isEqualTo(NfsStatus.INVAL));
        }
    }

    @Test
    void what_is_denied_or_denies_conflicts() {
        for (int access = 1; access <= 3; access++) {
            for (int deny = 0; deny <= 3; deny++) {
                Shares held = Shares.first(access, deny);
                for (int otherAccess = 1; otherAccess <= 3; otherAccess++) {
                    for (int otherDeny = 0; otherDeny <= 3; otherDeny++) {
                        boolean conflict = (deny & otherAccess) != 0 || (otherDeny & access) != 0;
                        assertThat(held.conflictsWith(otherAccess, otherDeny)).isEqualTo(conflict);
                    }
                }
            }
        }
    }

    @Test
    void the_version_never_becomes_0() {
        assertThat(new Shares(-1, 1).with(1, 0).seqid()).isEqualTo(1);
    }

    private static boolean isUnionOfSome(List<Pair> opened, Pair wanted) {
        for (int subset = 1; subset < 1 << opened.size(); subset++) {
            var some = new ArrayList<Pair>();
            for (int i = 0; i < opened.size(); i++) {
                if ((subset & 1 << i) != 0) {
                    some.add(opened.get(i));
                }
            }
            if (union(some).equals(wanted)) {
                return true;
            }
        }
        return false;
    }

    private static Pair union(List<Pair> pairs) {
        int access = 0;
        int deny = 0;
        for (Pair pair : pairs) {
            access |= pair.access();
            deny |= pair.deny();
        }
        return new Pair(access, deny);
    }

    private static Pair pair(RandomGenerator random) {
        return new Pair(1 + random.nextInt(3), random.nextInt(4));
    }
}
