package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.PUT_ROOT;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.SecinfoArgs;
import pnfs.wire.nfs4.OpArgs.SecinfoNoNameArgs;
import pnfs.wire.nfs4.OpResult.SecinfoResult;
import pnfs.wire.nfs4.SecinfoStyle;
import pnfs.wire.nfs4.SecurityFlavor;

/// SECINFO and SECINFO_NO_NAME, RFC 8881 §18.29 and §18.45.
@ExtendWith(SuiteServer.class)
class SecinfoTest {
    private static final int AUTH_SYS = 1;

    private final Session session;
    private final Tree tree;

    SecinfoTest(Suite suite) {
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @Test
    void it_names_what_this_client_came_with() {
        tree.object("file", FileType.REGULAR);

        SecinfoResult found = Session.find(SecinfoResult.class, session.ok(tree.here(new SecinfoArgs("file"))));

        assertThat(found.flavors()).contains(new SecurityFlavor.Plain(AUTH_SYS));
    }

    @Test
    void it_uses_up_the_filehandle() {
        tree.object("file", FileType.REGULAR);

        session.expect(NfsStatus.NOFILEHANDLE, tree.here(new SecinfoArgs("file"), GET_FH));
        session.expect(NfsStatus.NOFILEHANDLE, PUT_ROOT, new SecinfoNoNameArgs(SecinfoStyle.CURRENT_FH), GET_FH);
    }

    @Test
    void it_wants_no_name_for_a_filehandle_or_its_parent() {
        session.ok(PUT_ROOT, new SecinfoNoNameArgs(SecinfoStyle.CURRENT_FH));
        session.ok(tree.here(new SecinfoNoNameArgs(SecinfoStyle.PARENT)));
        session.expect(NfsStatus.NOENT, PUT_ROOT, new SecinfoNoNameArgs(SecinfoStyle.PARENT));
    }
}
