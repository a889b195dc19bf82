package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Owner.exchangeArgs;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.GrantedProtection;
import pnfs.wire.nfs4.ImplementationId;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// EXCHANGE_ID, RFC 8881 §18.35: who a client is, with the nine cases of §18.35.4.
@ExtendWith(SuiteServer.class)
class ExchangeIdTest {
    private static final int ROLES =
            ExchangeIdFlags.USE_NON_PNFS | ExchangeIdFlags.USE_PNFS_MDS | ExchangeIdFlags.USE_PNFS_DS;

    private final Suite suite;
    private final Peer peer;
    private final String owner;

    ExchangeIdTest(Suite suite) {
        this.suite = suite;
        peer = suite.connect();
        owner = suite.name();
    }

    @Test
    void the_server_says_which_part_it_plays_whatever_the_client_asked_for() {
        for (int asked : new int[] {0, ExchangeIdFlags.USE_NON_PNFS, ExchangeIdFlags.USE_PNFS_DS}) {
            var result = (ExchangeIdResult) peer.alone(Suite.ROOT, exchangeArgs(suite.name(), 1, asked));

            assertThat(result.flags() & ROLES).isNotZero();
        }
    }

    @Test
    void it_may_stand_behind_a_sequence() {
        Session session = suite.session();

        session.ok(exchangeArgs(owner, 1, ExchangeIdFlags.USE_PNFS_DS));
    }

    @Test
    void an_implementation_id_is_welcome_but_not_two() {
        var id = new ImplementationId("example.org", "suite", new NfsTime(0, 0));
        var one = new ExchangeIdArgs(1, Opaque.ofUtf8(owner), 0, new StateProtection.None(), Optional.of(id));

        peer.expectAlone(NfsStatus.OK, one);
        assertThat(peer.refusesToDecode(withTwoImplementationIds())).isTrue();
    }

    private byte[] withTwoImplementationIds() {
        var out = new XdrWriter();
        out.writeOpaque(Opaque.EMPTY);
        out.writeUint32(1); // minor version
        out.writeUint32(1); // one operation
        out.writeUint32(42);
        out.writeUint64(1);
        out.writeString(owner);
        out.writeUint32(0);
        out.writeUint32(0); // SP4_NONE
        out.writeUint32(2);
        for (int i = 0; i < 2; i++) {
            out.writeString("example.org");
            out.writeString("suite");
            out.writeUint64(0);
            out.writeUint32(0);
        }
        return out.toByteArray();
    }

    @Test
    void flags_without_a_meaning_in_arguments_are_invalid() {
        peer.expectAlone(NfsStatus.INVAL, exchangeArgs(owner, 1, 4));
        peer.expectAlone(
                NfsStatus.INVAL, exchangeArgs(owner, 1, ExchangeIdFlags.USE_NON_PNFS | ExchangeIdFlags.CONFIRMED));
    }

    @Test
    void without_a_session_it_is_the_only_operation() {
        var results = peer.call(exchangeArgs(owner, 1, 0), new PutRootFhArgs());

        assertThat(results.status()).isEqualTo(NfsStatus.NOT_ONLY_OP);
    }

    @Test
    void state_protection_by_machine_credential_needs_kerberos() {
        var protection = new StateProtection.MachineCredential(Bitmap.EMPTY, Bitmap.EMPTY);

        peer.expectAlone(NfsStatus.INVAL, new ExchangeIdArgs(1, Opaque.ofUtf8(owner), 0, protection, Optional.empty()));
    }

    @Test
    void a_record_that_was_never_confirmed_is_replaced_whoever_asks() {
        for (RpcCredential who : new RpcCredential[] {Suite.ROOT, Suite.OTHER}) {
            for (long verifier : new long[] {1, 2}) {
                String name = suite.name();
                Owner first = Owner.exchange(peer, name, 1);

                Owner second = Owner.exchange(peer, name, verifier, who);

                assertThat(second.clientId).isNotEqualTo(first.clientId);
            }
        }
    }

    @Test
    void another_principal_replaces_a_confirmed_record_that_holds_nothing() {
        for (long verifier : new long[] {1, 2}) {
            String name = suite.name();
            Owner first = Owner.exchange(peer, name, 1);
            Session session = first.createSession();
            peer.expectAlone(NfsStatus.OK, new DestroySessionArgs(session.id));

            Owner second = Owner.exchange(peer, name, verifier, Suite.OTHER);

            assertThat(second.clientId).isNotEqualTo(first.clientId);
            assertThat(first.trySession(first.sessionArgs()).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
        }
    }

    @Test
    void a_rebooted_client_loses_its_old_session_when_it_confirms_the_new_record_and_not_before() {
        Owner first = Owner.exchange(peer, owner, 1);
        Session before = first.createSession();

        Owner second = Owner.exchange(peer, owner, 2);

        assertThat(second.clientId).isNotEqualTo(first.clientId);
        before.ok();
        second.createSession();
        assertThat(before.call(false).status()).isEqualTo(NfsStatus.BADSESSION);
    }

    @Test
    void asking_again_gives_the_same_client() {
        Owner first = Owner.exchange(peer, owner, 1);
        first.createSession();

        assertThat(Owner.exchange(peer, owner, 1).clientId).isEqualTo(first.clientId);
    }

    @Test
    void only_a_confirmed_record_can_be_updated() {
        assertThat(update(1, Suite.ROOT)).isEqualTo(NfsStatus.NOENT);

        Owner.exchange(peer, owner, 1);

        for (long verifier : new long[] {1, 2}) {
            assertThat(update(verifier, Suite.ROOT)).isEqualTo(NfsStatus.NOENT);
            assertThat(update(verifier, Suite.OTHER)).isEqualTo(NfsStatus.NOENT);
        }
    }

    @Test
    void an_update_keeps_verifier_principal_and_client_id() {
        Owner first = Owner.exchange(peer, owner, 1);
        first.createSession();

        assertThat(update(2, Suite.ROOT)).isEqualTo(NfsStatus.NOT_SAME);
        assertThat(update(1, Suite.OTHER)).isEqualTo(NfsStatus.PERM);
        assertThat(update(2, Suite.OTHER)).isIn(NfsStatus.NOT_SAME, NfsStatus.PERM);
        var updated =
                (ExchangeIdResult) peer.alone(Suite.ROOT, exchangeArgs(owner, 1, ExchangeIdFlags.UPDATE_CONFIRMED));
        assertThat(updated.clientId()).isEqualTo(first.clientId);
    }

    private NfsStatus update(long verifier, RpcCredential who) {
        OpResult result = peer.alone(who, exchangeArgs(owner, verifier, ExchangeIdFlags.UPDATE_CONFIRMED));
        return result.status();
    }

    @Test
    void each_flag_that_a_client_may_set_is_taken_and_each_other_is_not() {
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            int flag = 1 << bit;
            NfsStatus expected = (flag & ExchangeIdFlags.UPDATE_CONFIRMED) != 0
                    ? NfsStatus.NOENT
                    : (flag & ExchangeIdFlags.ARGUMENT_MASK) != 0 ? NfsStatus.OK : NfsStatus.INVAL;

            peer.expectAlone(expected, exchangeArgs(suite.name(), 1, flag));
        }
    }

    @Test
    void a_record_is_called_confirmed_once_it_is() {
        assertThat(flags() & ExchangeIdFlags.CONFIRMED).isZero();
        assertThat(flags() & ExchangeIdFlags.CONFIRMED).isZero();

        Owner.exchange(peer, owner, 1).createSession();

        assertThat(flags() & ExchangeIdFlags.CONFIRMED).isNotZero();
    }

    private int flags() {
        return ((ExchangeIdResult) peer.alone(Suite.ROOT, exchangeArgs(owner, 1, 0))).flags();
    }

    @Test
    void the_server_is_the_same_whoever_asks_and_over_which_connection() {
        var first = (ExchangeIdResult) peer.alone(Suite.ROOT, exchangeArgs(owner, 1, 0));
        var second = (ExchangeIdResult) suite.connect().alone(Suite.OTHER, exchangeArgs(suite.name(), 1, 0));

        assertThat(second.serverOwner()).isEqualTo(first.serverOwner());
        assertThat(second.serverScope()).isEqualTo(first.serverScope());
        assertThat(first.serverScope().length()).isPositive();
        assertThat(first.protection()).isEqualTo(new GrantedProtection.None());
    }

    @Test
    void a_name_has_up_to_1024_bytes() {
        peer.expectAlone(NfsStatus.OK, exchangeArgs("n".repeat(1024), 1, 0));
        assertThat(peer.refusesToDecode(ofName("n".repeat(1025)))).isTrue();
    }

    private static byte[] ofName(String name) {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 1, 1));
        out.writeUint32(42);
        out.writeUint64(1);
        out.writeString(name);
        out.writeUint32(0);
        out.writeUint32(0); // SP4_NONE
        out.writeUint32(0);
        return out.toByteArray();
    }

    /// RFC 8881 §18.35.4, case 3: what somebody else holds is not theirs to take.
    @Test
    void another_principal_does_not_get_a_name_that_holds_something() {
        Owner first = Owner.exchange(peer, owner, 1);
        Session session = first.createSession();
        session.ok(new ReclaimCompleteArgs(false));
        Tree tree = Tree.make(session, suite.name());
        Tree.Opened file = tree.create("file");

        for (long verifier : new long[] {1, 2}) {
            assertThat(peer.alone(Suite.OTHER, exchangeArgs(owner, verifier, 0)).status())
                    .isEqualTo(NfsStatus.CLID_INUSE);
        }

        tree.write(file.file(), file.stateid(), 0, "still mine");
        tree.close(file);
    }

    @Test
    void a_record_that_was_replaced_before_it_was_confirmed_is_gone() {
        Owner first = Owner.exchange(peer, owner, 1);
        Owner second = Owner.exchange(peer, owner, 2);

        assertThat(first.trySession(first.sessionArgs()).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
        second.createSession().ok();
    }

    /// The one that was there, the one that came and went, and the last, which is confirmed.
    @Test
    void a_client_that_rebooted_twice_has_the_record_of_its_last_life() {
        Session before = Owner.exchange(peer, owner, 1).createSession();
        Owner second = Owner.exchange(peer, owner, 2);
        Owner third = Owner.exchange(peer, owner, 3);

        assertThat(second.trySession(second.sessionArgs()).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
        before.ok();
        Session after = third.createSession();
        after.ok();
        assertThat(before.call(false).status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(Owner.exchange(peer, owner, 3).clientId).isEqualTo(third.clientId);
    }

    @Test
    void what_a_rebooted_client_had_open_is_closed_when_it_confirms() {
        Session before = Owner.exchange(peer, owner, 1).createSession();
        before.ok(new ReclaimCompleteArgs(false));
        Tree tree = Tree.make(before, suite.name());
        Tree.Opened file = tree.create("file");

        Session after = Owner.exchange(suite.connect(), owner, 2).createSession();

        after.ok(new ReclaimCompleteArgs(false));
        after.expect(NfsStatus.BAD_STATEID, Tree.at(file.file(), Tree.closeArgs(file.anyVersion())));
    }

    @Test
    void a_protection_that_does_not_exist_is_not_read() {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 1, 1));
        out.writeUint32(42);
        out.writeUint64(1);
        out.writeString(owner);
        out.writeUint32(0);
        out.writeUint32(3); // no such protection
        out.writeUint32(0);

        assertThat(peer.refusesToDecode(out.toByteArray())).isTrue();
    }
}
