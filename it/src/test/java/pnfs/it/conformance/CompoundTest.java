package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
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
}
