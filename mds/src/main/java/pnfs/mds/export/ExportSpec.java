package pnfs.mds.export;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import pnfs.mds.export.ExportRule.Access;
import pnfs.mds.export.ExportRule.Ports;
import pnfs.mds.export.ExportRule.Squash;
import pnfs.wire.nfs4.Nfs4Limits;

/// What an operator says of an export: its path, and a rule. One export may have several rules; the first counts
/// that admits a client. Immutable.
///
/// ```
/// spec   = path [":" option ("," option)*]
/// path   = "/" | ("/" name)+
/// option = "rw" | "ro" | "insecure" | "secure" | "root_squash" | "no_root_squash" | "all_squash"
///        | "anonuid=" number | "anongid=" number | "subnet=" address "/" bits
/// ```
///
/// Where nothing else is said: `rw,insecure,root_squash,anonuid=65534,anongid=65534`, from everywhere.
public final class ExportSpec {
    /// The whole server to everybody, who are taken at their word.
    public static final ExportSpec EVERYTHING = parse("/:no_root_squash");

    private static final int NOBODY = 65534;
    private static final int MAX_NAMES = 64;

    private final List<String> path;
    private final ExportRule rule;

    private ExportSpec(List<String> path, ExportRule rule) {
        this.path = path;
        this.rule = rule;
    }

    /// The names from the root on; none for the root itself.
    List<String> path() {
        return path;
    }

    ExportRule rule() {
        return rule;
    }

    String text() {
        return "/" + String.join("/", path);
    }

    /// Reads one.
    ///
    /// @throws IllegalArgumentException saying what is wrong and how to write it
    public static ExportSpec parse(String text) {
        int colon = text.indexOf(':');
        String path = colon < 0 ? text : text.substring(0, colon);
        var subnet = Subnet.EVERYWHERE;
        var access = Access.READ_WRITE;
        var ports = Ports.ANY;
        var squash = Squash.ROOT;
        int anonUid = NOBODY;
        int anonGid = NOBODY;
        String options = colon < 0 ? "" : text.substring(colon + 1);
        for (String option : options.isEmpty() ? new String[0] : options.split(",", -1)) {
            int equals = option.indexOf('=');
            String value = option.substring(equals + 1);
            switch (equals < 0 ? option : option.substring(0, equals + 1)) {
                case "rw" -> access = Access.READ_WRITE;
                case "ro" -> access = Access.READ_ONLY;
                case "insecure" -> ports = Ports.ANY;
                case "secure" -> ports = Ports.PRIVILEGED;
                case "root_squash" -> squash = Squash.ROOT;
                case "no_root_squash" -> squash = Squash.NONE;
                case "all_squash" -> squash = Squash.ALL;
                case "anonuid=" -> anonUid = number(value);
                case "anongid=" -> anonGid = number(value);
                case "subnet=" -> subnet = Subnet.parse(value);
                default ->
                    throw new IllegalArgumentException(
                            "export option '" + option + "': known are rw, ro, insecure,"
                                    + " secure, root_squash, no_root_squash, all_squash, anonuid=N, anongid=N, subnet=ADDRESS/BITS");
            }
        }
        return new ExportSpec(names(path), new ExportRule(subnet, access, ports, squash, anonUid, anonGid));
    }

    /// Refuses exports inside each other: a file belongs to one.
    ///
    /// @throws IllegalArgumentException naming them
    public static List<ExportSpec> requireSideBySide(List<ExportSpec> specs) {
        for (ExportSpec outer : specs) {
            for (ExportSpec inner : specs) {
                int names = outer.path.size();
                if (inner.path.size() > names && inner.path.subList(0, names).equals(outer.path)) {
                    throw new IllegalArgumentException("export " + inner.text() + " lies inside " + outer.text()
                            + ": name exports that lie side by side");
                }
            }
        }
        return specs;
    }

    private static List<String> names(String path) {
        List<String> names = path.equals("/")
                ? List.of()
                : Stream.of(path.split("/", -1)).skip(1).toList();
        boolean sound = path.startsWith("/")
                && names.size() <= MAX_NAMES
                && names.stream().allMatch(ExportSpec::isName);
        if (!sound) {
            throw new IllegalArgumentException("export '" + path + "': write / or /name or /name/name, " + MAX_NAMES
                    + " names at most, each of 1 to " + Nfs4Limits.NAME_BYTES + " bytes");
        }
        return names;
    }

    private static boolean isName(String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        return bytes >= 1
                && bytes <= Nfs4Limits.NAME_BYTES
                && !name.equals(".")
                && !name.equals("..")
                && name.indexOf('\0') < 0;
    }

    private static int number(String text) {
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is no user or group: write a number");
        }
    }
}
