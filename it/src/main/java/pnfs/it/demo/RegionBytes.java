package pnfs.it.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.client.FileExtent;
import pnfs.ds.region.RegionHeader;
import pnfs.it.process.Cluster;
import pnfs.layout.extent.ByteRange;

/// Looks behind everybody's back: what stands in the files of the regions.
final class RegionBytes {
    private RegionBytes() {}

    /// How many bytes of `source` stand where `extents` say, one after the other, up to the first that differs.
    static long inPlace(Cluster cluster, List<FileExtent> extents, Path source) throws IOException {
        try (FileChannel expected = FileChannel.open(source)) {
            long same = 0;
            for (FileExtent extent : extents) {
                ByteRange range = extent.file().intersect(new ByteRange(0, expected.size()));
                FileExtent.@Nullable Place place = extent.place();
                if (place == null || range.offset() != same) {
                    return same;
                }
                ByteBuffer wanted = expected.map(MapMode.READ_ONLY, range.offset(), range.length());
                long at = RegionHeader.DATA_OFFSET + place.offset();
                try (FileChannel region = FileChannel.open(cluster.region(place.dataServer()))) {
                    int differs = wanted.mismatch(region.map(MapMode.READ_ONLY, at, range.length()));
                    if (differs >= 0) {
                        return same + differs;
                    }
                }
                same = range.end();
            }
            return same;
        }
    }
}
