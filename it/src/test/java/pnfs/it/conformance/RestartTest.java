package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.closeArgs;
import static pnfs.it.conformance.Tree.openArgs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.it.conformance.Tree.Opened;
import pnfs.it.process.Cluster;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NoDelegationReason;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.xdr.Opaque;

/// What clients go through when the server dies with its machine and is started again: RFC 8881 §8.4.
class RestartTest {
    private static final int CLIENTS = 10;
    private static final OpArgs COMPLETE = new ReclaimCompleteArgs(false);

    @TempDir
    Path folder;

    private Cluster cluster;
    private Suite suite;

    /// A client, and the one file that it has open.
    private static final class Holder {
        final String name;
        final Opaque file;
        Session session;

        Holder(String name, Opaque file, Session session) {
            this.name = name;
            this.file = file;
            this.session = session;
        }
    }

    @BeforeEach
    void start() throws IOException {
        cluster = Cluster.start(
                folder,
                new Cluster.Shape(
                        0,
                        0,
                        List.of(
                                "--lease",
                                SuiteServer.LEASE_SECONDS + "s",
                                "--delegations",
                                "read",
                                "--forget-clients")));
        suite = new Suite(cluster.nfs());
    }

    @AfterEach
    void end() {
        suite.close();
        cluster.close();
    }

    private void restart() throws IOException {
        cluster.mds().kill();
        cluster.restartMds();
    }

    private List<Holder> holders() {
        Session maker = suite.session();
        Tree tree = Tree.make(maker, suite.name());
        maker.ok(new DestroySessionArgs(maker.id));
        maker.peer.expectAlone(NfsStatus.OK, new DestroyClientidArgs(maker.clientId));
        var all = new ArrayList<Holder>();
        for (int i = 0; i < CLIENTS; i++) {
            String name = suite.name();
            Session session = suite.session(name);
            Opened opened = tree.of(session).create(name);
            all.add(new Holder(name, opened.file(), session));
        }
        return all;
    }

    private static NfsStatus reclaim(Holder holder) {
        return holder.session
                .run(at(
                        holder.file,
                        openArgs(
                                holder.name,
                                ShareBits.BOTH,
                                new OpenHow.NoCreate(),
                                new OpenClaim.Previous(DelegationType.NONE)),
                        GET_FH))
                .getLast()
                .status();
    }

    private static NfsStatus openAnew(Holder holder) {
        return holder.session
                .run(at(
                        holder.file,
                        openArgs(holder.name, ShareBits.BOTH, new OpenHow.NoCreate(), new OpenClaim.ByHandle())))
                .getLast()
                .status();
    }

    private void comeBack(Holder holder) {
        holder.session = Owner.exchange(suite.connect(), holder.name, 1).createSession();
    }

    @Test
    void everybody_reclaims_and_nobody_opens_anew_before_the_last_is_back() throws IOException {
        Session idle = suite.session("idle");
        List<Holder> holders = holders();
        Holder first = holders.getFirst();

        restart();

        Peer peer = suite.connect();
        peer.expectAlone(NfsStatus.BADSESSION, first.session.next(0, false));
        peer.expectAlone(NfsStatus.STALE_CLIENTID, new DestroyClientidArgs(idle.clientId));
        for (Holder holder : holders) {
            comeBack(holder);
            Opened again = Tree.opened(holder.session.ok(at(
                    holder.file,
                    openArgs(
                            holder.name,
                            ShareBits.BOTH,
                            new OpenHow.NoCreate(),
                            new OpenClaim.Previous(DelegationType.NONE)),
                    GET_FH)));
            holder.session.ok(COMPLETE);
            holder.session.ok(at(again.file(), closeArgs(again.stateid())));
            assertThat(openAnew(holder)).isEqualTo(NfsStatus.GRACE);
        }
        suite.session("idle"); // has nothing to take back, and says so
        assertThat(holders).allSatisfy(holder -> assertThat(openAnew(holder)).isEqualTo(NfsStatus.OK));
    }

    @Test
    void a_second_restart_in_the_midst_of_it_loses_nobody() throws IOException {
        List<Holder> holders = holders();
        restart();
        for (Holder holder : holders.subList(0, CLIENTS / 2)) {
            comeBack(holder);
            assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);
            holder.session.ok(COMPLETE);
        }

        restart();

        for (Holder holder : holders) {
            comeBack(holder);
            assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);
            holder.session.ok(COMPLETE);
        }
    }

    @Test
    void a_second_restart_finds_a_client_in_the_midst_of_its_reclaims() throws IOException {
        Holder holder = holders().getFirst();
        for (int i = 0; i < 3; i++) {
            restart();
            comeBack(holder);
            assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);
        }
        holder.session.ok(COMPLETE);
    }

    @Test
    void who_reclaimed_and_said_so_does_not_reclaim_again() throws IOException {
        List<Holder> holders = holders();
        restart();
        Holder first = holders.getFirst();
        comeBack(first);
        assertThat(reclaim(first)).isEqualTo(NfsStatus.OK);
        first.session.ok(COMPLETE);

        comeBack(first);

        assertThat(reclaim(first)).isEqualTo(NfsStatus.NO_GRACE);
        first.session.expect(NfsStatus.COMPLETE_ALREADY, COMPLETE);
        assertThat(openAnew(first)).isEqualTo(NfsStatus.GRACE);
    }

    @Test
    void in_grace_a_file_is_left_as_who_may_take_back_a_delegation_of_it_knows_it() throws IOException {
        Session session = suite.session("holder");
        Tree tree = Tree.make(session, suite.name());
        var holder = new Holder("holder", tree.create("file").file(), session);
        restart();
        Session remover = suite.session("remover");

        OpArgs[] remove = tree.of(remover).here(new RemoveArgs("file"));
        remover.expect(NfsStatus.GRACE, remove);
        remover.ok(tree.of(remover).here(new CreateArgs(new CreateObject.Directory(), "new", Tree.MODE_755)));
        remover.ok(tree.of(remover).here(new RemoveArgs("new")));
        comeBack(holder);
        assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);
        remover.expect(NfsStatus.GRACE, remove);
        holder.session.ok(COMPLETE);

        remover.ok(remove);
        holder.session.ok(at(holder.file, GET_FH));
    }

    @Test
    void a_stranger_reclaims_nothing() throws IOException {
        List<Holder> holders = holders();
        restart();

        Holder stranger = new Holder("stranger", holders.getFirst().file, holders.getFirst().session);
        comeBack(stranger);

        assertThat(reclaim(stranger)).isEqualTo(NfsStatus.RECLAIM_BAD);
    }

    @Test
    void where_only_reading_is_delegated_writing_is_not_and_a_delegation_is_reclaimed_with_its_open()
            throws IOException {
        Session session = suite.session("delegate");
        Tree tree = Tree.make(session, suite.name());
        Opened read = DelegationTest.delegated(tree, ShareBits.READ | ShareBits.WANT_READ_DELEG);
        Opened written = Tree.opened(session.ok(tree.here(
                openArgs(
                        "written",
                        "owner",
                        ShareBits.WRITE | ShareBits.WANT_WRITE_DELEG,
                        new OpenHow.Guarded(Tree.MODE_644)),
                GET_FH)));
        assertThat(written.delegation()).isEqualTo(new OpenDelegation.Refused(NoDelegationReason.RESOURCE, false));

        restart();

        var holder = new Holder("delegate", read.file(), session);
        comeBack(holder);
        Opened again = Tree.opened(holder.session.ok(at(
                holder.file,
                openArgs("owner", ShareBits.READ, new OpenHow.NoCreate(), new OpenClaim.Previous(DelegationType.READ)),
                GET_FH)));
        holder.session.ok(COMPLETE);
        assertThat(again.delegation()).isInstanceOf(OpenDelegation.Read.class);
        holder.session.ok(at(holder.file, new DelegReturnArgs(DelegationTest.stateidOf(again))));
    }
}
