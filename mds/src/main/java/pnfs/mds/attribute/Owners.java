package pnfs.mds.attribute;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// How the owners of files are written (RFC 8881 §5.9): as `name@domain` where a name is known, and as a decimal
/// number otherwise. Both are understood from clients, whatever is written to them. Immutable.
///
/// ```
/// file = line*
/// line = ("user" | "group") name number      words parted by blanks; what follows # does not count
/// ```
public final class Owners {
    /// So many lines a file of names may have.
    private static final int MAX_LINES = 1 << 20;

    private final String suffix;
    private final Names users;
    private final Names groups;

    /// One kind of owner, both ways.
    private record Names(Map<String, Integer> numbers, Map<Integer, String> names) {
        Names() {
            this(new HashMap<>(), new HashMap<>());
        }

        boolean add(String name, int number) {
            return numbers.putIfAbsent(name, number) == null && names.putIfAbsent(number, name) == null;
        }
    }

    private Owners(String suffix, Names users, Names groups) {
        this.suffix = suffix;
        this.users = users;
        this.groups = groups;
    }

    /// Numbers alone.
    public static Owners numeric() {
        return new Owners("@", new Names(), new Names());
    }

    /// Names of a domain.
    ///
    /// @param domain what stands behind the `@`
    /// @throws IllegalArgumentException saying which line is wrong and how to write it
    public static Owners of(String domain, List<String> lines) {
        if (domain.isEmpty() || domain.indexOf('@') >= 0) {
            throw new IllegalArgumentException("domain '" + domain + "': write it as example.org");
        }
        if (lines.size() > MAX_LINES) {
            throw new IllegalArgumentException(lines.size() + " lines, " + MAX_LINES + " at most");
        }
        var owners = new Owners("@" + domain, new Names(), new Names());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).replaceFirst("#.*", "").strip();
            if (!line.isEmpty() && !owners.add(line)) {
                throw new IllegalArgumentException("line " + (i + 1) + ": '" + line
                        + "': write 'user NAME NUMBER' or 'group NAME NUMBER', each" + " name and each number once");
            }
        }
        return owners;
    }

    private boolean add(String line) {
        String[] words = line.split("\\s+", -1);
        if (words.length != 3 || words[1].indexOf('@') >= 0 || !isNumber(words[2])) {
            return false;
        }
        int number = Integer.parseUnsignedInt(words[2]);
        return switch (words[0]) {
            case "user" -> users.add(words[1], number);
            case "group" -> groups.add(words[1], number);
            default -> false;
        };
    }

    String user(int uid) {
        return text(users, uid);
    }

    String group(int gid) {
        return text(groups, gid);
    }

    /// The number of a user.
    ///
    /// @throws NfsException BADOWNER for a name that is not known here
    int uid(String owner) {
        return number(users, owner);
    }

    /// The number of a group.
    ///
    /// @throws NfsException BADOWNER for a name that is not known here
    int gid(String owner) {
        return number(groups, owner);
    }

    private String text(Names names, int number) {
        String name = names.names.get(number);
        return name == null ? Integer.toUnsignedString(number) : name + suffix;
    }

    private int number(Names names, String owner) {
        if (isNumber(owner)) {
            return Integer.parseUnsignedInt(owner);
        }
        Integer number =
                owner.endsWith(suffix) ? names.numbers.get(owner.substring(0, owner.length() - suffix.length())) : null;
        if (number == null) {
            throw new NfsException(NfsStatus.BADOWNER, "nobody here is called '" + owner + "'");
        }
        return number;
    }

    /// Whether `text` is an unsigned 32-bit decimal number.
    private static boolean isNumber(String text) {
        return text.matches("[0-9]{1,10}") && Long.parseLong(text) <= 0xffff_ffffL;
    }
}
