package pnfs.wire.iscsi;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.testing.MemoryNetwork;
import pnfs.testing.Seeds;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

class IscsiInitiatorTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final long ISID = 0x8000_0000_0007L;
    private static final String NAME = "iqn.2024-01.lab:client";
    private static final Duration A_WHILE = Duration.ofMillis(500);

    private final SplittableRandom random = new SplittableRandom(7);
    private final MemoryNetwork network = new MemoryNetwork(random.split());
    private final ScriptedTarget target = new ScriptedTarget(random.split());
    private final Listener listener = listen(network, target, ANY_PORT);

    /// How a command of a test has ended, if it has.
    private static final class Outcome implements Completion {
        @Nullable
        Integer bytes;

        @Nullable
        RuntimeException failure;

        int times;

        @Override
        public void done(int moved, @Nullable RuntimeException why) {
            times++;
            bytes = moved;
            failure = why;
        }

        void isGood(int moved) {
            assertThat(failure).isNull();
            assertThat(bytes).isEqualTo(moved);
            assertThat(times).isEqualTo(1);
        }

        void isPending() {
            assertThat(times).isZero();
        }

        CompletableFuture<Void> over() {
            return ((IscsiSessionException) requireNonNull(failure)).over();
        }

        void failedWith(Class<? extends RuntimeException> type, String text) {
            assertThat(failure).isInstanceOf(type).hasMessageContaining(text);
            assertThat(times).isEqualTo(1);
        }
    }

    private static Listener listen(MemoryNetwork network, ScriptedTarget target, InetSocketAddress at) {
        try {
            return network.listen(at, target::accept, ConnectionLimits.DEFAULT);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private InitiatorConfig config() {
        return InitiatorConfig.of(listener.address(), "iqn.2024-01.lab:lun", NAME, ISID);
    }

    private IscsiInitiator open(InitiatorConfig config) {
        return IscsiInitiator.open(network, config);
    }

    private IscsiInitiator loggedIn() {
        var initiator = open(config());
        network.runFor(A_WHILE);
        assertThat(initiator.loggedIn()).isCompleted();
        return initiator;
    }

    private static Outcome read(IscsiInitiator initiator, long firstBlock, ByteBuffer into) {
        var outcome = new Outcome();
        initiator.read(0, firstBlock, into.remaining() / ScriptedTarget.BLOCK_BYTES, into, outcome);
        return outcome;
    }

    private static Outcome write(IscsiInitiator initiator, long firstBlock, ByteBuffer from) {
        var outcome = new Outcome();
        initiator.write(0, firstBlock, from.remaining() / ScriptedTarget.BLOCK_BYTES, from, outcome);
        return outcome;
    }

    private ByteBuffer randomBytes(int bytes) {
        var data = new byte[bytes];
        random.nextBytes(data);
        return ByteBuffer.wrap(data);
    }

    // Data.

    @Seeds(60)
    void what_is_written_is_read_whatever_was_negotiated_and_however_bytes_are_cut(RandomGenerator chance) {
        var net = new MemoryNetwork(chance);
        var disk = new ScriptedTarget(chance);
        disk.wishes = anyWishes(chance);
        disk.window = chance.nextInt(1, 20);
        Listener portal = listen(net, disk, ANY_PORT);
        var initiator = IscsiInitiator.open(
                net,
                InitiatorConfig.of(portal.address(), "iqn.t", NAME, ISID)
                        .withWishes(anyWishes(chance))
                        .withDepth(chance.nextInt(1, 16), 100));
        byte[] model = new byte[ScriptedTarget.BLOCKS * ScriptedTarget.BLOCK_BYTES];

        for (int round = 0; round < 3; round++) {
            var outcomes = new ArrayList<Outcome>();
            int stripe = ScriptedTarget.BLOCKS / 8;
            for (int i = 0; i < 8; i++) { // parts that do not overlap, so any order is right
                int first = i * stripe + chance.nextInt(stripe / 2);
                var data = new byte[chance.nextInt(1, stripe / 2) * ScriptedTarget.BLOCK_BYTES];
                chance.nextBytes(data);
                System.arraycopy(data, 0, model, first * ScriptedTarget.BLOCK_BYTES, data.length);
                outcomes.add(write(initiator, first, chance.nextBoolean() ? ByteBuffer.wrap(data) : direct(data)));
            }
            net.runFor(Duration.ofSeconds(3));
            outcomes.forEach(outcome -> assertThat(outcome.failure).isNull());
            assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.times).isEqualTo(1));

            var around = ByteBuffer.allocate(model.length + 200);
            Arrays.fill(around.array(), (byte) 0x5a);
            Outcome read =
                    read(initiator, 0, around.slice(0, model.length + 100).position(100));
            net.runFor(Duration.ofSeconds(3));
            read.isGood(model.length);
            assertThat(around.slice(100, model.length)).isEqualTo(ByteBuffer.wrap(model));
            assertThat(Arrays.copyOf(around.array(), 100)).containsOnly(0x5a);
            assertThat(Arrays.copyOfRange(around.array(), model.length + 100, model.length + 200))
                    .containsOnly(0x5a);
        }
        assertThat(disk.violations).isEmpty();
        assertThat(disk.disk).isEqualTo(model);
        assertThat(disk.logins).hasSize(1);
    }

    private static ByteBuffer direct(byte[] data) {
        return ByteBuffer.allocateDirect(data.length).put(0, data);
    }

    private static LoginKeys anyWishes(RandomGenerator chance) {
        String[] digests = {"None", "None,CRC32C", "CRC32C,None"};
        return LoginKeys.of(
                "InitialR2T",
                chance.nextBoolean() ? "Yes" : "No",
                "ImmediateData",
                chance.nextBoolean() ? "Yes" : "No",
                "FirstBurstLength",
                Integer.toString(chance.nextInt(512, 100_000)),
                "MaxBurstLength",
                Integer.toString(chance.nextInt(512, 300_000)),
                "MaxRecvDataSegmentLength",
                Integer.toString(chance.nextInt(512, 200_000)),
                "HeaderDigest",
                digests[chance.nextInt(3)],
                "DataDigest",
                digests[chance.nextInt(3)]);
    }

    @Test
    void commands_wait_while_the_window_is_closed() {
        target.window = 3;
        target.slowest = Duration.ofMillis(20);
        var initiator = loggedIn();

        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            outcomes.add(read(initiator, i, ByteBuffer.allocate(512)));
        }
        network.runFor(Duration.ofSeconds(2));

        outcomes.forEach(outcome -> outcome.isGood(512));
        assertThat(target.mostAtATime).isEqualTo(3);
        assertThat(target.violations).isEmpty();
    }

    @Test
    void a_window_that_is_closed_at_login_opens_with_a_NOP_In() {
        target.window = 0;
        var initiator = loggedIn();
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        read.isPending();

        target.window = 4;
        target.session().nopIn(Bhs.NO_TAG, new byte[0]);
        network.runFor(A_WHILE);

        read.isGood(512);
    }

    @Test
    void a_command_over_the_pending_limit_is_refused_at_once() {
        target.slowest = Duration.ofSeconds(1);
        var initiator = open(config().withDepth(2, 3));
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            outcomes.add(read(initiator, i, ByteBuffer.allocate(512)));
        }

        outcomes.get(3).failedWith(IscsiSessionException.class, "3 commands are pending");
        network.runFor(Duration.ofSeconds(5));
        outcomes.subList(0, 3).forEach(outcome -> outcome.isGood(512));
        assertThat(target.mostAtATime).isEqualTo(2);
        Outcome later = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(5));
        later.isGood(512);
    }

    // Statuses.

    @Test
    void control_answers_shorter_than_asked_for_are_read() {
        var initiator = loggedIn();

        var inquiry = initiator.inquiry(0);
        var capacity = initiator.readCapacity(0);
        var luns = initiator.reportLuns();
        network.runFor(A_WHILE);

        assertThat(inquiry.join().product()).isEqualTo("disk");
        assertThat(capacity.join().bytes()).isEqualTo(1 << 20);
        assertThat(luns.join().luns()).containsExactly(0);
    }

    @Test
    void a_refusal_of_the_unit_shows_with_status_and_sense() {
        var initiator = loggedIn();
        var absent = initiator.readCapacity(5);
        network.runFor(A_WHILE);

        assertThatThrownBy(absent::join)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(ScsiException.class, refusal -> {
                    assertThat(refusal.status()).isEqualTo(ScsiStatus.CHECK_CONDITION);
                    assertThat(refusal.sense()).isEqualTo(Sense.LUN_NOT_SUPPORTED);
                    assertThat(refusal.getStackTrace()).isEmpty();
                });

        target.script = (session, task) -> {
            session.status(task, ScsiStatus.RESERVATION_CONFLICT, new byte[0]);
            return true;
        };
        Outcome write = write(initiator, 0, randomBytes(512));
        network.runFor(A_WHILE);
        write.failedWith(ScsiException.class, "RESERVATION CONFLICT");
        assertThat(target.commands).as("a conflict is not repeated").hasSize(2);
    }

    @Test
    void unit_attentions_are_not_shown_unless_they_do_not_end() {
        var initiator = loggedIn();
        var news = new ArrayList<>(List.of(Sense.POWER_ON_OR_RESET, Sense.CAPACITY_CHANGED));
        target.script = (session, task) -> {
            if (news.isEmpty()) {
                return false;
            }
            session.check(task, news.removeFirst());
            return true;
        };
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        read.isGood(512);
        assertThat(target.commands).hasSize(3);

        news.addAll(Collections.nCopies(100, Sense.LOGICAL_UNIT_RESET));
        Outcome unlucky = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        unlucky.failedWith(ScsiException.class, "6/29/03");
        assertThat(news).hasSize(94);
    }

    @Test
    void a_busy_unit_is_asked_again_until_the_command_would_be_overdue() {
        var initiator = loggedIn();
        int[] busy = {3};
        target.script = (session, task) -> {
            if (busy[0]-- <= 0) {
                return false;
            }
            session.status(task, ScsiStatus.TASK_SET_FULL, new byte[0]);
            return true;
        };
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(5));
        read.isGood(512);

        busy[0] = Integer.MAX_VALUE;
        Outcome never = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(29));
        never.isPending();
        network.runFor(Duration.ofSeconds(3));
        never.failedWith(ScsiException.class, "TASK SET FULL");
    }

    @Test
    void what_another_initiator_ended_is_sent_again_unless_that_could_do_harm() {
        var initiator = loggedIn();
        int[] aborted = {2};
        target.script = (session, task) -> {
            if (aborted[0]-- <= 0) {
                return false;
            }
            session.status(task, ScsiStatus.TASK_ABORTED, new byte[0]);
            return true;
        };
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(5));
        read.isGood(512);

        aborted[0] = 1;
        var register = initiator.persistentReserveOut(
                0, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, new ReserveOutParameters(0, 1, true));
        network.runFor(Duration.ofSeconds(5));
        assertThatThrownBy(register::join).hasMessageContaining("TASK ABORTED");
    }

    // Sign of life.

    @Test
    void a_silent_target_is_pinged_and_stays() {
        var initiator = loggedIn();

        network.runFor(Duration.ofSeconds(60));

        assertThat(target.pings).hasSizeBetween(9, 12);
        assertThat(target.sessions).hasSize(1);
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        read.isGood(512);
    }

    @Test
    void a_targets_ping_is_answered_with_its_own_bytes() {
        loggedIn();
        byte[] sign = {1, 2, 3, 4, 5};

        target.session().nopIn(42, sign);
        network.runFor(A_WHILE);

        assertThat(target.pings).containsExactly(sign);
    }

    @Test
    void a_target_that_does_not_answer_pings_is_left_and_its_commands_are_repeated() {
        var initiator = loggedIn();
        target.deaf = true;
        Outcome read = read(initiator, 3, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(9));
        target.deaf = false;
        network.runFor(Duration.ofSeconds(5));

        read.isGood(512);
        assertThat(target.sessions).hasSize(2);
    }

    // Abort and reset.

    private void neverAnswer(int opcode, int times) {
        int[] left = {times};
        target.script = (session, task) -> task.opcode() == opcode && left[0]-- > 0;
    }

    @Test
    void a_command_without_a_status_is_aborted_and_fails_and_others_go_on() {
        var initiator = loggedIn();
        neverAnswer(ScsiOpcode.WRITE_16, 1);
        Outcome lost = write(initiator, 0, randomBytes(512));
        network.runFor(Duration.ofSeconds(29));
        lost.isPending();
        Outcome other = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(2));

        lost.failedWith(IscsiSessionException.class, "no status in PT30S");
        other.isGood(512);
        assertThat(target.taskRequests).containsExactly(TaskManagement.ABORT_TASK);
        assertThat(target.sessions).hasSize(1);
    }

    @Test
    void when_an_abort_is_refused_the_unit_is_reset_and_its_other_commands_are_repeated() {
        var initiator = loggedIn();
        target.abortResponse = TaskManagement.NOT_SUPPORTED;
        neverAnswer(ScsiOpcode.WRITE_16, 1);
        Outcome lost = write(initiator, 0, randomBytes(512));
        network.runFor(Duration.ofSeconds(20));
        target.slowest = Duration.ofSeconds(12);
        Outcome other = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(40));

        lost.failedWith(IscsiSessionException.class, "aborted");
        other.isGood(512);
        assertThat(target.taskRequests).containsExactly(TaskManagement.ABORT_TASK, TaskManagement.LOGICAL_UNIT_RESET);
        assertThat(target.commands)
                .filteredOn(opcode -> opcode == ScsiOpcode.READ_16)
                .hasSizeBetween(1, 2);
        assertThat(target.sessions).hasSize(1);
    }

    @Test
    void when_even_a_reset_is_not_answered_the_session_is_reinstated() {
        var initiator = loggedIn();
        target.answersTaskRequests = false;
        neverAnswer(ScsiOpcode.WRITE_16, 1);
        Outcome lost = write(initiator, 0, randomBytes(512));
        network.runFor(Duration.ofSeconds(65));

        lost.failedWith(IscsiSessionException.class, "whether it took effect is not known");
        assertThat(target.taskRequests).containsExactly(TaskManagement.ABORT_TASK, TaskManagement.LOGICAL_UNIT_RESET);
        assertThat(target.logins).containsExactly("800000000007 0", "800000000007 0");
    }

    // Reconnection.

    @Test
    void after_a_lost_connection_the_session_is_reinstated_and_harmless_commands_are_repeated() {
        var initiator = loggedIn();
        target.slowest = Duration.ofSeconds(1);
        ByteBuffer data = randomBytes(64 * 512);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            outcomes.add(write(initiator, i * 64L, data));
            outcomes.add(read(initiator, 1024 + i, ByteBuffer.allocate(512)));
        }
        var reserve = initiator.persistentReserveOut(
                0, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, new ReserveOutParameters(0, 1, true));
        network.runFor(Duration.ofMillis(50));
        target.session().drop();
        network.runFor(Duration.ofSeconds(10));

        outcomes.forEach(outcome -> assertThat(outcome.failure).isNull());
        outcomes.forEach(outcome -> assertThat(outcome.times).isEqualTo(1));
        assertThat(target.logins).containsExactly("800000000007 0", "800000000007 0");
        assertThat(ByteBuffer.wrap(target.disk, 0, 64 * 512)).isEqualTo(data);
        assertThat(target.violations).isEmpty();
        assertThatThrownBy(reserve::join).hasMessageContaining("whether it took effect is not known");
        assertThat(target.commands)
                .filteredOn(opcode -> opcode == ScsiOpcode.PERSISTENT_RESERVE_OUT)
                .hasSizeLessThanOrEqualTo(1);
    }

    @Seeds(25)
    void no_command_is_lost_or_ended_twice_however_often_the_connection_breaks(RandomGenerator chance) {
        var net = new MemoryNetwork(chance);
        var disk = new ScriptedTarget(chance);
        Listener portal = listen(net, disk, ANY_PORT);
        var initiator = IscsiInitiator.open(net, InitiatorConfig.of(portal.address(), "iqn.t", NAME, ISID));
        byte[] model = new byte[disk.disk.length];
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            var data = new byte[16 * 512 * chance.nextInt(1, 3)];
            chance.nextBytes(data);
            System.arraycopy(data, 0, model, i * 32 * 512, data.length);
            outcomes.add(write(initiator, i * 32L, ByteBuffer.wrap(data)));
            if (chance.nextInt(6) == 0) {
                net.runFor(Duration.ofNanos(chance.nextLong(20_000_000)));
                if (!disk.sessions.isEmpty()) {
                    disk.session().drop();
                }
            }
        }
        net.runFor(Duration.ofSeconds(60));

        outcomes.forEach(outcome -> assertThat(outcome.failure).isNull());
        assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.times).isEqualTo(1));
        assertThat(disk.disk).isEqualTo(model);
        assertThat(disk.violations).isEmpty();
    }

    @Test
    void without_a_target_commands_wait_until_the_replacement_time_is_over_and_then_fail_at_once() {
        var initiator = loggedIn();
        InetSocketAddress address = listener.address();
        listener.close();
        network.runFor(A_WHILE);
        Outcome early = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(118));
        early.isPending();
        network.runFor(Duration.ofSeconds(4));
        early.failedWith(IscsiSessionException.class, "none for PT2M, cannot connect");

        Outcome late = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofMillis(1));
        late.failedWith(IscsiSessionException.class, "none for PT2M");

        listen(network, target, address);
        network.runFor(Duration.ofSeconds(11));
        Outcome again = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        again.isGood(512);
    }

    @Test
    void what_a_lost_connection_left_with_the_target_is_over_with_the_next_login_and_what_was_never_sent_at_once() {
        var initiator = open(config().withTimes(InitiatorConfig.Times.DEFAULT.withReplacement(Duration.ofSeconds(5))));
        network.runFor(A_WHILE);
        InetSocketAddress address = listener.address();
        neverAnswer(ScsiOpcode.WRITE_16, 1);
        Outcome sent = write(initiator, 0, randomBytes(512));
        network.runFor(A_WHILE);
        listener.close();
        target.session().drop();
        network.runFor(A_WHILE);
        Outcome unsent = write(initiator, 1, randomBytes(512));
        network.runFor(Duration.ofSeconds(10));

        assertThat(sent.over()).isNotDone();
        assertThat(unsent.over()).isDone();
        listen(network, target, address);
        network.runFor(Duration.ofSeconds(11));
        assertThat(sent.over()).isDone();
        assertThat(target.logins).containsExactly("800000000007 0", "800000000007 0");
    }

    @Test
    void a_long_transfer_is_not_over_before_each_of_its_parts_is() {
        target.maxTransferBlocks = 1;
        var initiator = open(config().withTimes(InitiatorConfig.Times.DEFAULT.withReplacement(Duration.ofSeconds(5))));
        network.runFor(A_WHILE);
        var opening = IscsiBlockDevice.open(initiator, 0);
        network.runFor(A_WHILE);
        int[] writes = {0};
        target.script = (session, task) -> {
            if (task.opcode() == ScsiOpcode.WRITE_16 && ++writes[0] == 2) {
                session.check(task, Sense.WRITE_ERROR);
            }
            return task.opcode() == ScsiOpcode.WRITE_16;
        };
        var write = new Outcome();
        opening.join().write(0, randomBytes(4 * 512), write);
        network.runFor(A_WHILE);
        listener.close();
        target.session().drop();
        network.runFor(Duration.ofSeconds(10));

        assertThat(write.over()).isNotDone();
        initiator.close();
        network.runFor(A_WHILE);
        assertThat(write.over()).isDone();
    }

    @Test
    void a_target_that_asks_for_a_logout_gets_it_and_the_session_comes_back() {
        var initiator = loggedIn();
        target.slowest = Duration.ofMillis(100);
        Outcome onWire = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofMillis(10));

        target.session().asyncMessage(AsyncEvent.LOGOUT_REQUEST, 5);
        network.runFor(Duration.ofMillis(10));
        Outcome later = read(initiator, 1, ByteBuffer.allocate(512));
        network.runFor(Duration.ofSeconds(5));

        onWire.isGood(512);
        later.isGood(512);
        assertThat(target.logouts).isEqualTo(1);
        assertThat(target.sessions).hasSize(2);
    }

    @Test
    void a_target_that_announces_the_end_of_the_session_is_left_and_found_again() {
        var initiator = loggedIn();
        target.session().asyncMessage(AsyncEvent.DROP_SESSION, 0);
        network.runFor(Duration.ofSeconds(5));

        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);
        read.isGood(512);
        assertThat(target.sessions).hasSize(2);
    }

    @Test
    void a_closed_initiator_logs_out_and_fails_what_is_pending() {
        var initiator = loggedIn();
        target.slowest = Duration.ofSeconds(5);
        Outcome onWire = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(Duration.ofMillis(10));
        initiator.close();
        initiator.close();
        network.runFor(A_WHILE);
        Outcome late = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);

        onWire.failedWith(IscsiSessionException.class, "initiator was closed");
        late.failedWith(IscsiSessionException.class, "initiator was closed");
        assertThat(target.logouts).isEqualTo(1);
        assertThat(listener.connections()).isZero();
        network.run(); // nothing ticks on
    }

    // Login.

    @Test
    void a_login_that_is_refused_for_good_fails_at_once_with_its_reason() {
        target.loginStatus = LoginStatus.NOT_FOUND.wire();
        var initiator = open(config());
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);

        assertThatThrownBy(initiator.loggedIn()::join).hasMessageContaining("target not found");
        read.failedWith(IscsiSessionException.class, "target not found");
        network.run();
        assertThat(target.sessions).hasSize(1);
    }

    @Test
    void a_login_that_is_refused_for_now_is_tried_again_with_growing_pauses() {
        target.loginStatus = LoginStatus.SERVICE_UNAVAILABLE.wire();
        var initiator = open(config());
        network.runFor(Duration.ofSeconds(60));
        assertThat(target.sessions).as("0, 0.1, 0.2, ... 3.2, then every 5 s").hasSizeBetween(15, 21);

        target.loginStatus = 0;
        network.runFor(Duration.ofSeconds(6));
        assertThat(initiator.loggedIn()).isCompleted();
    }

    @Test
    void a_target_that_wants_the_security_stage_gets_it() {
        target.wantsSecurity = true;
        var initiator = loggedIn();

        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        network.runFor(A_WHILE);

        read.isGood(512);
        assertThat(target.sessions).hasSize(2);
    }

    @Test
    void a_target_that_does_not_agree_to_a_digest_is_not_asked_twice() {
        target.wishes = LoginKeys.of("HeaderDigest", "None");
        var initiator = open(config().withWishes(LoginKeys.of("HeaderDigest", "CRC32C")));
        network.runFor(A_WHILE);

        assertThatThrownBy(initiator.loggedIn()::join).hasMessageContaining("HeaderDigest=CRC32C");
    }

    @Test
    void discovery_finds_targets_and_their_portals_in_an_answer_of_several_pieces() {
        var found = SendTargets.ask(network, listener.address(), NAME);
        network.runFor(A_WHILE);

        assertThat(found.join())
                .containsExactly(
                        new SendTargets.Target(
                                "iqn.a",
                                List.of(
                                        InetSocketAddress.createUnresolved("10.0.0.1", 3261),
                                        InetSocketAddress.createUnresolved("fe80::1", 3260))),
                        new SendTargets.Target("iqn.b", List.of(listener.address())));
        assertThat(target.logouts).isEqualTo(1);
        network.run();
        assertThat(listener.connections()).isZero();
    }

    @Test
    void discovery_fails_where_nobody_listens_or_answers() {
        var nobody = SendTargets.ask(network, new InetSocketAddress(InetAddress.getLoopbackAddress(), 1), NAME);
        target.loginStatus = LoginStatus.AUTHORIZATION_FAILURE.wire();
        var refused = SendTargets.ask(network, listener.address(), NAME);
        network.run();

        assertThatThrownBy(nobody::join).hasMessageContaining("nobody listens");
        assertThatThrownBy(refused::join).hasMessageContaining("not allowed");
    }

    // Hostile targets.

    private interface Hostility {
        void against(ScriptedTarget.Session session, ScriptedTarget.Task task);
    }

    private static void dataIn(ScriptedTarget.Session session, int tag, int flags, int offset, int bytes) {
        int at = session.beginWithoutStatus(Opcode.DATA_IN, flags, tag);
        Bhs.putBufferOffset(session.out.buffer(), at, offset);
        session.out.end(at, new byte[bytes]);
    }

    private static final Hostility[] HOSTILITIES = {
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL, 4096, 512),
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL, 0, 4608),
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL, -512, 512),
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL, 512, 512),
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL, 0, 40_000),
        (session, task) -> dataIn(session, task.tag ^ 1 << 20, Bhs.FINAL, 0, 512),
        (session, task) -> dataIn(session, task.tag ^ 1, Bhs.FINAL, 0, 20_000),
        (session, task) -> dataIn(session, Bhs.NO_TAG, Bhs.FINAL, 0, 512),
        (session, task) -> dataIn(session, task.tag, Bhs.FINAL | Bhs.STATUS, 0, 512),
        (session, task) -> session.r2t(task.tag, 1, 0, 512),
        (session, task) -> session.good(task),
        (session, task) -> {
            int at = session.begin(Opcode.SCSI_RESPONSE, Bhs.FINAL | Bhs.UNDERFLOW, task.tag);
            Bhs.putResidual(session.out.buffer(), at, -1);
            session.out.end(at);
        },
        (session, task) -> {
            int at = session.begin(Opcode.NOP_IN, Bhs.FINAL, 0x1234);
            session.out.end(at);
        },
        (session, task) -> session.out.end(session.begin(Opcode.TASK_RESPONSE, Bhs.FINAL, 5)),
        (session, task) -> session.out.end(session.begin(Opcode.LOGIN_RESPONSE, Bhs.FINAL, task.tag)),
        (session, task) -> session.out.end(session.begin(Opcode.SCSI_COMMAND, Bhs.FINAL, task.tag)),
        (session, task) -> session.out.end(session.begin(Opcode.REJECT, Bhs.FINAL, Bhs.NO_TAG), new byte[48]),
        (session, task) -> {
            int at = session.begin(Opcode.DATA_IN, Bhs.FINAL, task.tag);
            session.out.end(at);
            Bhs.putDataBytes(session.out.buffer(), at, Bhs.MAX_DATA_BYTES);
        },
    };

    @Test
    void a_hostile_target_never_reaches_outside_the_buffer_and_only_loses_its_connection() {
        for (int i = 0; i < HOSTILITIES.length; i++) {
            var net = new MemoryNetwork(new SplittableRandom(i));
            var hostile = new ScriptedTarget(new SplittableRandom(i));
            Arrays.fill(hostile.disk, (byte) 7);
            Listener portal = listen(net, hostile, ANY_PORT);
            var initiator = IscsiInitiator.open(net, InitiatorConfig.of(portal.address(), "iqn.t", NAME, ISID));
            Hostility hostility = HOSTILITIES[i];
            boolean[] struck = {false};
            hostile.script = (session, task) -> {
                if (struck[0]) {
                    return false;
                }
                struck[0] = true;
                hostility.against(session, task);
                return true;
            };
            byte[] around = new byte[3 * 4096];
            Arrays.fill(around, (byte) 0x5a);

            Outcome read = read(initiator, 0, ByteBuffer.wrap(around, 4096, 4096));
            net.runFor(Duration.ofSeconds(5));

            assertThat(struck[0]).isTrue();
            assertThat(hostile.sessions).as("hostility %d", i).hasSize(2);
            read.isGood(4096);
            assertThat(Arrays.copyOf(around, 4096)).as("hostility %d", i).containsOnly(0x5a);
            assertThat(Arrays.copyOfRange(around, 4096, 8192)).containsOnly(7);
            assertThat(Arrays.copyOfRange(around, 8192, 12288)).containsOnly(0x5a);
        }
    }

    @Test
    void an_R2T_outside_the_data_is_not_answered() {
        int[][] asked = {{4096, 512}, {0, 4608}, {-512, 512}, {0, 0}, {0, -1}, {512, 512}, {512, 3584}};
        target.wishes = LoginKeys.of("ImmediateData", "No", "InitialR2T", "Yes");
        var initiator = loggedIn();
        for (int[] r2t : asked) {
            int sessionsBefore = target.sessions.size();
            target.wrongR2t = r2t;
            ByteBuffer data = randomBytes(4096);

            Outcome write = write(initiator, 0, data);
            network.runFor(Duration.ofSeconds(5));

            assertThat(target.sessions).as("R2T for %s", Arrays.toString(r2t)).hasSize(sessionsBefore + 1);
            write.isGood(4096);
            assertThat(ByteBuffer.wrap(target.disk, 0, 4096)).isEqualTo(data);
        }
        assertThat(target.violations).isEmpty();
    }

    @Seeds(150)
    void random_bytes_from_a_target_cost_no_more_than_its_connection(RandomGenerator chance) {
        var net = new MemoryNetwork(chance);
        var hostile = new ScriptedTarget(chance);
        Listener portal = listen(net, hostile, ANY_PORT);
        var initiator = IscsiInitiator.open(net, InitiatorConfig.of(portal.address(), "iqn.t", NAME, ISID));
        int[] strikes = {3};
        hostile.script = (session, task) -> {
            if (strikes[0]-- <= 0) {
                return false;
            }
            int[] opcodes = {
                Opcode.DATA_IN,
                Opcode.SCSI_RESPONSE,
                Opcode.R2T,
                Opcode.NOP_IN,
                Opcode.TASK_RESPONSE,
                Opcode.ASYNC_MESSAGE,
                Opcode.REJECT,
                Opcode.TEXT_RESPONSE,
                Opcode.LOGOUT_RESPONSE
            };
            int at = session.begin(opcodes[chance.nextInt(opcodes.length)], chance.nextInt(256), task.tag);
            ByteBuffer pdu = session.out.buffer();
            for (int i = chance.nextInt(6); i > 0; i--) {
                pdu.put(at + chance.nextInt(2, Bhs.BYTES), (byte) chance.nextInt());
            }
            if (chance.nextBoolean()) {
                Bhs.putInitiatorTaskTag(pdu, at, task.tag);
            }
            var data = new byte[chance.nextInt(40_000) * chance.nextInt(2)];
            chance.nextBytes(data);
            session.out.end(at, data);
            session.out.flush();
            session.drop();
            return true;
        };
        byte[] around = new byte[3 * 65536];
        Arrays.fill(around, (byte) 0x5a);
        Outcome read = read(initiator, 0, ByteBuffer.wrap(around, 65536, 65536));
        Outcome write = write(initiator, 200, ByteBuffer.allocate(65536));
        net.runFor(Duration.ofSeconds(200));

        assertThat(read.times).isEqualTo(1);
        assertThat(write.times).isEqualTo(1);
        assertThat(Arrays.copyOf(around, 65536)).containsOnly(0x5a);
        assertThat(Arrays.copyOfRange(around, 2 * 65536, around.length)).containsOnly(0x5a);
    }

    @Test
    void a_rejected_command_fails_alone() {
        var initiator = loggedIn();
        target.script = (session, task) -> {
            if (task.opcode() != ScsiOpcode.READ_16) {
                return false;
            }
            var bad = ByteBuffer.allocate(Bhs.BYTES);
            Bhs.begin(bad, 0, Opcode.SCSI_COMMAND, 0);
            Bhs.putInitiatorTaskTag(bad, 0, task.tag);
            int at = session.begin(Opcode.REJECT, Bhs.FINAL, Bhs.NO_TAG);
            Bhs.putResponse(session.out.buffer(), at, RejectReason.NOT_SUPPORTED);
            session.out.end(at, bad.array());
            return true;
        };
        Outcome read = read(initiator, 0, ByteBuffer.allocate(512));
        Outcome write = write(initiator, 0, randomBytes(512));
        network.runFor(A_WHILE);

        read.failedWith(IscsiSessionException.class, "rejected the command, reason 5");
        write.isGood(512);
        assertThat(target.sessions).hasSize(1);
    }

    // The block device.

    @Test
    void a_long_transfer_becomes_several_commands_within_the_units_limit() {
        target.maxTransferBlocks = 32;
        var initiator = loggedIn();
        var opening = IscsiBlockDevice.open(initiator, 0);
        network.runFor(A_WHILE);
        IscsiBlockDevice device = opening.join();
        assertThat(device.maxTransferBytes()).isEqualTo(32 * 512);
        assertThat(device.capacityBytes()).isEqualTo(1 << 20);
        ByteBuffer data = randomBytes(700 * 512);

        var written = new Outcome();
        device.write(512 * 5, data, written);
        network.runFor(A_WHILE);
        var into = ByteBuffer.allocate(700 * 512 + 64);
        var read = new Outcome();
        device.read(512 * 5, into.slice(64, 700 * 512), read);
        var flushed = new Outcome();
        device.flush(flushed);
        network.runFor(A_WHILE);

        written.isGood(700 * 512);
        read.isGood(700 * 512);
        flushed.isGood(0);
        assertThat(into.slice(64, 700 * 512)).isEqualTo(data);
        assertThat(target.commands)
                .filteredOn(opcode -> opcode == ScsiOpcode.WRITE_16)
                .hasSize(22);
    }

    @Test
    void a_long_transfer_ends_once_with_the_first_failure_of_its_parts() {
        target.maxTransferBlocks = 1;
        var initiator = loggedIn();
        var opening = IscsiBlockDevice.open(initiator, 0);
        network.runFor(A_WHILE);
        int[] reads = {0};
        target.script = (session, task) -> {
            if (task.opcode() == ScsiOpcode.READ_16 && ++reads[0] % 5 == 0) {
                session.check(task, Sense.UNRECOVERED_READ_ERROR);
                return true;
            }
            return false;
        };

        var read = new Outcome();
        opening.join().read(0, ByteBuffer.allocate(100 * 512), read);
        network.runFor(A_WHILE);

        read.failedWith(ScsiException.class, "3/11/00");
        assertThat(reads[0]).as("the rest is not tried").isLessThan(20);
    }

    @Test
    void transfers_that_are_not_whole_blocks_within_the_unit_are_our_bug() {
        var initiator = loggedIn();
        var opening = IscsiBlockDevice.open(initiator, 0);
        network.runFor(A_WHILE);
        IscsiBlockDevice device = opening.join();

        for (long[] bad : new long[][] {{1, 512}, {0, 511}, {-512, 512}, {1 << 20, 512}, {(1 << 20) - 512, 1024}}) {
            assertThatThrownBy(() -> device.read(bad[0], ByteBuffer.allocate((int) bad[1]), new Outcome()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        var nothing = new Outcome();
        device.write(1 << 20, ByteBuffer.allocate(0), nothing);
        nothing.isGood(0);
    }

    // Real sockets.

    @Test
    void over_sockets_what_many_threads_write_is_read_back() throws Exception {
        try (var sockets = new NioNetwork(2, System::nanoTime)) {
            var disk = new ScriptedTarget(new SplittableRandom(3));
            Listener portal = sockets.listen(ANY_PORT, disk::accept, ConnectionLimits.DEFAULT);
            var initiator = IscsiInitiator.open(
                    sockets,
                    InitiatorConfig.of(portal.address(), "iqn.t", NAME, ISID).withDepth(8, 100));
            var threads = new ArrayList<Thread>();
            var results = Collections.synchronizedList(new ArrayList<CompletableFuture<Integer>>());
            byte[] data = new byte[disk.disk.length];
            random.nextBytes(data);
            for (int part = 0; part < 4; part++) {
                int first = part * 512;
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < 4; i++) {
                        int block = first + i * 128;
                        var result = new CompletableFuture<Integer>();
                        results.add(result);
                        initiator.write(0, block, 128, ByteBuffer.wrap(data, block * 512, 128 * 512), (n, failure) -> {
                            if (failure == null) {
                                result.complete(n);
                            } else {
                                result.completeExceptionally(failure);
                            }
                        });
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            for (CompletableFuture<Integer> result : results) {
                assertThat(result.get(20, TimeUnit.SECONDS)).isEqualTo(128 * 512);
            }
            var into = ByteBuffer.allocateDirect(data.length);
            var read = new CompletableFuture<Integer>();
            initiator.read(0, 0, 2048, into, (n, failure) -> read.complete(failure == null ? n : -1));

            assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo(data.length);
            assertThat(into).isEqualTo(ByteBuffer.wrap(data));
            initiator.close();
        }
    }
}
