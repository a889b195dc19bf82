package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import pnfs.wire.iscsi.ChapCredential;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.iscsi.SendTargets;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;

/// Both ends of CHAP with each other, over IPv6.
@Timeout(60)
class ProofSocketTest {
    private static final ChapCredential HOST = new ChapCredential("host1", "secret-of-host-1");
    private static final ChapCredential TARGET = new ChapCredential("target1", "secret-of-target");
    private static final ChapCredential LIAR = new ChapCredential("host1", "secret-of-a-liar");

    private final TargetFixture fixture = new TargetFixture(new TargetSettings(
            TargetFixture.TARGET,
            List.of(),
            3,
            32,
            65_536,
            131_072,
            65_536,
            15,
            30,
            AccessList.of(List.of(
                    "allow iqn.2026-01.test:open",
                    "allow iqn.2026-01.test:host host1 secret-of-host-1",
                    "prove target1 secret-of-target"))));
    private NioNetwork network;
    private Listener listener;

    @BeforeEach
    void serve() throws IOException {
        network = new NioNetwork(1, System::nanoTime);
        listener = network.listen(
                new InetSocketAddress(InetAddress.ofLiteral("::1"), 0),
                fixture.target::accept,
                ConnectionLimits.DEFAULT);
    }

    @AfterEach
    void stop() {
        network.close();
    }

    private void logIn(ChapCredential us, @Nullable ChapCredential target) {
        var config = InitiatorConfig.of(listener.address(), TargetFixture.TARGET, "iqn.2026-01.test:host", 1)
                .withChap(new InitiatorConfig.Chap(us, target));
        try (var initiator = IscsiInitiator.open(network, config)) {
            initiator.loggedIn().join();
            assertThat(initiator.readCapacity(0).join().bytes()).isEqualTo(TargetFixture.BYTES);
        }
    }

    @Test
    void who_proves_who_it_is_gets_in_one_way_and_both_ways() {
        logIn(HOST, null);
        logIn(HOST, TARGET);
    }

    @Test
    void who_does_not_stays_out() {
        assertThatThrownBy(() -> logIn(LIAR, null)).hasMessageContaining("authentication failed");
        assertThatThrownBy(() -> logIn(HOST, LIAR)).hasMessageContaining("did not prove to be CHAP user host1");
        var without = InitiatorConfig.of(listener.address(), TargetFixture.TARGET, "iqn.2026-01.test:host", 1);
        try (var initiator = IscsiInitiator.open(network, without)) {
            assertThatThrownBy(() -> initiator.loggedIn().join()).hasMessageContaining("authentication failed");
        }
    }

    @Test
    void initiators_leave_when_they_are_asked_to() throws InterruptedException {
        var config = InitiatorConfig.of(listener.address(), TargetFixture.TARGET, "iqn.2026-01.test:open", 1);
        try (var initiator = IscsiInitiator.open(network, config)) {
            initiator.loggedIn().join();

            fixture.target.dismiss(Duration.ofSeconds(30));

            assertThat(fixture.target.sessionCount()).isZero();
        }
    }

    @Test
    void only_those_on_the_list_find_the_target() {
        var found = SendTargets.ask(network, listener.address(), "iqn.2026-01.test:open")
                .join();
        var stranger = SendTargets.ask(network, listener.address(), "iqn.2026-01.test:stranger");

        assertThat(found).singleElement().satisfies(target -> {
            assertThat(target.name()).isEqualTo(TargetFixture.TARGET);
            assertThat(target.portals())
                    .containsExactly(InetSocketAddress.createUnresolved(
                            "0:0:0:0:0:0:0:1", listener.address().getPort()));
        });
        assertThatThrownBy(stranger::join).hasMessageContaining("not allowed");
    }
}
