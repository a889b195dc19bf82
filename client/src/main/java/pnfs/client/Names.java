package pnfs.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Paths as lists of names, from the root down.
final class Names {
    private Names() {}

    /// The names of an absolute path; empty parts and `.` say nothing, `..` goes up.
    static List<String> of(String path) {
        var names = new ArrayList<String>();
        for (String part : path.split("/", -1)) {
            if (part.equals("..")) {
                if (!names.isEmpty()) {
                    names.removeLast();
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                names.add(part);
            }
        }
        return List.copyOf(names);
    }

    static String path(List<String> names) {
        return "/" + String.join("/", names);
    }

    static List<String> parent(List<String> names) {
        return names.subList(0, names.size() - 1);
    }

    /// Goes on from the directory `at` with what a symbolic link there says, then with what was left of the path.
    static void follow(String target, List<String> at, List<String> rest) {
        var whole = new ArrayList<String>(at);
        whole.addAll(Arrays.asList(target.split("/", -1)));
        rest.addAll(0, of(path(whole)));
        at.clear();
    }
}
