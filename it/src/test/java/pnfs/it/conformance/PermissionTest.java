package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;
import static pnfs.it.conformance.Tree.opened;
import static pnfs.it.conformance.Tree.put;
import static pnfs.it.conformance.Tree.writeArgs;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;

/// What mode bits let users other than root do with the data of a file: RFC 8881 §6.2.4, §18.16.3, §18.22.3,
/// §18.32.3.
@ExtendWith(SuiteServer.class)
class PermissionTest {
    private static final int UID = 1111;
    private static final int GROUP = 37;

    private final Suite suite;
    private final Tree tree;

    PermissionTest(Suite suite) {
        this.suite = suite;
        tree = Tree.make(suite.session(), suite.name());
        tree.session.ok(tree.here(set(mode(0777))));
    }

    private static Fattr mode(int mode) {
        return AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
    }

    private static OpArgs set(Fattr attributes) {
        return new SetAttrArgs(Stateid.ANONYMOUS, attributes);
    }

    private Session sessionOf(RpcCredential who) {
        Session session = Owner.exchange(suite.connect(), suite.name(), 1, who).createSession();
        session.ok(new ReclaimCompleteArgs(false));
        return session.ofMinorVersion(2);
    }

    private static RpcCredential user(int group, Integer... more) {
        return new RpcCredential.Sys(0, "user", UID, group, List.of(more));
    }

    /// A file of root's, of this group and mode, with data in it.
    private Opened file(int group, int mode) {
        Opened file = tree.create(suite.name());
        tree.write(file.file(), file.stateid(), 0, "data");
        tree.session.ok(at(
                file.file(),
                set(AttributeCodec.write(Attributes.builder()
                        .uint32(Attribute.MODE, mode)
                        .text(Attribute.OWNER_GROUP, Integer.toString(group))
                        .build()))));
        tree.close(file);
        return file;
    }

    @ParameterizedTest
    @CsvSource({
        "0600, 0, false, false",
        "0644, 0, true, false",
        "0622, 0, false, true",
        "0666, 0, true, true",
        "0711, 0, true, false", // who executes it has to read it
        "0660, 37, true, true",
        "0640, 37, true, false",
        "0640, 38, true, false",
        "0606, 37, false, false", // the group's bits are those that count
    })
    void the_bits_of_the_class_that_a_user_is_of_decide(String bits, int group, boolean reads, boolean writes) {
        Opened file = file(group, Integer.parseInt(bits, 8));
        Opened other = file(0, 0666);
        Session user = sessionOf(user(GROUP, 38));
        NfsStatus reading = reads ? NfsStatus.OK : NfsStatus.ACCESS;
        NfsStatus writing = writes ? NfsStatus.OK : NfsStatus.ACCESS;
        FileRange range = FileRange.of(0, 4);

        user.expect(reading, at(file.file(), new ReadArgs(Stateid.ANONYMOUS, 0, 4)));
        user.expect(reading, at(file.file(), new ReadPlusArgs(Stateid.READ_BYPASS, 0, 4)));
        user.expect(writing, at(file.file(), writeArgs(Stateid.ANONYMOUS, 0, "data")));
        user.expect(writing, at(file.file(), new AllocateArgs(Stateid.ANONYMOUS, range)));
        user.expect(reading, copy(file, other));
        user.expect(writing, copy(other, file));
        user.expect(
                writing,
                at(
                        file.file(),
                        set(AttributeCodec.write(Attributes.builder().size(2).build()))));
        user.expect(writing, at(file.file(), new DeallocateArgs(Stateid.ANONYMOUS, range)));
    }

    private static OpArgs[] copy(Opened from, Opened to) {
        return new OpArgs[] {
            put(from.file()),
            new SaveFhArgs(),
            put(to.file()),
            new CopyArgs(Stateid.ANONYMOUS, Stateid.ANONYMOUS, 0, 0, 0, false, true, List.of())
        };
    }

    @Test
    void who_owns_a_file_writes_to_it_whatever_its_mode_and_opens_it_as_the_mode_says() {
        Session user = sessionOf(user(GROUP));
        Tree there = tree.of(user);
        Opened mine = opened(user.ok(
                there.here(openArgs("mine", "owner", ShareBits.BOTH, new OpenHow.Guarded(mode(0444))), GET_FH)));

        user.ok(at(mine.file(), writeArgs(mine.stateid(), 0, "by the open that made it")));
        user.ok(at(mine.file(), writeArgs(Stateid.ANONYMOUS, 0, "By")));
        user.expect(NfsStatus.ACCESS, there.here(openArgs("mine", "again", ShareBits.WRITE, new OpenHow.NoCreate())));
        assertThat(there.read(mine.file(), mine.stateid())).isEqualTo("By the open that made it");
    }

    @Test
    void what_was_opened_stays_open_when_the_mode_changes() {
        Opened file = file(0, 0666);
        Session user = sessionOf(user(GROUP));
        Opened open = opened(user.ok(at(
                file.file(),
                openArgs("owner", ShareBits.BOTH, new OpenHow.NoCreate(), new OpenClaim.ByHandle()),
                GET_FH)));

        tree.session.ok(at(file.file(), set(mode(0))));

        user.ok(at(file.file(), writeArgs(open.stateid(), 0, "data")));
        user.ok(at(file.file(), new ReadArgs(open.stateid(), 0, 4)));
        user.expect(NfsStatus.ACCESS, at(file.file(), writeArgs(Stateid.ANONYMOUS, 0, "data")));
    }
}
