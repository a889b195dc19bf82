package pnfs.it.sim;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a name may stand for. One client changes it, one change at a time; everybody may look. One thread.
final class NameModel {
    private static final long NOW = Long.MAX_VALUE;

    /// The file that a name stood for, or nobody, during a time.
    private static final class Meaning {
        final @Nullable FileModel file;
        long until = NOW;

        Meaning(@Nullable FileModel file) {
            this.file = file;
        }
    }

    final String name;
    /// When each client asked last for something that delegations of what it stands for forbid.
    private final Map<Integer, Long> wantedNanos = new TreeMap<>();

    private final List<Meaning> meanings = new ArrayList<>(List.of(new Meaning(null)));

    NameModel(String name) {
        this.name = name;
    }

    /// What it may stand for now; null among them is nothing.
    Set<@Nullable FileModel> now() {
        var files = new LinkedHashSet<@Nullable FileModel>();
        meanings.stream().filter(meaning -> meaning.until == NOW).forEach(meaning -> files.add(meaning.file));
        return files;
    }

    /// Whether it certainly stands for nothing.
    boolean isNothing() {
        Set<@Nullable FileModel> files = now();
        return files.size() == 1 && files.contains(null);
    }

    /// A change is on its way that may make it stand for this.
    void mayBecome(@Nullable FileModel file) {
        if (now().contains(file)) {
            return;
        }
        meanings.add(new Meaning(file));
        if (file != null) {
            wantedNanos.forEach(file.delegations::wanted); // what was asked before may arrive after this
        }
    }

    /// A change that might have made it stand for this did not happen: it never stood for it. Who is told later of
    /// a file that nobody knows, and asked before, hears of another.
    void neverBecame(FileModel file) {
        meanings.removeIf(meaning -> meaning.file == file);
    }

    /// A client is about to ask for what delegations of others forbid, of whatever it stands for when that
    /// arrives.
    void wanted(int client, long nowNanos) {
        wantedNanos.put(client, nowNanos);
        for (FileModel file : now()) {
            if (file != null) {
                file.delegations.wanted(client, nowNanos);
            }
        }
    }

    /// From now on it is one of these.
    void is(Set<@Nullable FileModel> files, long at) {
        for (Meaning meaning : meanings) {
            if (meaning.until == NOW && !files.contains(meaning.file)) {
                meaning.until = at;
            }
        }
        files.forEach(this::mayBecome);
    }

    /// Everything it stood for at some time since.
    List<@Nullable FileModel> since(long at) {
        var files = new ArrayList<@Nullable FileModel>();
        meanings.stream().filter(meaning -> meaning.until >= at).forEach(meaning -> files.add(meaning.file));
        return files;
    }
}
