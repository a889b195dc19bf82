package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.openArgs;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LocktArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What operations on state refuse, and with what: RFC 8881 §15.2, §15.3 and the description of each.
@ExtendWith(SuiteServer.class)
class RefusalTest {
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));
    private static final FileRange BLOCK = FileRange.of(0, 4096);

    private final Session session;
    private final Tree tree;
    private final Opened file;

    RefusalTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private void expect(NfsStatus expected, OpArgs operation) {
        session.expect(expected, at(file.file(), operation));
    }

    private static OpenArgs open(int access, int deny, OpenHow how, OpenClaim claim) {
        return new OpenArgs(0, access, deny, OWNER, how, claim);
    }

    @Test
    void an_open_by_handle_makes_nothing_and_a_claim_needs_what_it_claims() {
        var noCreate = new OpenHow.NoCreate();

        expect(
                NfsStatus.INVAL,
                openArgs("owner", ShareBits.READ, new OpenHow.Unchecked(MODE_644), new OpenClaim.ByHandle()));
        expect(
                NfsStatus.NO_GRACE,
                openArgs("owner", ShareBits.READ, noCreate, new OpenClaim.Previous(DelegationType.NONE)));
        expect(
                NfsStatus.NOTSUPP,
                openArgs("owner", ShareBits.READ, noCreate, new OpenClaim.DelegatePreviousByHandle()));
        expect(
                NfsStatus.BAD_STATEID,
                openArgs("owner", ShareBits.READ, noCreate, new OpenClaim.DelegateCurrentByHandle(file.stateid())));
        session.expect(
                NfsStatus.NOTSUPP,
                tree.here(openArgs("owner", ShareBits.READ, noCreate, new OpenClaim.DelegatePrevious("file"))));
        session.expect(
                NfsStatus.BAD_STATEID,
                tree.here(openArgs(
                        "owner", ShareBits.READ, noCreate, new OpenClaim.DelegateCurrent(Stateid.ANONYMOUS, "file"))));
        session.expect(NfsStatus.NOFILEHANDLE, openArgs("owner", ShareBits.READ, noCreate, new OpenClaim.ByHandle()));
    }

    @Test
    void an_open_denies_with_the_bits_there_are_and_creates_with_attributes_that_can_be_set() {
        for (int deny : new int[] {4, 0x100}) {
            session.expect(
                    NfsStatus.INVAL,
                    tree.here(open(ShareBits.READ, deny, new OpenHow.NoCreate(), new OpenClaim.ByName("file"))));
        }
        var notExclusively = AttributeCodec.write(Attributes.builder().size(0).build());
        var unreadable = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.NUMLINKS, 5).build());
        session.expect(
                NfsStatus.INVAL,
                tree.here(openArgs("new", "owner", ShareBits.BOTH, new OpenHow.Exclusive41(1, notExclusively))));
        session.expect(
                NfsStatus.INVAL,
                tree.here(openArgs("new", "owner", ShareBits.BOTH, new OpenHow.Exclusive41(1, unreadable))));
    }

    @Test
    void an_open_is_lessened_to_what_it_was_opened_for() {
        expect(NfsStatus.INVAL, new OpenDowngradeArgs(file.stateid(), 0, 0, 0));
        expect(NfsStatus.INVAL, new OpenDowngradeArgs(file.stateid(), 0, ShareBits.READ, 0));
        expect(NfsStatus.INVAL, new OpenDowngradeArgs(file.stateid(), 0, ShareBits.BOTH, ShareBits.READ));
        expect(NfsStatus.INVAL, new OpenDowngradeArgs(file.stateid(), 0, ShareBits.BOTH, 8));
        expect(NfsStatus.BAD_STATEID, new OpenDowngradeArgs(Stateid.ANONYMOUS, 0, ShareBits.BOTH, 0));
        expect(NfsStatus.BAD_STATEID, new OpenDowngradeArgs(file.stateid().next(), 0, ShareBits.BOTH, 0));
        session.ok(at(file.file(), new OpenDowngradeArgs(file.stateid(), 0, ShareBits.BOTH, 0)));
        expect(NfsStatus.OLD_STATEID, new OpenDowngradeArgs(file.stateid(), 0, ShareBits.BOTH, 0));
    }

    @Test
    void a_close_is_of_an_open_on_this_file() {
        Opened other = tree.create("other");

        expect(NfsStatus.BAD_STATEID, closeArgs(other.stateid()));
        expect(NfsStatus.BAD_STATEID, closeArgs(Stateid.ANONYMOUS));
        expect(NfsStatus.BAD_STATEID, closeArgs(Stateid.READ_BYPASS));
        session.expect(NfsStatus.NOFILEHANDLE, closeArgs(file.stateid()));
        session.expect(NfsStatus.LOCKS_HELD, new FreeStateidArgs(file.stateid()));
        session.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(Stateid.ANONYMOUS));
        session.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(Stateid.CURRENT));
    }

    @Test
    void each_stateid_is_tested_by_itself() {
        Stateid unknown = new Stateid(1, Opaque.ofUtf8("unknown data"));

        assertThat(Session.find(
                                TestStateidResult.class,
                                session.ok(new TestStateidArgs(
                                        List.of(unknown, file.stateid(), Stateid.ANONYMOUS, Stateid.READ_BYPASS))))
                        .statuses())
                .containsExactly(NfsStatus.BAD_STATEID, NfsStatus.OK, NfsStatus.BAD_STATEID, NfsStatus.BAD_STATEID);
        assertThat(Session.find(TestStateidResult.class, session.ok(new TestStateidArgs(List.of())))
                        .statuses())
                .isEmpty();
    }

    private static LockArgs lock(FileRange range, Stateid open) {
        return new LockArgs(LockType.WRITE, false, range, new Locker.NewOwner(0, open, 0, OWNER));
    }

    @Test
    void a_lock_is_of_an_open_on_this_file_and_a_range_of_some_bytes() {
        Opened other = tree.create("other");

        expect(NfsStatus.BAD_STATEID, lock(BLOCK, other.stateid()));
        expect(NfsStatus.BAD_STATEID, lock(BLOCK, Stateid.ANONYMOUS));
        expect(NfsStatus.BAD_STATEID, lock(BLOCK, file.stateid().next()));
        expect(NfsStatus.INVAL, new LocktArgs(LockType.READ, FileRange.of(3, 0), OWNER));
        expect(
                NfsStatus.NO_GRACE,
                new LockArgs(LockType.WRITE, true, BLOCK, new Locker.NewOwner(0, file.stateid(), 0, OWNER)));
        session.expect(NfsStatus.NOFILEHANDLE, lock(BLOCK, file.stateid()));

        Stateid held = Session.find(LockResult.class, session.ok(at(file.file(), lock(BLOCK, file.stateid()))))
                .stateid();
        expect(NfsStatus.BAD_STATEID, new LockuArgs(LockType.WRITE, 0, file.stateid(), BLOCK));
        expect(NfsStatus.BAD_STATEID, new LockuArgs(LockType.WRITE, 0, held.next(), BLOCK));
        expect(NfsStatus.INVAL, new LockuArgs(LockType.WRITE, 0, held, FileRange.of(3, 0)));
        session.expect(NfsStatus.BAD_STATEID, at(other.file(), new LockuArgs(LockType.WRITE, 0, held, BLOCK)));
        session.ok(at(file.file(), new LockuArgs(LockType.READ, 0, held, FileRange.of(1 << 20, 1))));
    }

    private LayoutGetArgs layout(Iomode iomode, FileRange range, long minLength, Stateid stateid, int maxBytes) {
        return new LayoutGetArgs(false, LayoutType.SCSI, iomode, range, minLength, stateid, maxBytes);
    }

    @Test
    void a_layout_is_for_reading_or_writing_what_was_opened_so() {
        Stateid open = file.stateid();
        Opened reading = tree.open("file", "reader", ShareBits.READ);

        expect(NfsStatus.BADIOMODE, layout(Iomode.ANY, BLOCK, 0, open, 4096));
        expect(NfsStatus.INVAL, layout(Iomode.READ, BLOCK, 8192, open, 4096));
        expect(NfsStatus.BAD_STATEID, layout(Iomode.READ, BLOCK, 0, Stateid.ANONYMOUS, 4096));
        expect(NfsStatus.BAD_STATEID, layout(Iomode.READ, BLOCK, 0, open.next(), 4096));
        expect(NfsStatus.OPENMODE, layout(Iomode.READ_WRITE, BLOCK, 4096, reading.stateid(), 4096));
        expect(NfsStatus.TOOSMALL, layout(Iomode.READ_WRITE, BLOCK, 4096, open, 4));
        expect(
                NfsStatus.UNKNOWN_LAYOUTTYPE,
                new LayoutGetArgs(false, LayoutType.FLEX_FILES, Iomode.READ, BLOCK, 0, open, 4096));
        session.expect(NfsStatus.NOFILEHANDLE, layout(Iomode.READ, BLOCK, 0, open, 4096));
    }

    private static LayoutCommitArgs commit(FileRange range, Stateid stateid, long lastByte) {
        return new LayoutCommitArgs(
                range,
                false,
                stateid,
                OptionalLong.of(lastByte),
                Optional.<NfsTime>empty(),
                new LayoutBody(LayoutType.SCSI, Opaque.of(new byte[4])));
    }

    private static LayoutReturnArgs back(Stateid stateid) {
        return new LayoutReturnArgs(
                false,
                LayoutType.SCSI,
                Iomode.ANY,
                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, stateid, Opaque.EMPTY));
    }

    @Test
    void what_is_committed_and_returned_is_a_layout_that_is_held() {
        Stateid held = Session.find(
                        LayoutGetResult.class,
                        session.ok(at(file.file(), layout(Iomode.READ_WRITE, BLOCK, 4096, file.stateid(), 4096))))
                .stateid();

        assertThat(held.seqid()).isEqualTo(1);
        expect(NfsStatus.BAD_STATEID, commit(BLOCK, file.stateid(), 4095));
        expect(NfsStatus.BAD_STATEID, commit(BLOCK, Stateid.ANONYMOUS, 4095));
        expect(NfsStatus.BAD_STATEID, commit(BLOCK, held.next(), 4095));
        expect(NfsStatus.INVAL, commit(BLOCK, held, 8191));
        expect(NfsStatus.BAD_STATEID, back(file.stateid()));
        expect(NfsStatus.BAD_STATEID, back(held.next()));
        session.ok(at(file.file(), back(held)));
        expect(NfsStatus.BAD_STATEID, back(held));
        expect(NfsStatus.BAD_STATEID, commit(BLOCK, held, 4095));
    }

    @Test
    void what_there_is_not_yet_is_not_supported_and_what_there_was_once_neither() {
        session.ofMinorVersion(2);

        session.expect(NfsStatus.RESTOREFH, new RestoreFhArgs());
        expect(NfsStatus.NOTSUPP, new OpArgs.OpenAttrArgs(false));
        expect(NfsStatus.NOTSUPP, new OpArgs.DelegPurgeArgs(session.clientId));
        session.expect(
                NfsStatus.NOTSUPP,
                at(file.file(), new SaveFhArgs(), new OpArgs.CloneArgs(file.stateid(), file.stateid(), 0, 4096, 4096)));
        NfsTime now = new NfsTime(0, 0);
        session.ok(
                tree.here(new OpArgs.GetDirDelegationArgs(false, Bitmap.EMPTY, now, now, Bitmap.EMPTY, Bitmap.EMPTY)));
    }

    @Test
    void a_copy_is_between_two_files_and_within_the_first() {
        session.ofMinorVersion(2);
        tree.write(file.file(), file.stateid(), 0, "data");
        Opened target = tree.create("target");
        Opened reading = tree.open("target", "reader", ShareBits.READ);

        session.expect(NfsStatus.INVAL, copy(file.stateid(), target, target.stateid(), 0, 5));
        session.expect(NfsStatus.INVAL, copy(file.stateid(), target, target.stateid(), 5, 0));
        session.expect(NfsStatus.OPENMODE, copy(file.stateid(), target, reading.stateid(), 0, 4));
        session.expect(NfsStatus.INVAL, copy(file.stateid(), file, file.stateid(), 0, 4));
    }

    private OpArgs[] copy(Stateid source, Opened target, Stateid destination, long from, long count) {
        return at(
                file.file(),
                new SaveFhArgs(),
                Tree.put(target.file()),
                new CopyArgs(source, destination, from, 0, count, false, true, List.of()));
    }
}
