package pnfs.wire.nfs4;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// What Linux clients said to Linux servers and, in `pnfs-*`, to this one, and what these said to them, kept in
/// `golden/nfs4`: each message is read and written again, and must be the same bytes.
class GoldenTest {
    private record Line(String kind, String operations, Opaque bytes) {}

    @ParameterizedTest
    @CsvSource({"scsi, 408", "flex, 262", "block, 305", "nvme, 483", "pnfs-scsi, 187", "pnfs-block, 185"})
    void what_linux_and_we_said_is_read_and_written_again_byte_for_byte(String capture, int lines) {
        var counts = new TreeMap<String, Integer>();

        for (Line line : golden(capture)) {
            assertThat(again(line)).as(line.kind + " " + line.operations).isEqualTo(line.bytes.toString());
            counts.merge(line.kind, 1, Integer::sum);
        }

        System.out.println("golden " + capture + ": " + counts);
        assertThat(counts.values().stream().mapToInt(Integer::intValue).sum()).isEqualTo(lines);
    }

    @ParameterizedTest
    @ValueSource(strings = {"scsi", "flex", "block", "nvme"})
    void attributes_that_linux_sent_are_read_and_written_again_byte_for_byte(String capture) {
        int count = 0;

        for (Fattr fattr : attributes(golden(capture))) {
            assertThat(AttributeCodec.write(AttributeCodec.read(fattr))).isEqualTo(fattr);
            count++;
        }

        System.out.println("golden " + capture + ": {attributes=" + count + "}");
        assertThat(count).isGreaterThan(15);
    }

    private static String again(Line line) {
        return switch (line.kind) {
            case "call" -> again(line, OpCodec::readArgs, OpCodec::writeArgs);
            case "reply" -> again(line, OpCodec::readResult, OpCodec::writeResult);
            case "cb-call" -> again(line, CallbackCodec::readArgs, CallbackCodec::writeArgs);
            case "cb-reply" -> again(line, CallbackCodec::readResult, CallbackCodec::writeResult);
            case "compound-call" -> again(line, Messages::readCall, Messages::writeCall);
            case "compound-reply" -> again(line, CompoundCodec::readResults, CompoundCodec::writeResults);
            case "cb-compound-call" -> again(line, Messages::readCbCall, Messages::writeCbCall);
            case "cb-compound-reply" -> again(line, CompoundCodec::readCbResults, CompoundCodec::writeCbResults);
            default -> throw new IllegalArgumentException(line.kind);
        };
    }

    private static <T> String again(Line line, Function<XdrReader, T> read, BiConsumer<XdrWriter, T> write) {
        var in = XdrReader.of(line.bytes);
        T message = read.apply(in);
        in.expectEnd();
        var out = new XdrWriter();
        write.accept(out, message);
        return out.toOpaque().toString();
    }

    private static List<Fattr> attributes(List<Line> lines) {
        var found = new ArrayList<Fattr>();
        for (Line line : lines) {
            var in = XdrReader.of(line.bytes);
            if (line.kind.equals("reply") && OpCodec.readResult(in) instanceof OpResult.GetAttrResult getAttr) {
                found.add(getAttr.attributes());
            }
            if (line.kind.equals("call")) {
                switch (OpCodec.readArgs(in)) {
                    case OpArgs.SetAttrArgs setAttr -> found.add(setAttr.attributes());
                    case OpArgs.OpenArgs open
                    when open.how() instanceof OpenHow.Unchecked(var attributes) -> found.add(attributes);
                    case OpArgs.OpenArgs open
                    when open.how() instanceof OpenHow.Guarded(var attributes) -> found.add(attributes);
                    default -> {}
                }
            }
        }
        return found;
    }

    private static List<Line> golden(String capture) {
        try (var in = GoldenTest.class.getResourceAsStream("/golden/nfs4/" + capture + ".txt")) {
            var text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            return text.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" "))
                    .map(parts -> new Line(parts[0], parts[1], Opaque.ofHex(parts[2])))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
