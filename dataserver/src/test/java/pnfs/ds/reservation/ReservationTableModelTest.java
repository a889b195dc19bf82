package pnfs.ds.reservation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.ds.reservation.Outcome.Conflict;
import pnfs.ds.reservation.Outcome.Done;
import pnfs.ds.reservation.Reservations.ExistingKey;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.testing.Seeds;

class ReservationTableModelTest {
    private static final List<Nexus> NEXUSES = List.of(
            new Nexus("iqn.a,i,0x1", 1),
            new Nexus("iqn.b,i,0x1", 1),
            new Nexus("iqn.c,i,0x1", 1),
            new Nexus("nvme:d", 2));

    private static final Nexus SERVER = new Nexus("pnfs-metadata-server", 0);
    private static final long SERVER_KEY = -1;

    private static final List<ReservationType> TYPES = List.of(ReservationType.values());

    /// Restarts at random: only what the keeper was told to keep and has kept is there again.
    @Seeds(300)
    void registrations_and_access_agree_with_a_plain_map_across_restarts(RandomGenerator random) {
        var kept = new AtomicReference<byte @Nullable []>();
        ReservationTable.Keeper keeper = (record, waiter) -> {
            kept.set(record);
            waiter.accept(ReservationTable.Keeper.Result.DURABLE);
        };
        var table = new ReservationTable(Reservations.NONE, keeper);
        Map<Nexus, Long> model = new HashMap<>();
        Set<Long> barred = new HashSet<>();
        boolean modelPersistent = false;
        for (int step = 0; step < 60; step++) {
            Nexus nexus = NEXUSES.get(random.nextInt(NEXUSES.size()));
            long key = random.nextLong(1, 7);
            switch (random.nextInt(11)) {
                case 0, 1, 2, 3 -> {
                    boolean persistent = random.nextInt(4) > 0;
                    boolean may = !barred.contains(key);
                    table.change(
                            now -> now.register(nexus, new KeyPair(0, key), ExistingKey.IGNORED, persistent, List.of()),
                            answer -> assertThat(outcome(answer)).isInstanceOf(may ? Done.class : Conflict.class));
                    if (may) {
                        model.put(nexus, key);
                        modelPersistent = persistent;
                    }
                }
                case 4, 5 -> {
                    boolean may = model.getOrDefault(nexus, 0L) == key;
                    table.change(
                            now -> now.reserve(nexus, key, ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY),
                            answer -> {
                                if (!may) {
                                    assertThat(outcome(answer)).isInstanceOf(Conflict.class);
                                }
                            });
                }
                case 6, 7 -> {
                    long own = model.getOrDefault(nexus, 0L);
                    boolean may = own != 0 && model.containsValue(key);
                    table.change(
                            now -> now.preempt(
                                    nexus, new KeyPair(own, key), ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY),
                            answer -> assertThat(outcome(answer)).isInstanceOf(may ? Done.class : Conflict.class));
                    if (may) {
                        Reservation reservation = table.current().reservation();
                        boolean tookOver = reservation != null && nexus.equals(reservation.holder()) && own == key;
                        model.entrySet()
                                .removeIf(entry -> entry.getValue() == key
                                        && !(tookOver && entry.getKey().equals(nexus)));
                    }
                }
                case 8 -> {
                    table.change(
                            now -> now.fence(SERVER, new KeyPair(SERVER_KEY, key)),
                            answer -> assertThat(outcome(answer)).isInstanceOf(Done.class));
                    model.values().removeIf(held -> held == key);
                    model.put(SERVER, SERVER_KEY);
                    barred.add(key);
                }
                default -> {
                    byte[] record = kept.get();
                    table = new ReservationTable(
                            record == null ? Reservations.NONE : ReservationRecord.read(record), keeper);
                    if (!modelPersistent && barred.isEmpty()) {
                        model.clear();
                    }
                }
            }
            assertThat(table.current().keys()).isEqualTo(model);
            for (Nexus each : NEXUSES) {
                boolean reserved = table.current().reservation() != null;
                assertThat(table.permits(each, Access.WRITE)).isEqualTo(!reserved || model.containsKey(each));
            }
        }
    }

    @Test
    void the_answer_waits_for_the_record_and_for_the_tasks_of_the_preempted() {
        var waiters = new ArrayList<Consumer<ReservationTable.Keeper.Result>>();
        var drained = new ArrayList<Runnable>();
        var answers = new ArrayList<ReservationTable.Answer>();
        var table = new ReservationTable(Reservations.NONE, (record, waiter) -> waiters.add(waiter));
        Nexus client = NEXUSES.getFirst();
        table.listen((change, finished) -> drained.add(finished));

        table.change(
                now -> now.register(client, new KeyPair(0, 9), ExistingKey.IGNORED, true, List.of()), answers::add);

        assertThat(table.current().isRegistered(client)).isTrue();
        assertThat(answers).isEmpty();
        assertThat(drained).isEmpty();
        waiters.getFirst().accept(ReservationTable.Keeper.Result.DURABLE);
        assertThat(answers).isEmpty();
        drained.getFirst().run();
        assertThat(answers).hasSize(1);
    }

    @Test
    void a_record_that_cannot_be_kept_is_told_to_the_initiator() {
        var answers = new ArrayList<ReservationTable.Answer>();
        var table = new ReservationTable(
                Reservations.NONE, (record, waiter) -> waiter.accept(ReservationTable.Keeper.Result.FAILED));

        table.change(
                now -> now.register(NEXUSES.getFirst(), new KeyPair(0, 9), ExistingKey.IGNORED, true, List.of()),
                answers::add);

        assertThat(answers).containsExactly(new ReservationTable.Answer.NotKept());
    }

    /// A metadata server asks for a fence until it is told that it is durable.
    @Test
    void what_could_not_be_kept_is_not_durable_when_it_is_asked_for_again() {
        var answers = new ArrayList<ReservationTable.Answer>();
        var table = new ReservationTable(
                Reservations.NONE, (record, waiter) -> waiter.accept(ReservationTable.Keeper.Result.FAILED));

        table.change(now -> now.fence(SERVER, new KeyPair(SERVER_KEY, 9)), answers::add);
        table.change(now -> now.fence(SERVER, new KeyPair(SERVER_KEY, 9)), answers::add);

        assertThat(answers)
                .containsExactly(new ReservationTable.Answer.NotKept(), new ReservationTable.Answer.NotKept());
    }

    @Seeds(100)
    void a_record_is_read_as_it_was_written_and_a_damaged_one_not_at_all(RandomGenerator random) {
        Reservations table = Reservations.NONE;
        for (int i = random.nextInt(6); i >= 0; i--) {
            Nexus nexus = NEXUSES.get(random.nextInt(NEXUSES.size()));
            long key = random.nextLong() | 1;
            table = ((Done) table.register(nexus, new KeyPair(0, key), ExistingKey.IGNORED, true, List.of())).next();
            if (random.nextBoolean()) {
                table = ((Done) table.fence(SERVER, new KeyPair(SERVER_KEY, random.nextLong() << 1 | 2))).next();
            }
            ReservationType type = TYPES.get(random.nextInt(TYPES.size()));
            if (table.reserve(nexus, key, type) instanceof Done done) {
                table = done.next();
            }
        }
        byte[] record = ReservationRecord.write(table);

        assertThat(ReservationRecord.read(record)).isEqualTo(table);
        byte[] damaged = record.clone();
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
        assertThatThrownBy(() -> ReservationRecord.read(damaged))
                .isInstanceOf(UnreadableRegistrationsException.class)
                .hasMessageContaining("are damaged")
                .hasMessageContaining("restore the region");
    }

    private static Outcome outcome(ReservationTable.Answer answer) {
        assertThat(answer).isInstanceOf(ReservationTable.Answer.Decided.class);
        return ((ReservationTable.Answer.Decided) answer).outcome();
    }
}
