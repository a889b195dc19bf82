package pnfs.wire.scsi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

/// One captured command of `golden/scsi`: lines `name = status = CDB = data out = data in`.
record GoldenCommand(String name, String status, String cdbHex, String outHex, String inHex) {
    static List<GoldenCommand> load(String file) {
        try (var in = GoldenCommand.class.getResourceAsStream("/golden/scsi/" + file)) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(GoldenCommand::parse)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GoldenCommand parse(String line) {
        String[] fields = line.split(" ?= ?", -1);
        return new GoldenCommand(fields[0], fields[1], fields[2], fields[3], fields[4]);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.strip());
    }

    byte[] cdb() {
        return hex(cdbHex);
    }

    byte[] dataOut() {
        return hex(outHex);
    }

    byte[] dataIn() {
        return hex(inHex);
    }

    ByteBuffer in() {
        return ByteBuffer.wrap(dataIn());
    }

    ScsiCommand command() {
        return ScsiCommand.read(ByteBuffer.wrap(cdb()), 0);
    }

    boolean isGood() {
        return status.equals("GOOD");
    }

    @Override
    public String toString() {
        return name;
    }
}
