package pnfs.wire.nfs4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Every record of the four sealed families, found by its permits: what is added is tested.
class MessagesPropertyTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /// Heap that reading may take beside what the message itself justifies: exceptions, first sizes of buffers
    /// and lists.
    private static final int FIXED_HEAP_BYTES = 8 * 1024;
    private static final int HEAP_PER_BYTE = 64;

    private record Family<T>(Class<T> type, BiConsumer<XdrWriter, T> writer, Function<XdrReader, T> reader) {
        byte[] write(T message) {
            var out = new XdrWriter();
            writer.accept(out, message);
            return out.toByteArray();
        }

        T read(byte[] bytes) {
            var in = new XdrReader(ByteBuffer.wrap(bytes));
            T message = reader.apply(in);
            in.expectEnd();
            return message;
        }

        List<T> oneOfEach(RandomGenerator random) {
            var messages = new RandomMessages(random);
            return RandomMessages.leaves(type).stream().<T>map(messages::of).toList();
        }
    }

    private static final List<Family<?>> FAMILIES = List.of(
            new Family<>(OpArgs.class, OpCodec::writeArgs, OpCodec::readArgs),
            new Family<>(OpResult.class, OpCodec::writeResult, OpCodec::readResult),
            new Family<>(CbArgs.class, CallbackCodec::writeArgs, CallbackCodec::readArgs),
            new Family<>(CbResult.class, CallbackCodec::writeResult, CallbackCodec::readResult));

    @Test
    void every_operation_and_callback_has_its_records() {
        var counts = FAMILIES.stream()
                .map(family -> RandomMessages.leaves(family.type).size())
                .toList();

        System.out.println("records of OpArgs, OpResult, CbArgs, CbResult: " + counts);
        var random = new SplittableRandom(0);
        var readable = EnumSet.noneOf(OpCode.class);
        FAMILIES.getFirst().oneOfEach(random).forEach(args -> readable.add(((OpArgs) args).op()));
        assertThat(OpCode.values().length - readable.size())
                .as("all but the five that 4.1 forbids, of which the marker stands for one")
                .isEqualTo(4);
        assertThat(Stream.of(CbOpCode.values()))
                .containsExactlyInAnyOrderElementsOf(FAMILIES.get(2).oneOfEach(random).stream()
                        .map(args -> ((CbArgs) args).op())
                        .toList());
    }

    @Seeds(200)
    void what_is_written_is_read_as_an_equal_and_written_again_as_the_same_bytes(RandomGenerator random) {
        FAMILIES.forEach(family -> roundTrips(family, random));
    }

    private static <T> void roundTrips(Family<T> family, RandomGenerator random) {
        for (T message : family.oneOfEach(random)) {
            byte[] bytes = family.write(message);

            T read = family.read(bytes);

            assertThat(read).isEqualTo(message).hasSameHashCodeAs(message);
            assertThat(family.write(read)).as(message.toString()).isEqualTo(bytes);
        }
    }

    @Seeds(20)
    void a_message_that_is_cut_short_is_refused_wherever_it_is_cut(RandomGenerator random) {
        FAMILIES.forEach(family -> prefixesAreRefused(family, random));
    }

    private static <T> void prefixesAreRefused(Family<T> family, RandomGenerator random) {
        for (T message : family.oneOfEach(random)) {
            byte[] bytes = family.write(message);
            for (int length = 0; length < bytes.length; length += bytes.length < 1000 ? 1 : random.nextInt(1, 50)) {
                byte[] prefix = Arrays.copyOf(bytes, length);
                assertThatThrownBy(() -> family.read(prefix))
                        .as("%d of %d bytes of %s", length, bytes.length, message)
                        .isInstanceOfAny(XdrException.class, NfsException.class);
            }
        }
    }

    @Seeds(100)
    void a_damaged_message_is_read_or_refused_and_costs_no_more_than_its_size(RandomGenerator random) {
        FAMILIES.forEach(family -> damageIsContained(family, random));
    }

    private static <T> void damageIsContained(Family<T> family, RandomGenerator random) {
        for (T message : family.oneOfEach(random)) {
            byte[] damaged = damage(family.write(message), random);

            Optional<T> understood = understood(family, damaged);

            // What was read can always be written, and is then understood the same way.
            understood.ifPresent(
                    read -> assertThat(family.read(family.write(read))).isEqualTo(read));
            assertThat(heapOf(() -> understood(family, damaged)))
                    .as("heap for %d bytes of what was %s", damaged.length, message)
                    .isLessThan(FIXED_HEAP_BYTES + (long) HEAP_PER_BYTE * damaged.length);
        }
    }

    /// The least of a few runs, since the first ones also load classes.
    private static long heapOf(Runnable reading) {
        long least = Long.MAX_VALUE;
        for (int run = 0; run < 3; run++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            reading.run();
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }

    private static <T> Optional<T> understood(Family<T> family, byte[] bytes) {
        try {
            return Optional.of(family.reader.apply(new XdrReader(ByteBuffer.wrap(bytes))));
        } catch (XdrException | NfsException e) {
            return Optional.empty();
        }
    }

    /// Changes up to three words behind the operation's number, often to something near a limit.
    private static byte[] damage(byte[] bytes, RandomGenerator random) {
        ByteBuffer damaged = ByteBuffer.wrap(bytes.clone());
        int words = bytes.length / Integer.BYTES - 1;
        for (int i = random.nextInt(3); i >= 0 && words > 0; i--) {
            int value = switch (random.nextInt(5)) {
                case 0 -> -1;
                case 1 -> Integer.MAX_VALUE;
                case 2 -> random.nextInt();
                case 3 -> 1 << random.nextInt(32);
                default -> random.nextInt(8);
            };
            damaged.putInt(Integer.BYTES * random.nextInt(1, words + 1), value);
        }
        return damaged.array();
    }

    @Seeds(200)
    void attributes_are_read_as_they_were_written(RandomGenerator random) {
        Attributes attributes = new RandomMessages(random).attributes();

        Fattr fattr = AttributeCodec.write(attributes);

        assertThat(AttributeCodec.read(fattr)).isEqualTo(attributes);
        assertThat(AttributeCodec.write(AttributeCodec.read(fattr))).isEqualTo(fattr);
    }

    @Seeds(50)
    void attribute_values_that_are_cut_short_or_too_long_are_refused(RandomGenerator random) {
        Fattr fattr = AttributeCodec.write(new RandomMessages(random).attributes());
        var lengths = new ArrayList<Integer>(List.of(fattr.values().length() + 4));
        for (int length = 0; length < fattr.values().length(); length += random.nextInt(1, 20)) {
            lengths.add(length);
        }

        for (int length : lengths) {
            var wrong = new Fattr(
                    fattr.attributes(), Opaque.of(Arrays.copyOf(fattr.values().toByteArray(), length)));
            assertThatThrownBy(() -> AttributeCodec.read(wrong))
                    .isInstanceOfAny(XdrException.class, NfsException.class);
        }
    }
}
