package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The frame of a COMPOUND, RFC 8881 §16.2.
@ExtendWith(SuiteServer.class)
class CompoundTest {
    private final Suite suite;
    private final Peer peer;

    CompoundTest(Suite suite) {
        this.suite = suite;
        peer = suite.connect();
    }

    @Test
    void no_operations_are_good() {
        Results results = peer.call();

        assertThat(results.status()).isEqualTo(NfsStatus.OK);
        assertThat(results.operations()).isEmpty();
    }

    @Test
    void the_tag_comes_back() {
        assertThat(sendEmpty(Opaque.ofUtf8("täg"), 1).tag()).isEqualTo(Opaque.ofUtf8("täg"));
    }

    @Test
    void a_tag_that_is_not_utf8_is_invalid() {
        for (String hex : new String[] {"c0c1", "e08a", "c0af", "80", "ff", "eda080", "f020"}) {
            Results results = sendEmpty(Opaque.ofHex(hex), 1);

            assertThat(results.status()).as(hex).isEqualTo(NfsStatus.INVAL);
            assertThat(results.operations()).isEmpty();
        }
    }

    private Results sendEmpty(Opaque tag, int minorVersion) {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(tag, minorVersion, 0));
        return CompoundCodec.readResults(
                peer.send(Suite.ROOT, out.toByteArray()).join());
    }

    @Test
    void an_unknown_minor_version_is_refused_whatever_the_operations_are() {
        for (OpArgs operation : new OpArgs[] {Owner.exchangeArgs(suite.name(), 1, 0), new OpArgs.IllegalArgs(10044)}) {
            Results results = peer.call(Suite.ROOT, 50, operation);

            assertThat(results.status()).isEqualTo(NfsStatus.MINOR_VERS_MISMATCH);
            assertThat(results.operations()).isEmpty();
        }
    }

    @Test
    void numbers_without_an_operation_in_this_minor_version_are_illegal() {
        for (int number : new int[] {0, 1, 2, 72, 10044}) {
            var out = new XdrWriter();
            CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 1, 1));
            out.writeUint32(number);

            XdrReader reply = peer.send(Suite.ROOT, out.toByteArray()).join();

            Results results = CompoundCodec.readResults(reply);
            assertThat(results.status()).as("operation " + number).isEqualTo(NfsStatus.OP_ILLEGAL);
            assertThat(results.operations().getLast().op()).isEqualTo(OpCode.ILLEGAL);
        }
    }

    @Test
    void what_follows_a_failure_is_not_done() {
        Session session = suite.session();
        String name = suite.name();

        Results results = session.call(
                false,
                Tree.PUT_ROOT,
                new LookupArgs("not-there"),
                new CreateArgs(new CreateObject.Directory(), name, Tree.MODE_755));

        assertThat(results.status()).isEqualTo(NfsStatus.NOENT);
        assertThat(results.operations()).hasSize(3);
        session.expect(NfsStatus.NOENT, Tree.PUT_ROOT, new LookupArgs(name));
    }

    /// Opcodes by the minor version that brought them: RFC 8881 §18, RFC 7862 §15, RFC 8276.
    @ParameterizedTest
    @CsvSource({"1, 58, 59", "1, 58, 71", "1, 58, 75", "2, 75, 76", "2, 75, 1000"})
    void a_minor_version_has_its_operations_and_no_later_ones(int minorVersion, int last, int beyond) {
        Session session = suite.session().ofMinorVersion(minorVersion);
        Opaque root = Tree.handle(session.ok(Tree.PUT_ROOT, Tree.GET_FH));

        assertThat(session.raw(root, beyond, out -> {})).isEqualTo(NfsStatus.OP_ILLEGAL);
        assertThat(session.raw(root, last, out -> {})).isNotEqualTo(NfsStatus.OP_ILLEGAL);
    }

    /// What 4.0 had and 4.1 has no more is not done, whatever comes behind its number: RFC 8881 §17.
    @ParameterizedTest
    @ValueSource(ints = {20, 30, 35, 36, 39})
    void operations_of_4_0_alone_are_not_supported(int number) {
        Session session = suite.session();
        Opaque root = Tree.handle(session.ok(Tree.PUT_ROOT, Tree.GET_FH));

        assertThat(session.raw(root, number, out -> {})).isEqualTo(NfsStatus.NOTSUPP);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, -1})
    void other_minor_versions_are_not_served(int minorVersion) {
        assertThat(sendEmpty(Opaque.EMPTY, minorVersion).status()).isEqualTo(NfsStatus.MINOR_VERS_MISMATCH);
        assertThat(peer.call(Suite.ROOT, minorVersion, Tree.PUT_ROOT).status())
                .isEqualTo(NfsStatus.MINOR_VERS_MISMATCH);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 255, 1024})
    void a_tag_of_some_length_comes_back(int length) {
        Opaque tag = Opaque.ofUtf8("t".repeat(length));

        assertThat(sendEmpty(tag, 1)).isEqualTo(new Results(NfsStatus.OK, tag, List.of()));
    }

    @Test
    void a_tag_of_more_than_anybody_needs_is_not_read() {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.ofUtf8("t".repeat(5000)), 1, 0));

        assertThat(peer.refusesToDecode(out.toByteArray())).isTrue();
    }

    @Test
    void outside_of_a_session_only_what_leads_to_one_is_done() {
        for (OpArgs operation : List.of(
                Tree.PUT_ROOT,
                Tree.GET_FH,
                new OpArgs.ReclaimCompleteArgs(false),
                new OpArgs.TestStateidArgs(List.of()),
                new OpArgs.LookuppArgs())) {
            assertThat(peer.call(operation).status()).isEqualTo(NfsStatus.OP_NOT_IN_SESSION);
            assertThat(peer.call(operation, Tree.PUT_ROOT).status()).isEqualTo(NfsStatus.OP_NOT_IN_SESSION);
        }
    }
}
