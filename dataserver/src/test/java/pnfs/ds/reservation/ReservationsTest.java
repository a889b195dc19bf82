package pnfs.ds.reservation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static pnfs.ds.reservation.ReservationType.EXCLUSIVE_ACCESS;
import static pnfs.ds.reservation.ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
import static pnfs.ds.reservation.ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY;
import static pnfs.ds.reservation.ReservationType.WRITE_EXCLUSIVE;
import static pnfs.ds.reservation.ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS;
import static pnfs.ds.reservation.ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.ds.reservation.Outcome.Conflict;
import pnfs.ds.reservation.Outcome.Done;
import pnfs.ds.reservation.Outcome.Event;
import pnfs.ds.reservation.Outcome.InvalidField;
import pnfs.ds.reservation.Outcome.InvalidRelease;
import pnfs.ds.reservation.Outcome.Notice;
import pnfs.ds.reservation.Reservations.AfterMove;
import pnfs.ds.reservation.Reservations.ExistingKey;
import pnfs.ds.reservation.Reservations.KeyPair;

class ReservationsTest {
    private static final Nexus MDS = new Nexus("iqn.mds,i,0x1", 1);
    private static final Nexus CLIENT = new Nexus("iqn.client,i,0x2", 1);
    private static final Nexus SECOND_PATH = new Nexus("iqn.client,i,0x3", 1);
    private static final Nexus STRANGER = new Nexus("iqn.stranger,i,0x4", 1);
    private static final long MDS_KEY = 0x100;
    private static final long CLIENT_KEY = 0x200;

    /// As a pNFS cluster has it: the metadata server holds, clients are registrants.
    private static Reservations cluster(ReservationType type) {
        Reservations table = registered(Reservations.NONE, MDS, MDS_KEY);
        table = registered(table, CLIENT, CLIENT_KEY);
        table = registered(table, SECOND_PATH, CLIENT_KEY);
        return done(table.reserve(MDS, MDS_KEY, type)).next();
    }

    private static Reservations registered(Reservations table, Nexus nexus, long key) {
        return done(table.register(nexus, new KeyPair(0, key), ExistingKey.IGNORED, true, List.of()))
                .next();
    }

    private static Done done(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Done.class);
        return (Done) outcome;
    }

    @ParameterizedTest(name = "{0} {1}: holder {2}, registrant {3}, stranger {4}")
    @CsvSource({
        "WRITE_EXCLUSIVE,                   READ,    true, true,  true",
        "WRITE_EXCLUSIVE,                   WRITE,   true, false, false",
        "WRITE_EXCLUSIVE,                   INQUIRE, true, true,  true",
        "EXCLUSIVE_ACCESS,                  READ,    true, false, false",
        "EXCLUSIVE_ACCESS,                  WRITE,   true, false, false",
        "EXCLUSIVE_ACCESS,                  INQUIRE, true, true,  true",
        "WRITE_EXCLUSIVE_REGISTRANTS_ONLY,  READ,    true, true,  true",
        "WRITE_EXCLUSIVE_REGISTRANTS_ONLY,  WRITE,   true, true,  false",
        "WRITE_EXCLUSIVE_REGISTRANTS_ONLY,  INQUIRE, true, true,  true",
        "EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, READ,    true, true,  false",
        "EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, WRITE,   true, true,  false",
        "EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, INQUIRE, true, true,  true",
        "WRITE_EXCLUSIVE_ALL_REGISTRANTS,   READ,    true, true,  true",
        "WRITE_EXCLUSIVE_ALL_REGISTRANTS,   WRITE,   true, true,  false",
        "WRITE_EXCLUSIVE_ALL_REGISTRANTS,   INQUIRE, true, true,  true",
        "EXCLUSIVE_ACCESS_ALL_REGISTRANTS,  READ,    true, true,  false",
        "EXCLUSIVE_ACCESS_ALL_REGISTRANTS,  WRITE,   true, true,  false",
        "EXCLUSIVE_ACCESS_ALL_REGISTRANTS,  INQUIRE, true, true,  true",
    })
    void the_conflict_table_decides(
            ReservationType type, Access access, boolean holder, boolean registrant, boolean stranger) {
        Reservations table = cluster(type);

        assertThat(table.permits(MDS, access)).isEqualTo(holder);
        assertThat(table.permits(CLIENT, access)).isEqualTo(registrant);
        assertThat(table.permits(STRANGER, access)).isEqualTo(stranger);
        assertThat(Reservations.NONE.permits(STRANGER, access)).isTrue();
    }

    @Test
    void the_fence_of_pnfs_takes_the_clients_registrations_and_leaves_the_reservation() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        Done fence = done(table.preempt(MDS, new KeyPair(MDS_KEY, CLIENT_KEY), EXCLUSIVE_ACCESS_REGISTRANTS_ONLY));

        assertThat(fence.preempted()).containsExactly(CLIENT, SECOND_PATH);
        assertThat(fence.notices())
                .containsExactly(
                        new Notice(CLIENT, Event.REGISTRATIONS_PREEMPTED),
                        new Notice(SECOND_PATH, Event.REGISTRATIONS_PREEMPTED));
        assertThat(fence.next().keys()).containsOnlyKeys(MDS);
        assertThat(fence.next().reservation()).isEqualTo(table.reservation());
        assertThat(fence.next().generation()).isEqualTo(table.generation() + 1);
        assertThat(fence.next().permits(CLIENT, Access.WRITE)).isFalse();
    }

    @Test
    void the_fence_of_a_metadata_server_registers_it_reserves_and_takes_the_clients_registrations() {
        var server = new Nexus("pnfs-metadata-server", 0);
        Reservations open = registered(Reservations.NONE, CLIENT, CLIENT_KEY);

        Done first = done(open.fence(server, new KeyPair(MDS_KEY, CLIENT_KEY)));
        Done again = done(first.next().fence(server, new KeyPair(MDS_KEY, CLIENT_KEY)));

        assertThat(first.preempted()).containsExactly(CLIENT);
        assertThat(first.notices()).containsExactly(new Notice(CLIENT, Event.REGISTRATIONS_PREEMPTED));
        assertThat(first.next().keys()).containsExactly(entry(server, MDS_KEY));
        assertThat(first.next().reservation()).isEqualTo(new Reservation(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, server));
        assertThat(first.next().persistent()).isTrue();
        assertThat(first.next().permits(CLIENT, Access.WRITE)).isFalse();
        assertThat(again.next()).as("nothing is left to do").isEqualTo(first.next());
        assertThat(again.preempted()).isEmpty();
    }

    @Test
    void nobody_registers_with_a_key_that_was_fenced_be_it_that_nobody_had_it() {
        Reservations table = done(cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY)
                        .fence(new Nexus("pnfs-metadata-server", 0), new KeyPair(7, 0x999)))
                .next();
        var late = new KeyPair(0, 0x999);

        assertThat(table.register(STRANGER, late, ExistingKey.MUST_MATCH, true, List.of()))
                .isInstanceOf(Conflict.class);
        assertThat(table.register(STRANGER, late, ExistingKey.IGNORED, true, List.of()))
                .isInstanceOf(Conflict.class);
        assertThat(table.register(STRANGER, late, ExistingKey.MUST_MATCH, true, List.of(new Nexus("iqn.other", 1))))
                .isInstanceOf(Conflict.class);
        assertThat(table.register(CLIENT, new KeyPair(CLIENT_KEY, 0x999), ExistingKey.MUST_MATCH, true, List.of()))
                .isInstanceOf(Conflict.class);
        assertThat(table.registerAndMove(MDS, new KeyPair(MDS_KEY, 0x999), STRANGER, AfterMove.STAYS_REGISTERED, true))
                .isInstanceOf(Conflict.class);
        assertThat(registered(table, STRANGER, 0x998).keys()).containsEntry(STRANGER, 0x998L);
        assertThat(done(table.clear(MDS, MDS_KEY))
                        .next()
                        .register(STRANGER, late, ExistingKey.IGNORED, true, List.of()))
                .as("after CLEAR")
                .isInstanceOf(Conflict.class);
    }

    @Test
    void who_was_preempted_by_an_initiator_may_register_again() {
        Reservations table = done(cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY)
                        .preempt(MDS, new KeyPair(MDS_KEY, CLIENT_KEY), EXCLUSIVE_ACCESS_REGISTRANTS_ONLY))
                .next();

        assertThat(registered(table, CLIENT, CLIENT_KEY).keys()).containsEntry(CLIENT, CLIENT_KEY);
    }

    @Test
    void after_a_fence_all_of_it_survives_a_power_loss_whatever_a_registrant_asks_for() {
        Reservations fenced =
                done(Reservations.NONE.fence(MDS, new KeyPair(MDS_KEY, 0x999))).next();

        Reservations table = done(fenced.register(
                        CLIENT, new KeyPair(0, CLIENT_KEY), ExistingKey.IGNORED, false, List.of()))
                .next();

        assertThat(table.afterPowerLoss()).isEqualTo(table);
    }

    @Test
    void the_oldest_of_too_many_fenced_keys_is_forgotten() {
        Reservations table = Reservations.NONE;
        for (long key = 1; key <= Reservations.MAX_BARRED + 1; key++) {
            table = done(table.fence(MDS, new KeyPair(-1, key))).next();
        }

        assertThat(table.barred()).hasSize(Reservations.MAX_BARRED);
        assertThat(registered(table, CLIENT, 1).isRegistered(CLIENT)).isTrue();
        assertThat(table.register(CLIENT, new KeyPair(0, 2), ExistingKey.IGNORED, true, List.of()))
                .isInstanceOf(Conflict.class);
    }

    @Test
    void a_fence_leaves_a_reservation_to_its_holder_unless_that_is_the_fenced() {
        var server = new Nexus("pnfs-metadata-server", 0);
        Reservations table = cluster(WRITE_EXCLUSIVE_REGISTRANTS_ONLY);

        assertThat(done(table.fence(server, new KeyPair(7, CLIENT_KEY))).next().reservation())
                .isEqualTo(table.reservation());
        assertThat(done(table.fence(server, new KeyPair(7, MDS_KEY))).next().reservation())
                .isEqualTo(new Reservation(WRITE_EXCLUSIVE_REGISTRANTS_ONLY, server));
        assertThat(table.fence(server, new KeyPair(7, 7))).isInstanceOf(InvalidField.class);
        assertThat(table.fence(server, new KeyPair(0, CLIENT_KEY))).isInstanceOf(InvalidField.class);
        assertThat(table.fence(server, new KeyPair(7, 0))).isInstanceOf(InvalidField.class);
    }

    @Test
    void preempting_the_holder_takes_its_reservation_and_others_hear_of_a_new_type() {
        Reservations table = cluster(WRITE_EXCLUSIVE_REGISTRANTS_ONLY);

        Done taken = done(table.preempt(CLIENT, new KeyPair(CLIENT_KEY, MDS_KEY), EXCLUSIVE_ACCESS));

        assertThat(taken.next().reservation()).isEqualTo(new Reservation(EXCLUSIVE_ACCESS, CLIENT));
        assertThat(taken.preempted()).containsExactly(MDS);
        assertThat(taken.notices())
                .containsExactlyInAnyOrder(
                        new Notice(MDS, Event.REGISTRATIONS_PREEMPTED),
                        new Notice(SECOND_PATH, Event.RESERVATIONS_RELEASED));
    }

    @Test
    void preempting_with_ones_own_key_as_the_holder_changes_the_type_and_stays_registered() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        Done changed = done(table.preempt(MDS, new KeyPair(MDS_KEY, MDS_KEY), WRITE_EXCLUSIVE));

        assertThat(changed.preempted()).isEmpty();
        assertThat(changed.next().reservation()).isEqualTo(new Reservation(WRITE_EXCLUSIVE, MDS));
        assertThat(changed.next().isRegistered(MDS)).isTrue();
    }

    @Test
    void preempting_key_zero_takes_over_from_all_registrants_and_is_an_error_otherwise() {
        Reservations all = cluster(EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
        Reservations one = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        Done taken = done(all.preempt(CLIENT, new KeyPair(CLIENT_KEY, 0), EXCLUSIVE_ACCESS));

        assertThat(taken.preempted()).containsExactly(MDS, SECOND_PATH);
        assertThat(taken.next().reservation()).isEqualTo(new Reservation(EXCLUSIVE_ACCESS, CLIENT));
        assertThat(one.preempt(CLIENT, new KeyPair(CLIENT_KEY, 0), EXCLUSIVE_ACCESS))
                .isInstanceOf(InvalidField.class);
    }

    @Test
    void preempting_one_of_all_registrants_leaves_the_reservation_to_the_others() {
        Reservations all = cluster(WRITE_EXCLUSIVE_ALL_REGISTRANTS);

        Done fence = done(all.preempt(MDS, new KeyPair(MDS_KEY, CLIENT_KEY), WRITE_EXCLUSIVE_ALL_REGISTRANTS));

        assertThat(fence.next().reservation()).isEqualTo(all.reservation());
        assertThat(fence.next().keys()).containsOnlyKeys(MDS);
    }

    @Test
    void a_key_that_nobody_has_and_a_caller_without_its_key_conflict() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        assertThat(table.preempt(MDS, new KeyPair(MDS_KEY, 0x999), EXCLUSIVE_ACCESS))
                .isInstanceOf(Conflict.class);
        assertThat(table.preempt(MDS, new KeyPair(0x999, CLIENT_KEY), EXCLUSIVE_ACCESS))
                .isInstanceOf(Conflict.class);
        assertThat(table.preempt(STRANGER, new KeyPair(0, CLIENT_KEY), EXCLUSIVE_ACCESS))
                .isInstanceOf(Conflict.class);
        assertThat(table.clear(STRANGER, 0)).isInstanceOf(Conflict.class);
        assertThat(table.reserve(STRANGER, 0, EXCLUSIVE_ACCESS)).isInstanceOf(Conflict.class);
        assertThat(table.release(CLIENT, 0x999, EXCLUSIVE_ACCESS_REGISTRANTS_ONLY))
                .isInstanceOf(Conflict.class);
    }

    @Test
    void register_wants_the_existing_key_and_ignore_does_not() {
        Reservations table = registered(Reservations.NONE, CLIENT, CLIENT_KEY);

        assertThat(table.register(CLIENT, new KeyPair(0, 7), ExistingKey.MUST_MATCH, true, List.of()))
                .isInstanceOf(Conflict.class);
        assertThat(table.register(STRANGER, new KeyPair(5, 7), ExistingKey.MUST_MATCH, true, List.of()))
                .isInstanceOf(Conflict.class);
        assertThat(done(table.register(CLIENT, new KeyPair(CLIENT_KEY, 7), ExistingKey.MUST_MATCH, true, List.of()))
                        .next()
                        .keys())
                .containsEntry(CLIENT, 7L);
        assertThat(done(table.register(CLIENT, new KeyPair(99, 8), ExistingKey.IGNORED, true, List.of()))
                        .next()
                        .keys())
                .containsEntry(CLIENT, 8L);
    }

    @Test
    void unregistering_a_key_that_was_never_registered_is_harmless() {
        Done nothing =
                done(Reservations.NONE.register(STRANGER, new KeyPair(0, 0), ExistingKey.IGNORED, true, List.of()));

        assertThat(nothing.next()).isEqualTo(Reservations.NONE);
    }

    @Test
    void the_holder_that_unregisters_releases_and_registrants_hear_of_it() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        Done gone = done(table.register(MDS, new KeyPair(MDS_KEY, 0), ExistingKey.MUST_MATCH, true, List.of()));

        assertThat(gone.next().reservation()).isNull();
        assertThat(gone.notices())
                .containsExactly(
                        new Notice(CLIENT, Event.RESERVATIONS_RELEASED),
                        new Notice(SECOND_PATH, Event.RESERVATIONS_RELEASED));
    }

    @Test
    void with_all_registrants_only_the_last_to_unregister_releases() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
        for (Nexus nexus : List.of(MDS, CLIENT)) {
            table = done(table.register(nexus, new KeyPair(0, 0), ExistingKey.IGNORED, true, List.of()))
                    .next();
            assertThat(table.reservation()).isNotNull();
        }

        table = done(table.register(SECOND_PATH, new KeyPair(0, 0), ExistingKey.IGNORED, true, List.of()))
                .next();

        assertThat(table.reservation()).isNull();
    }

    @Test
    void further_ports_are_registered_together_or_not_at_all() {
        Reservations table = registered(Reservations.NONE, CLIENT, CLIENT_KEY);

        Done both =
                done(table.register(MDS, new KeyPair(0, MDS_KEY), ExistingKey.MUST_MATCH, true, List.of(SECOND_PATH)));

        assertThat(both.next().keys()).containsEntry(MDS, MDS_KEY).containsEntry(SECOND_PATH, MDS_KEY);
        assertThat(table.register(MDS, new KeyPair(0, MDS_KEY), ExistingKey.MUST_MATCH, true, List.of(CLIENT)))
                .isInstanceOf(InvalidField.class);
    }

    @ParameterizedTest
    @EnumSource
    void reserving_again_as_the_holder_is_good_and_as_another_type_or_nexus_conflicts(ReservationType type) {
        Reservations table = cluster(type);
        ReservationType other = type == EXCLUSIVE_ACCESS ? WRITE_EXCLUSIVE : EXCLUSIVE_ACCESS;

        assertThat(done(table.reserve(MDS, MDS_KEY, type)).next()).isEqualTo(table);
        assertThat(table.reserve(MDS, MDS_KEY, other)).isInstanceOf(Conflict.class);
        if (type.heldByAll()) {
            assertThat(done(table.reserve(CLIENT, CLIENT_KEY, type)).next()).isEqualTo(table);
        } else {
            assertThat(table.reserve(CLIENT, CLIENT_KEY, type)).isInstanceOf(Conflict.class);
        }
    }

    @Test
    void releasing_needs_the_right_type_and_is_nothing_to_who_does_not_hold() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        assertThat(table.release(MDS, MDS_KEY, WRITE_EXCLUSIVE)).isInstanceOf(InvalidRelease.class);
        assertThat(done(table.release(CLIENT, CLIENT_KEY, EXCLUSIVE_ACCESS_REGISTRANTS_ONLY))
                        .next())
                .isEqualTo(table);
        Done released = done(table.release(MDS, MDS_KEY, EXCLUSIVE_ACCESS_REGISTRANTS_ONLY));
        assertThat(released.next().reservation()).isNull();
        assertThat(released.next().generation()).isEqualTo(table.generation());
        assertThat(released.notices()).hasSize(2);
    }

    @Test
    void moving_registers_the_other_port_and_gives_it_the_reservation() {
        Reservations table = cluster(EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);

        Done moved = done(
                table.registerAndMove(MDS, new KeyPair(MDS_KEY, 0x300), STRANGER, AfterMove.IS_UNREGISTERED, true));

        assertThat(moved.next().isHolder(STRANGER)).isTrue();
        assertThat(moved.next().keys()).containsEntry(STRANGER, 0x300L).doesNotContainKey(MDS);
        assertThat(table.registerAndMove(
                        CLIENT, new KeyPair(CLIENT_KEY, 1), STRANGER, AfterMove.STAYS_REGISTERED, true))
                .isInstanceOf(Conflict.class);
        assertThat(table.registerAndMove(MDS, new KeyPair(MDS_KEY, 1), MDS, AfterMove.STAYS_REGISTERED, true))
                .isInstanceOf(InvalidField.class);
    }
}
