package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.BoundDirection;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpResult.BindConnToSessionResult;

/// The connections of a session: RFC 8881 §2.10.5, §18.34, §18.37.
@ExtendWith(SuiteServer.class)
class BindTest {
    private final Suite suite;
    private final Session session;

    BindTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
    }

    @Test
    void a_session_is_destroyed_over_a_connection_of_its_own() {
        Peer rogue = suite.connect();

        rogue.expectAlone(NfsStatus.CONN_NOT_BOUND_TO_SESSION, new DestroySessionArgs(session.id));
        rogue.expectAlone(NfsStatus.OK, session.next(1, false));
        rogue.expectAlone(NfsStatus.OK, new DestroySessionArgs(session.id));
    }

    @Test
    void a_connection_is_bound_in_the_directions_it_asks_for() {
        Peer second = suite.connect();

        for (BindDirection asked : BindDirection.values()) {
            var bound = (BindConnToSessionResult)
                    second.alone(Suite.ROOT, new BindConnToSessionArgs(session.id, asked, false));

            assertThat(bound.session()).isEqualTo(session.id);
            assertThat(bound.direction()).isIn(BoundDirection.FORE, BoundDirection.BACK, BoundDirection.BOTH);
        }
    }
}
