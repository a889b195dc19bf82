package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

class CompoundStateTest {
    private static final FileHandle FILE = new FileHandle(7, 1);
    private static final FileHandle OTHER = new FileHandle(8, 1);
    private static final Stateid OPEN = new Stateid(3, Opaque.ofHex("0102030405060708090a0b0c"));

    private final CompoundState state = newState();

    /// As an operation sees it.
    private static CompoundState newState() {
        var seen = new ArrayList<CompoundState>();
        var server = new TestServer(table -> table.register(OpCode.GETATTR, GetAttrArgs.class, (args, state) -> {
            seen.add(state);
            state.clearCurrentFile();
            return new OpFailure(OpCode.GETATTR, NfsStatus.IO);
        }));
        TestSession.begin(server.connect(), "client").run(new PutRootFhArgs(), new GetAttrArgs(Bitmap.EMPTY));
        return seen.getFirst();
    }

    @Test
    void without_a_filehandle_there_is_none_to_work_on() {
        refuses(NfsStatus.NOFILEHANDLE, state::currentFile);
        refuses(NfsStatus.NOFILEHANDLE, state::savedFile);
        refuses(NfsStatus.NOFILEHANDLE, state::save);
        refuses(NfsStatus.RESTOREFH, state::restore);
    }

    @Test
    void the_current_stateid_goes_with_its_filehandle_and_comes_back_with_it() {
        state.setCurrentFile(FILE);
        state.setCurrentStateid(OPEN);
        state.save();

        state.setCurrentFile(OTHER);
        refuses(NfsStatus.BAD_STATEID, () -> state.resolve(Stateid.CURRENT));

        state.restore();
        assertThat(state.currentFile()).isEqualTo(FILE);
        assertThat(state.resolveExactly(Stateid.CURRENT)).isEqualTo(OPEN);
    }

    @Test
    void the_current_stateid_means_its_latest_version_but_for_close_and_open_downgrade() {
        state.setCurrentFile(FILE);
        state.setCurrentStateid(OPEN);

        assertThat(state.resolve(Stateid.CURRENT)).isEqualTo(OPEN.withSeqid(0));
        assertThat(state.resolveExactly(Stateid.CURRENT)).isEqualTo(OPEN);
        assertThat(state.resolve(Stateid.ANONYMOUS)).isEqualTo(Stateid.ANONYMOUS);
    }

    @Test
    void a_reply_depends_on_the_youngest_of_its_tickets__I3() {
        state.dependsOn(5);
        state.dependsOn(9);
        state.dependsOn(0);

        assertThat(state.ticket()).isEqualTo(9);
    }

    private static void refuses(NfsStatus status, Runnable act) {
        assertThatExceptionOfType(NfsException.class)
                .isThrownBy(act::run)
                .matches(refusal -> refusal.status() == status);
    }
}
