package pnfs.wire.nfs4;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Any bytes are read, or refused with one of our two exceptions; what was read can be written. The first byte
/// says what the others are. `mvn test` runs the corpus; `JAZZER_FUZZ=1 mvn -pl wire test
/// -Dtest=CompoundCodecFuzzTest` looks for more.
class CompoundCodecFuzzTest {
    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_read_or_refused(byte[] input) {
        if (input.length == 0) {
            return;
        }
        var in = new XdrReader(ByteBuffer.wrap(input, 1, input.length - 1));
        var out = new XdrWriter();
        try {
            switch (input[0]) {
                case 'c' -> Messages.writeCall(out, Messages.readCall(in));
                case 'r' -> CompoundCodec.writeResults(out, CompoundCodec.readResults(in));
                case 'C' -> Messages.writeCbCall(out, Messages.readCbCall(in));
                case 'R' -> CompoundCodec.writeCbResults(out, CompoundCodec.readCbResults(in));
                case 'a' -> AttributeCodec.write(AttributeCodec.read(CommonCodec.readFattr(in)));
                default -> {}
            }
        } catch (XdrException | NfsException e) {
            // Refused, as it should be.
        }
    }
}
