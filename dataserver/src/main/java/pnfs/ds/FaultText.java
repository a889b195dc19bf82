package pnfs.ds;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultRule;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// Faults on the command line: `delay=200ms`, `drop`, `fail=3/11/00`, `fail=busy`, `short=512`, `reset`,
/// `torn=prefix`, `torn=subset`.
final class FaultText implements ITypeConverter<Fault> {
    static final String GRAMMAR =
            "delay=TIME, drop, fail=KEY/ASC/ASCQ, fail=STATUS, short=BYTES, reset, torn=prefix or torn=subset";

    private static final Pattern TIME = Pattern.compile("([0-9]{1,7})(ms|s)");
    private static final Pattern SENSE = Pattern.compile("([0-9a-f]{1})/([0-9a-f]{2})/([0-9a-f]{2})");
    private static final Pattern BYTES = Pattern.compile("[0-9]{1,9}");
    private static final Pattern BLOCKS = Pattern.compile("([0-9]{1,18})(?:-([0-9]{1,18}))?");
    private static final Map<String, Integer> STATUSES = Map.of(
            "busy", ScsiStatus.BUSY,
            "conflict", ScsiStatus.RESERVATION_CONFLICT,
            "full", ScsiStatus.TASK_SET_FULL,
            "aborted", ScsiStatus.TASK_ABORTED);

    @Override
    public Fault convert(String text) {
        int equals = text.indexOf('=');
        String kind = equals < 0 ? text : text.substring(0, equals);
        String detail = equals < 0 ? "" : text.substring(equals + 1).toLowerCase(Locale.ROOT);
        try {
            return switch (kind) {
                case "delay" -> delay(detail);
                case "drop" -> none(detail, new Fault.Drop());
                case "fail" -> fail(detail);
                case "short" -> new Fault.ShortRead(number(detail));
                case "reset" -> none(detail, new Fault.Reset());
                case "torn" -> torn(detail);
                default -> throw new IllegalArgumentException("there is no fault of that name");
            };
        } catch (IllegalArgumentException wrong) {
            throw new TypeConversionException("'" + text + "': " + wrong.getMessage() + "; write " + GRAMMAR);
        }
    }

    private static Fault none(String detail, Fault fault) {
        if (!detail.isEmpty()) {
            throw new IllegalArgumentException("nothing stands behind it");
        }
        return fault;
    }

    private static Fault delay(String detail) {
        var time = TIME.matcher(detail);
        if (!time.matches()) {
            throw new IllegalArgumentException("no time, as in 200ms or 5s");
        }
        long number = Long.parseLong(time.group(1));
        return new Fault.Delay(time.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number));
    }

    private static Fault fail(String detail) {
        Integer status = STATUSES.get(detail);
        if (status != null) {
            return new Fault.Fail(status, Sense.NONE);
        }
        var sense = SENSE.matcher(detail);
        if (!sense.matches()) {
            throw new IllegalArgumentException(
                    "no sense in hex, as in 3/11/00, and no status: busy, conflict, full or" + " aborted");
        }
        return Fault.Fail.with(new Sense(hex(sense.group(1)), hex(sense.group(2)), hex(sense.group(3))));
    }

    private static int hex(String digits) {
        return Integer.parseInt(digits, 16);
    }

    private static int number(String detail) {
        if (!BYTES.matcher(detail).matches()) {
            throw new IllegalArgumentException("no number of bytes");
        }
        return Integer.parseInt(detail);
    }

    private static Fault torn(String detail) {
        return switch (detail) {
            case "prefix" -> new Fault.TornWrite(Fault.Survivors.PREFIX, 0);
            case "subset" -> new Fault.TornWrite(Fault.Survivors.SUBSET, 0);
            default -> throw new IllegalArgumentException("which cache lines survive is missing");
        };
    }

    /// As [#convert] reads it.
    static String of(Fault fault) {
        return switch (fault) {
            case Fault.Delay(Duration delay) -> "delay=" + delay.toMillis() + "ms";
            case Fault.Drop() -> "drop";
            case Fault.Fail(int status, Sense sense) -> "fail=" + (sense.equals(Sense.NONE) ? name(status) : sense);
            case Fault.ShortRead(int bytes) -> "short=" + bytes;
            case Fault.Reset() -> "reset";
            case Fault.TornWrite(var survivors, long _) ->
                "torn=" + survivors.name().toLowerCase(Locale.ROOT);
        };
    }

    private static String name(int status) {
        return STATUSES.entrySet().stream()
                .filter(each -> each.getValue() == status)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseGet(() -> ScsiStatus.name(status));
    }

    /// What else a rule wants, as the options that say so.
    static String conditions(FaultRule rule) {
        var text = new StringBuilder();
        option(text, "command", rule.command());
        option(text, "lun", rule.lun() == FaultRule.ANY ? "" : String.valueOf(rule.lun()));
        option(text, "blocks", rule.blocks().equals(FaultRule.Blocks.ALL) ? "" : Blocks.of(rule.blocks()));
        option(text, "initiator", rule.initiator());
        option(text, "every", rule.every() == 1 ? "" : String.valueOf(rule.every()));
        option(text, "probability", rule.probability() == 1 ? "" : String.valueOf(rule.probability()));
        option(text, "seed", rule.seed() == 0 ? "" : String.valueOf(rule.seed()));
        option(text, "times", rule.times() == 0 ? "" : String.valueOf(rule.times()));
        return text.toString();
    }

    private static void option(StringBuilder text, String name, String value) {
        if (!value.isEmpty()) {
            text.append(text.isEmpty() ? "--" : " --").append(name).append(' ').append(value);
        }
    }

    /// A range of blocks, `16-31`, or one, `16`.
    static final class Blocks implements ITypeConverter<FaultRule.Blocks> {
        @Override
        public FaultRule.Blocks convert(String text) {
            var range = BLOCKS.matcher(text);
            if (!range.matches()) {
                throw new TypeConversionException(
                        "'" + text + "' is no range of blocks: write FIRST-LAST, as in 16-31");
            }
            long first = Long.parseLong(range.group(1));
            long last = range.group(2) == null ? first : Long.parseLong(range.group(2));
            if (last < first) {
                throw new TypeConversionException("'" + text + "' ends before it begins");
            }
            return new FaultRule.Blocks(first, last);
        }

        static String of(FaultRule.Blocks blocks) {
            return blocks.first() + "-" + blocks.last();
        }
    }
}
