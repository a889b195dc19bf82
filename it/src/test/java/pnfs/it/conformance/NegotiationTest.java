package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Owner.CHANNEL;
import static pnfs.it.conformance.Owner.channel;
import static pnfs.it.conformance.Tree.PUT_ROOT;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BackchannelCtlArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.xdr.Opaque;

/// What a session may carry, from CREATE_SESSION's promise to the COMPOUND that asks for more: RFC 8881 §2.10.6.4,
/// §18.36.3, §18.46.3.
@ExtendWith(SuiteServer.class)
class NegotiationTest {
    private static final Opaque NO_SESSION = Opaque.ofHex("00".repeat(16));

    private final Suite suite;
    private final Peer peer;
    private final Owner owner;

    NegotiationTest(Suite suite) {
        this.suite = suite;
        peer = suite.connect();
        owner = Owner.exchange(peer, suite.name(), 1);
    }

    /// Request, response, cached response, operations, slots as asked for.
    @ParameterizedTest
    @CsvSource({
        "8192, 8192, 8192, 128, 8",
        "1, 8192, 8192, 128, 8",
        "8192, 1, 8192, 128, 8",
        "8192, 8192, 0, 128, 8",
        "8192, 8192, 8192, 1, 8",
        "8192, 8192, 8192, 128, 1",
        "8192, 8192, 8192, 128, 0",
        "8192, 8192, 8192, 0, 8",
        "2147483647, 2147483647, 2147483647, 2147483647, 2147483647",
        "-1, -1, -1, -1, -1",
        "1049620, 1049480, 7584, 8, 64"
    })
    void a_channel_is_as_wide_as_asked_for_or_narrower_and_never_useless(
            int request, int response, int cached, int operations, int slots) {
        ChannelAttributes asked = channel(request, response, cached, operations, slots);

        var answer = owner.trySession(owner.sessionArgs(0, asked, CHANNEL));

        if (answer instanceof CreateSessionResult made) {
            ChannelAttributes given = made.fore();
            assertThat(given.headerPadBytes()).isZero();
            for (var pair : new int[][] {
                {given.maxRequestBytes(), request},
                {given.maxResponseBytes(), response},
                {given.maxResponseCachedBytes(), cached},
                {given.maxOperations(), operations},
                {given.maxRequests(), slots}
            }) {
                assertThat(Integer.compareUnsigned(pair[0], pair[1]))
                        .as("%s of %s", pair[0], pair[1])
                        .isLessThanOrEqualTo(0);
            }
            assertThat(given.maxRequests()).isPositive();
            assertThat(given.maxOperations()).isGreaterThan(0);
            owner.begin(made).ok();
        } else {
            assertThat(answer.status()).isIn(NfsStatus.TOOSMALL, NfsStatus.INVAL);
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0,
                CreateSessionFlags.PERSIST,
                CreateSessionFlags.CONN_BACK_CHAN,
                CreateSessionFlags.CONN_RDMA,
                CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN | CreateSessionFlags.CONN_RDMA
            })
    void no_flag_comes_back_that_was_not_asked_for_and_none_for_rdma(int flags) {
        Session session = owner.createSession(owner.sessionArgs(flags, CHANNEL, CHANNEL));

        assertThat(session.created.flags() & ~flags).isZero();
        assertThat(session.created.flags() & CreateSessionFlags.CONN_RDMA).isZero();
        assertThat(session.created.flags() & CreateSessionFlags.CONN_BACK_CHAN)
                .isEqualTo(flags & CreateSessionFlags.CONN_BACK_CHAN);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x8, 0x10, 0x8000_0000})
    void a_flag_that_nobody_defined_is_invalid_and_uses_up_nothing(int flag) {
        int before = owner.sequence;

        assertThat(owner.trySession(owner.sessionArgs(flag, CHANNEL, CHANNEL)).status())
                .isEqualTo(NfsStatus.INVAL);
        owner.sequence = before;
        owner.createSession();
    }

    @Test
    void every_slot_of_a_session_works_and_the_next_does_not() {
        Session session = owner.createSession(channel(8192, 8192, 8192, 16, 5));
        int slots = session.created.fore().maxRequests();

        for (int slot = slots - 1; slot >= 0; slot--) {
            var told = (SequenceResult) peer.alone(Suite.ROOT, new SequenceArgs(session.id, 1, slot, slot, false));
            assertThat(told.slot()).isEqualTo(slot);
            assertThat(told.highestSlot()).isLessThan(slots);
        }
        peer.expectAlone(NfsStatus.BADSLOT, new SequenceArgs(session.id, 1, slots, slots, false));
        peer.expectAlone(NfsStatus.BADSLOT, new SequenceArgs(session.id, 1, -1, -1, false));
        peer.expectAlone(NfsStatus.OK, new SequenceArgs(session.id, 2, 0, 0, false));
    }

    /// After what is refused, the slot takes the same sequence again.
    @Test
    void what_sequence_refuses_leaves_the_slot_as_it_was() {
        Session session = owner.createSession(channel(600, 8192, 8192, 3, 4));

        assertThat(peer.call(new SequenceArgs(session.id, 1, 0, 0, false), PUT_ROOT, PUT_ROOT, PUT_ROOT)
                        .status())
                .isEqualTo(NfsStatus.TOO_MANY_OPS);
        assertThat(peer.call(
                                new SequenceArgs(session.id, 1, 0, 0, false),
                                new LookupArgs("n".repeat(255)),
                                new LookupArgs("n".repeat(255)))
                        .status())
                .isEqualTo(NfsStatus.REQ_TOO_BIG);
        peer.expectAlone(NfsStatus.SEQ_MISORDERED, new SequenceArgs(session.id, 2, 0, 0, false));
        peer.expectAlone(NfsStatus.OK, new SequenceArgs(session.id, 1, 0, 0, false));
    }

    @Test
    void sequences_go_on_after_the_largest_number() {
        Session session = owner.createSession();

        peer.expectAlone(NfsStatus.SEQ_MISORDERED, new SequenceArgs(session.id, -1, 0, 0, false));
        peer.expectAlone(NfsStatus.SEQ_MISORDERED, new SequenceArgs(session.id, 2, 0, 0, false));
        peer.expectAlone(NfsStatus.OK, new SequenceArgs(session.id, 1, 0, 0, false));
    }

    /// Or a client that cannot hear the answer would not know whether its directory is there.
    @Test
    void what_could_not_be_answered_is_not_done() {
        Session session = owner.createSession(channel(8192, 8192, 120, 16, 4));
        session.ok(new OpArgs.ReclaimCompleteArgs(false));
        String name = suite.name();
        var all = Bitmap.of(Attribute.SUPPORTED_ATTRS, Attribute.FILEHANDLE, Attribute.OWNER, Attribute.FSID);

        Results results = session.call(
                true,
                PUT_ROOT,
                new GetAttrArgs(all),
                new GetAttrArgs(all),
                new CreateArgs(new CreateObject.Directory(), name, Tree.MODE_755));

        assertThat(results.status()).isEqualTo(NfsStatus.REP_TOO_BIG_TO_CACHE);
        session.expect(NfsStatus.NOENT, PUT_ROOT, new LookupArgs(name));
    }

    /// RFC 8881 §18.23.3: as many entries as fit, however many were asked for.
    @Test
    void a_listing_fits_into_the_reply_whatever_was_asked_for() {
        Session narrow = owner.createSession(channel(8192, 1024, 1024, 16, 4));
        narrow.ok(new OpArgs.ReclaimCompleteArgs(false));
        Tree tree = Tree.make(narrow, suite.name());
        for (int i = 0; i < 40; i++) {
            tree.directory("a name of some length " + i);
        }

        ReadDirResult page = Session.find(
                ReadDirResult.class,
                narrow.ok(tree.here(new ReadDirArgs(0, 0, 100_000, 100_000, Bitmap.of(Attribute.FILEHANDLE)))));

        assertThat(page.entries()).isNotEmpty().hasSizeLessThan(40);
        assertThat(page.eof()).isFalse();
    }

    @Test
    void a_session_operation_behind_a_sequence_is_of_any_session() {
        Session mine = owner.createSession();
        Session other = owner.createSession();

        mine.expect(NfsStatus.BADSESSION, new DestroySessionArgs(NO_SESSION));
        mine.ok(new DestroySessionArgs(other.id), PUT_ROOT);
        assertThat(other.call(false).status()).isEqualTo(NfsStatus.BADSESSION);
        mine.expect(NfsStatus.CLIENTID_BUSY, new DestroyClientidArgs(owner.clientId));
        mine.expect(NfsStatus.NOT_ONLY_OP, new BindConnToSessionArgs(mine.id, BindDirection.FORE, false));
    }

    @Test
    void a_client_without_sessions_is_destroyed_with_all_that_it_had() {
        Session session = owner.createSession();
        session.ok(new OpArgs.ReclaimCompleteArgs(false));
        session.ok(new DestroySessionArgs(session.id));

        peer.expectAlone(NfsStatus.OK, new DestroyClientidArgs(owner.clientId));
        peer.expectAlone(NfsStatus.STALE_CLIENTID, new DestroyClientidArgs(owner.clientId));
        assertThat(owner.trySession(owner.sessionArgs()).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
    }

    @Test
    void a_client_that_holds_an_open_is_busy_without_a_session_too() {
        Session session = owner.createSession();
        session.ok(new OpArgs.ReclaimCompleteArgs(false));
        Tree.make(session, suite.name()).create("file");
        session.ok(new DestroySessionArgs(session.id));

        peer.expectAlone(NfsStatus.CLIENTID_BUSY, new DestroyClientidArgs(owner.clientId));
    }

    @Test
    void a_connection_is_bound_to_a_session_that_there_is_and_alone() {
        Session session = owner.createSession();

        peer.expectAlone(NfsStatus.BADSESSION, new BindConnToSessionArgs(NO_SESSION, BindDirection.FORE, false));
        assertThat(peer.call(new BindConnToSessionArgs(session.id, BindDirection.FORE, false), PUT_ROOT)
                        .status())
                .isEqualTo(NfsStatus.NOT_ONLY_OP);
        assertThat(suite.connect()
                        .alone(Suite.ROOT, new BindConnToSessionArgs(session.id, BindDirection.FORE_OR_BOTH, true))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    /// A server that can call back by none of them says so; one that can by one of them takes that.
    @Test
    void the_way_back_is_signed_as_the_client_can_read_it() {
        Session session = owner.createSession();
        var sys = new CallbackSecurity.Sys(1, "machine", 0, 0, List.of());
        var gss = new CallbackSecurity.Gss(1, Opaque.ofUtf8("a"), Opaque.ofUtf8("b"));

        for (List<CallbackSecurity> offered : List.<List<CallbackSecurity>>of(
                List.of(new CallbackSecurity.None()), List.of(sys), List.of(gss, sys))) {
            session.ok(new BackchannelCtlArgs(Callbacks.PROGRAM, offered));
        }
        assertThat(session.run(new BackchannelCtlArgs(Callbacks.PROGRAM, List.of(gss)))
                        .getLast()
                        .status())
                .isIn(NfsStatus.OK, NfsStatus.INVAL, NfsStatus.NOENT);
    }

    @Test
    void a_compound_of_as_many_operations_as_granted_is_one_of_all_that_fit() {
        Session session = owner.createSession(channel(1 << 20, 1 << 20, 8192, 1000, 4));
        session.ok(new OpArgs.ReclaimCompleteArgs(false));
        int most = session.created.fore().maxOperations();
        OpArgs[] operations = Collections.nCopies(most - 1, PUT_ROOT).toArray(OpArgs[]::new);

        assertThat(session.ok(operations)).hasSize(most - 1);
        assertThat(session.call(false, Collections.nCopies(most, PUT_ROOT).toArray(OpArgs[]::new))
                        .status())
                .isEqualTo(NfsStatus.TOO_MANY_OPS);
    }
}
