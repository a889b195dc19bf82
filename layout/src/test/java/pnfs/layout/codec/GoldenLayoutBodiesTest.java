package pnfs.layout.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.layout.device.Designator;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.wire.xdr.Opaque;

/// What Linux itself sends, read and written again; and what we read compared with what another decoder read.
class GoldenLayoutBodiesTest {
    private static final RegionId REGION = new RegionId(new UUID(0, 1));
    private static final long CAPACITY = 1L << 40;

    /// @param capture whose `.hex` file the body stands in
    /// @param decoded by the other decoder, one line an element
    record Body(String capture, String kind, String frame, Opaque bytes, List<String> decoded) {
        @Override
        public String toString() {
            return capture + " " + kind + " of frame " + frame;
        }
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void a_body_comes_back_byte_for_byte_and_means_what_another_decoder_says(Body body) {
        var read = new ArrayList<String>();
        Opaque written = switch (body.kind) {
            case "layout" -> layout(body, read);
            case "update" -> body.capture.equals("block") ? blockUpdate(body, read) : scsiUpdate(body, read);
            default -> body.capture.equals("block") ? blockDevice(body, read) : scsiDevice(body, read);
        };

        assertThat(written).isEqualTo(body.bytes);
        assertThat(read).isEqualTo(body.decoded);
    }

    private static Opaque layout(Body body, List<String> read) {
        if (body.capture.equals("block")) {
            List<Extent> extents = BlockLayoutCodec.readLayout(body.bytes, 93);
            extents.forEach(extent -> read.add(described(extent)));
            return BlockLayoutCodec.writeLayout(extents);
        }
        List<Extent> extents = ScsiLayoutCodec.readLayout(body.bytes, 93);
        extents.forEach(extent -> read.add(described(extent)));
        return ScsiLayoutCodec.writeLayout(extents);
    }

    private static Opaque blockUpdate(Body body, List<String> read) {
        List<Extent> written = BlockLayoutCodec.readUpdate(body.bytes, 93);
        written.forEach(extent -> read.add(described(extent)));
        return BlockLayoutCodec.writeUpdate(written);
    }

    private static Opaque scsiUpdate(Body body, List<String> read) {
        List<ByteRange> written = ScsiLayoutCodec.readUpdate(body.bytes, 255);
        written.forEach(range -> read.add("range file_off " + range.offset() + " len " + range.length()));
        return ScsiLayoutCodec.writeUpdate(written);
    }

    private static Opaque blockDevice(Body body, List<String> read) {
        VolumeTopology volume =
                BlockLayoutCodec.readDevice(body.bytes, signatures -> new Simple(REGION, CAPACITY, signatures));
        Signature signature = ((Simple) volume).signatures().getFirst();
        read.add("volume 0 SIMPLE sig_offset " + signature.offset() + " contents " + signature.contents());
        return BlockLayoutCodec.writeDevice(volume);
    }

    private static Opaque scsiDevice(Body body, List<String> read) {
        ScsiLayoutCodec.Device device =
                ScsiLayoutCodec.readDevice(body.bytes, designator -> new Scsi(REGION, CAPACITY, designator));
        for (Leaf leaf : device.topology().leaves()) {
            Designator designator = ((Scsi) leaf).designator();
            read.add("volume 0 SCSI_BASE code_set " + designator.codeSet().wire() + " designator_type "
                    + designator.type().wire() + " designator " + designator.bytes() + " pr_key 0x"
                    + Long.toHexString(device.key()));
        }
        return ScsiLayoutCodec.writeDevice(device);
    }

    private static String described(Extent extent) {
        return "extent dev " + extent.device() + " file_off " + extent.file().offset() + " len "
                + extent.file().length() + " vol_off " + extent.volumeOffset() + " state " + extent.state();
    }

    static List<Body> bodies() throws IOException {
        var bodies = new ArrayList<Body>();
        for (String capture : List.of("scsi", "block", "nvme")) {
            for (String line : lines("/golden/layout/" + capture + ".hex")) {
                if (line.startsWith("> ")) {
                    bodies.getLast().decoded.add(line.substring(2));
                } else if (!line.startsWith("#") && !line.isBlank()) {
                    String[] words = line.split(" ", 4);
                    bodies.add(new Body(capture, words[0], words[1], Opaque.ofHex(words[3]), new ArrayList<>()));
                }
            }
        }
        assertThat(bodies).hasSizeGreaterThan(60);
        return bodies;
    }

    private static List<String> lines(String resource) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(GoldenLayoutBodiesTest.class.getResourceAsStream(resource), resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }
}
