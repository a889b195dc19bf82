package pnfs.client.cli;

/// A path of the cluster as a user writes it. Where local paths may stand too it begins with `pnfs:`, as
/// `pnfs:/home/report.pdf`; where only the cluster can be meant it may.
final class ClusterPath {
    private static final String SCHEME = "pnfs:";

    private ClusterPath() {}

    static boolean isMarked(String text) {
        return text.startsWith(SCHEME);
    }

    /// The absolute path without the mark and without a slash at the end.
    static String of(String text) {
        String path = isMarked(text) ? text.substring(SCHEME.length()) : text;
        String absolute = path.startsWith("/") ? path : "/" + path;
        String trimmed = absolute.replaceAll("/+$", "");
        return trimmed.isEmpty() ? "/" : trimmed;
    }

    static String child(String directory, String name) {
        return directory.endsWith("/") ? directory + name : directory + "/" + name;
    }

    static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
