package pnfs.mds.attribute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.mds.compound.FileHandle;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsTime;

/// Files belong to 10:20 here.
class PermissionTest {
    private static final Caller OWNER = new Caller(10, 99, List.of());
    private static final Caller MEMBER = new Caller(11, 20, List.of());
    private static final Caller MEMBER_BY_LIST = new Caller(11, 99, List.of(7, 20));
    private static final Caller OTHER = new Caller(12, 99, List.of(7));
    private static final Caller ROOT = new Caller(0, 0, List.of());

    @ParameterizedTest(name = "mode {0}: {1} with {2} is {3}")
    @CsvSource({
        "700, OWNER, 7, true",
        "700, MEMBER, 4, false",
        "700, OTHER, 1, false",
        "070, OWNER, 4, false",
        "070, MEMBER, 7, true",
        "070, MEMBER_BY_LIST, 7, true",
        "070, OTHER, 4, false",
        "007, OWNER, 1, false",
        "007, MEMBER, 2, false",
        "007, MEMBER_BY_LIST, 4, false",
        "007, OTHER, 7, true",
        "640, OWNER, 6, true",
        "640, OWNER, 1, false",
        "640, MEMBER, 4, true",
        "640, MEMBER, 2, false",
        "000, ROOT, 6, true",
        "000, ROOT, 1, false",
        "001, ROOT, 7, true",
        "751, OTHER, 1, true",
        "751, OTHER, 5, false",
    })
    void the_first_class_that_fits_decides_alone(String mode, String who, int wanted, boolean expected) {
        Inode file = inode(Integer.parseInt(mode, 8), new Content.Meeting(FileType.FIFO));

        assertThat(file.allows(caller(who), wanted)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "directory of mode {0}: root with {1}")
    @CsvSource({"000, 1", "000, 7"})
    void root_searches_any_directory(String mode, int wanted) {
        Inode directory = inode(Integer.parseInt(mode, 8), Content.Directory.empty(new FileHandle(1, 1)));

        assertThat(directory.allows(ROOT, wanted)).isTrue();
    }

    /// Beside a table of three digits and three questions.
    @Seeds(500)
    void permissions_agree_with_the_digits_of_the_mode(RandomGenerator random) {
        int mode = random.nextInt(Rights.MODE_BITS + 1);
        int wanted = random.nextInt(8);
        Caller caller = List.of(OWNER, MEMBER, MEMBER_BY_LIST, OTHER).get(random.nextInt(4));
        String digits = String.format("%03o", mode & 0777);
        int digit = digits.charAt(caller.equals(OWNER) ? 0 : caller.equals(OTHER) ? 2 : 1) - '0';

        Inode file = inode(mode, new Content.Regular(0, 0, null));

        assertThat(file.allows(caller, wanted)).isEqualTo((digit & wanted) == wanted);
    }

    private static Caller caller(String name) {
        return switch (name) {
            case "OWNER" -> OWNER;
            case "MEMBER" -> MEMBER;
            case "MEMBER_BY_LIST" -> MEMBER_BY_LIST;
            case "OTHER" -> OTHER;
            case "ROOT" -> ROOT;
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Inode inode(int mode, Content content) {
        return Inode.create(new FileHandle(2, 2), new Rights(mode, 10, 20), Times.allAt(new NfsTime(1, 1)), content);
    }
}
