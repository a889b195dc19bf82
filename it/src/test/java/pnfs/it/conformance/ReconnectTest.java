package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.it.conformance.Tree.Opened;
import pnfs.it.process.Cluster;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What a client holds of files when the server's process is killed and started again, while its machine goes
/// on: all that it held before.
class ReconnectTest {
    private static final FileRange HEAD = FileRange.of(0, 100);

    @TempDir
    Path folder;

    private Cluster cluster;
    private Suite suite;

    @BeforeEach
    void start() throws IOException {
        cluster = Cluster.start(folder, new Cluster.Shape(0, 0, List.of("--lease", SuiteServer.LEASE_SECONDS + "s")));
        suite = new Suite(cluster.nfs());
    }

    @AfterEach
    void end() {
        suite.close();
        cluster.close();
    }

    @Test
    void opens_locks_delegations_and_files_without_a_name_are_as_they_were() throws IOException {
        Tree tree = Tree.make(suite.session("anna"), suite.name());
        Opened opened = tree.create("locked");
        Stateid lock = Session.find(LockResult.class, tree.session.ok(at(opened.file(), first(opened.stateid()))))
                .stateid();
        Opened nameless = tree.create("nameless");
        tree.session.ok(tree.here(new RemoveArgs("nameless")));
        Opened read = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Tree others = tree.of(suite.session("boris"));
        Opened beside = others.open("locked", "owner", ShareBits.BOTH);

        cluster.mds().kill();
        cluster.restartMds();
        Session anna = comeBack("anna", tree.session);
        Session boris = comeBack("boris", others.session);

        assertThat(anna.flags()).isZero();
        boris.expect(NfsStatus.DENIED, at(opened.file(), first(beside.stateid())));
        boris.ok(others.here(Tree.openArgs("new", "owner", ShareBits.BOTH, new OpenHow.Guarded(Tree.MODE_644))));
        anna.ok(at(opened.file(), size(lock, 5)));
        anna.ok(at(opened.file(), new LockuArgs(LockType.WRITE, 0, lock, HEAD)));
        boris.ok(at(opened.file(), first(beside.stateid())));
        anna.ok(at(read.file(), new DelegReturnArgs(DelegationTest.stateidOf(read))));
        anna.ok(at(nameless.file(), size(nameless.stateid(), 7)));
        anna.ok(at(nameless.file(), closeArgs(nameless.stateid())));
        anna.expect(NfsStatus.STALE, at(nameless.file(), new GetAttrArgs(Bitmap.of(Attribute.SIZE))));
    }

    private Session comeBack(String name, Session before) {
        Owner known = Owner.exchange(suite.connect(), name, 1);
        assertThat(known.clientId).isEqualTo(before.clientId);
        return known.createSession();
    }

    private static SetAttrArgs size(Stateid stateid, long bytes) {
        return new SetAttrArgs(
                stateid, AttributeCodec.write(Attributes.builder().size(bytes).build()));
    }

    private static LockArgs first(Stateid open) {
        var owner = new StateOwner(0, Opaque.ofUtf8("process"));
        return new LockArgs(LockType.WRITE, false, HEAD, new Locker.NewOwner(0, open, 0, owner));
    }
}
