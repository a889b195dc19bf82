package pnfs.ds;

import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// A size on the command line: a number of bytes, or of KiB, MiB, GiB or TiB, as in `512MiB`. Powers of 1024
/// only, so that nobody gets 7 % less than meant.
final class ByteSize implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})(|KiB|MiB|GiB|TiB)");

    @Override
    public Long convert(String text) {
        var size = SIZE.matcher(text);
        if (!size.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is no size: write bytes, or KiB, MiB, GiB, TiB as in 1GiB");
        }
        int shift = switch (size.group(2)) {
            case "KiB" -> 10;
            case "MiB" -> 20;
            case "GiB" -> 30;
            case "TiB" -> 40;
            default -> 0;
        };
        long number = Long.parseLong(size.group(1));
        if (number > Long.MAX_VALUE >> shift) {
            throw new TypeConversionException("'" + text + "' is over 8 EiB");
        }
        return number << shift;
    }

    /// The largest unit that leaves at least 1, with one decimal.
    static String text(long bytes) {
        String[] units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
        double number = bytes;
        int unit = 0;
        while (number >= 1024 && unit < units.length - 1) {
            number /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.1f %s", number, units[unit]);
    }
}
