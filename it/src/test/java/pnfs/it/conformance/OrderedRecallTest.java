package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.it.conformance.Tree.Opened;
import pnfs.it.process.Cluster;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.RecalledClient;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.Stateid;

/// Layouts that an operator recalls: of a part of a file, of an export, all. RFC 8881 §12.5.5.2, §20.3.
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class OrderedRecallTest {
    private static final int UNIT = 8192;
    private static final int SECONDS = 10;

    @TempDir
    static Path folder;

    private static Cluster cluster;
    private static Suite suite;
    private static ControlTransport control;

    private Session session;
    private Tree tree;
    private String name;
    private Opened file;

    @BeforeAll
    static void start() throws IOException {
        cluster = Cluster.start(
                folder,
                new Cluster.Shape(1, 64L << 20, List.of("--export", "/one:rw,no_root_squash", "--export", "/two:rw")));
        suite = new Suite(cluster.nfs());
        control = new ControlTransport("test");
    }

    @AfterAll
    static void end() throws IOException {
        control.close();
        suite.close();
        cluster.close();
    }

    @BeforeEach
    void openOne() {
        session = suite.session();
        tree = Tree.find(session, "one");
        name = suite.name();
        file = tree.create(name);
    }

    @AfterEach
    void leaveNothing() {
        session.ok(ScsiLayouts.giveBack(new LayoutReturnScope.All()));
    }

    @Test
    void a_part_of_a_file_is_wanted_back_and_the_rest_stays() throws IOException {
        Stateid layout = get().stateid();
        CompletableFuture<Reply> over = recall(RecallLayouts.newBuilder()
                .setFile(RecallLayouts.FilePart.newBuilder()
                        .setPath(path())
                        .setOffset(UNIT)
                        .setLength(UNIT)));

        var scope = (LayoutRecallScope.OfFile) received();
        assertThat(scope.range()).isEqualTo(FileRange.of(UNIT, UNIT));
        assertThat(scope.stateid()).isEqualTo(layout.next());
        Stateid left = Session.find(
                        LayoutReturnResult.class,
                        session.ok(ScsiLayouts.giveBack(file, scope.stateid(), scope.range())))
                .stateid()
                .orElseThrow();

        assertThat(only(over).getEnding()).isEqualTo("returned");
        session.ok(ScsiLayouts.commit(file, left, UNIT));
        session.ok(getArgs(left));
    }

    @Test
    void while_everything_is_recalled_nothing_is_granted_and_no_file_returned_but_all_committed() throws IOException {
        Stateid layout = get().stateid();
        CompletableFuture<Reply> over =
                recall(RecallLayouts.newBuilder().setAll(RecallLayouts.Everything.getDefaultInstance()));

        assertThat(received()).isEqualTo(new LayoutRecallScope.All());
        session.expect(NfsStatus.RECALLCONFLICT, getArgs(layout));
        session.expect(NfsStatus.RECALLCONFLICT, ScsiLayouts.giveBack(file, layout, FileRange.WHOLE_FILE));
        session.ok(ScsiLayouts.commit(file, layout, 2 * UNIT));
        session.ok(ScsiLayouts.giveBack(new LayoutReturnScope.All()));

        RecalledClient client = only(over);
        assertThat(client.getEnding()).isEqualTo("returned");
        assertThat(client.getAnswer()).isEqualTo("OK");
        assertThat(tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size())
                .isEqualTo(2 * UNIT);
        session.ok(getArgs(file.stateid()));
    }

    @Test
    void an_export_is_recalled_by_its_fsid_from_who_holds_something_there() throws IOException {
        get();
        CompletableFuture<Reply> none = recall(RecallLayouts.newBuilder().setExport("/two"));
        assertThat(none.join().getRecalledLayouts().getCount()).isZero();

        CompletableFuture<Reply> over = recall(RecallLayouts.newBuilder().setExport("/one"));

        assertThat(received())
                .isEqualTo(new LayoutRecallScope.OfFileSystem(
                        tree.attributes(file.file(), Bitmap.of(Attribute.FSID)).fsid()));
        session.ok(at(file.file(), ScsiLayouts.giveBack(new LayoutReturnScope.OfFileSystem())));
        assertThat(only(over).getEnding()).isEqualTo("returned");
    }

    @Test
    void a_client_is_asked_until_it_answers_and_may_have_none() throws IOException {
        Stateid layout = get().stateid();
        var answers = new ConcurrentLinkedQueue<>(List.of(NfsStatus.DELAY, NfsStatus.NOMATCHING_LAYOUT));
        session.peer.callbacks.answerWith(args -> {
            NfsStatus next = answers.poll();
            return new CbResult.CbFailure(args.op(), next == null ? NfsStatus.NOMATCHING_LAYOUT : next);
        });
        session.ok(); // the slot of the LAYOUTGET goes on: its reply was seen

        RecalledClient client =
                only(recall(RecallLayouts.newBuilder().setAll(RecallLayouts.Everything.getDefaultInstance())));

        assertThat(client.getDelays()).isEqualTo(1);
        assertThat(client.getEnding()).isEqualTo("had_none");
        session.expect(NfsStatus.BAD_STATEID, getArgs(layout));
    }

    /// The client has not seen the reply, so far as we know, and will have a layout when it does.
    @Test
    void who_has_none_of_all_is_asked_for_the_file_that_was_granted_last() throws IOException {
        Stateid layout = get().stateid();
        session.peer.callbacks.answerWith(
                args -> args instanceof CbLayoutRecallArgs recall && recall.scope() instanceof LayoutRecallScope.OfFile
                        ? new CbResult.CbSuccess(args.op())
                        : new CbResult.CbFailure(args.op(), NfsStatus.NOMATCHING_LAYOUT));

        var over = recall(RecallLayouts.newBuilder().setAll(RecallLayouts.Everything.getDefaultInstance()));

        assertThat(received()).isEqualTo(new LayoutRecallScope.All());
        var again = (LayoutRecallScope.OfFile) received();
        assertThat(again.stateid()).isEqualTo(layout.next());
        session.ok(ScsiLayouts.giveBack(file, again.stateid(), FileRange.WHOLE_FILE));
        over.join();
    }

    @Test
    void what_is_not_there_cannot_be_recalled() {
        assertThat(recallRefused(RecallLayouts.newBuilder().setExport("/three")))
                .contains("no export /three");
        assertThat(recallRefused(RecallLayouts.newBuilder()
                        .setFile(RecallLayouts.FilePart.newBuilder().setPath("/one/nothing"))))
                .contains("no file /one/nothing");
    }

    private String path() {
        return "/one/" + name;
    }

    private CompletableFuture<Reply> recall(RecallLayouts.Builder wanted) throws IOException {
        return control.connect(cluster.control(), ControlHandler.refusing(), Duration.ofSeconds(SECONDS))
                .ask(Request.newBuilder().setRecallLayouts(wanted).build(), Duration.ofSeconds(30));
    }

    private String recallRefused(RecallLayouts.Builder wanted) {
        try {
            return "not refused: " + recall(wanted).join();
        } catch (IOException | CompletionException refused) {
            return String.valueOf(refused.getMessage());
        }
    }

    private static RecalledClient only(CompletableFuture<Reply> over) {
        assertThat(over.join().getRecalledLayouts().getCount()).isEqualTo(1);
        return over.join().getRecalledLayouts().getClients(0);
    }

    private LayoutRecallScope received() {
        CbArgs args =
                session.peer.callbacks.await(CbLayoutRecallArgs.class, SECONDS).args();
        return ((CbLayoutRecallArgs) args).scope();
    }

    private LayoutGetResult get() {
        return Session.find(LayoutGetResult.class, session.ok(getArgs(file.stateid())));
    }

    private OpArgs[] getArgs(Stateid stateid) {
        return ScsiLayouts.get(file, FileRange.of(0, 2 * UNIT), stateid);
    }
}
