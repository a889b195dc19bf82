package pnfs.mds.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;

/// A volume over several regions, as the operator asked for it. Regions are named by `server` (its first), by
/// `server/lun`, or by their UUID.
public sealed interface VolumeSpec {
    List<String> regions();

    /// Parts behind one another: `concat:a,b`.
    record OfConcat(List<String> regions) implements VolumeSpec {
        public OfConcat {
            regions = requireSeveral(regions);
        }
    }

    /// Parts dealt out in turn: `stripe:64KiB:a,b`. Larger regions are cut to the smallest one's size.
    record OfStripe(long unitBytes, List<String> regions) implements VolumeSpec {
        public OfStripe {
            regions = requireSeveral(regions);
        }
    }

    /// Reads `stripe:UNIT:REGION,REGION…` or `concat:REGION,REGION…`; a unit is a number of bytes, or of KiB or
    /// MiB.
    ///
    /// @throws IllegalArgumentException with what to write instead
    static VolumeSpec parse(String text) {
        var concat = Pattern.compile("concat:([^:]+)").matcher(text);
        if (concat.matches()) {
            return new OfConcat(names(concat.group(1)));
        }
        var stripe = Pattern.compile("stripe:([^:]+):([^:]+)").matcher(text);
        if (stripe.matches()) {
            return new OfStripe(bytes(stripe.group(1)), names(stripe.group(2)));
        }
        throw new IllegalArgumentException(
                "volume '" + text + "': write stripe:64KiB:REGION,REGION or concat:REGION,REGION");
    }

    /// The shape, once all regions are known, in the order of [#regions].
    ///
    /// @throws IllegalArgumentException where such a volume cannot be
    default VolumeTopology over(List<VolumeTopology.Scsi> disks) {
        return switch (this) {
            case OfConcat _ -> new Concat(List.copyOf(disks));
            case OfStripe(long unit, var _) -> {
                long smallest = disks.stream()
                                .mapToLong(VolumeTopology.Scsi::capacity)
                                .min()
                                .orElseThrow()
                        / unit
                        * unit;
                var parts = new ArrayList<Part>();
                for (VolumeTopology.Scsi disk : disks) {
                    parts.add(disk.capacity() == smallest ? disk : new Slice(disk, 0, smallest));
                }
                yield new Stripe(unit, parts);
            }
        };
    }

    private static List<String> names(String list) {
        return Pattern.compile(",").splitAsStream(list).toList();
    }

    private static List<String> requireSeveral(List<String> regions) {
        if (regions.size() < 2
                || regions.size() > VolumeTopology.MAX_PARTS
                || regions.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException(
                    "regions " + regions + ": name 2 to " + VolumeTopology.MAX_PARTS + " of them");
        }
        return List.copyOf(regions);
    }

    private static long bytes(String text) {
        var match = Pattern.compile("([0-9]{1,9})(|KiB|MiB)").matcher(text);
        if (!match.matches()) {
            throw new IllegalArgumentException("stripe unit '" + text + "': write a number of bytes, KiB or MiB");
        }
        int shift = switch (match.group(2)) {
            case "KiB" -> 10;
            case "MiB" -> 20;
            default -> 0;
        };
        return Long.parseLong(match.group(1)) << shift;
    }
}
