package pnfs.client.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Rows in columns as wide as their widest cell; columns whose title begins with `>` stand on the right. Built
/// by one thread.
public final class Table {
    private final List<String> titles;
    private final List<Boolean> right;
    private final List<List<String>> rows = new ArrayList<>();

    /// As `new Table("NAME", ">SIZE")`.
    public Table(String... titles) {
        this.right =
                List.of(titles).stream().map(title -> title.startsWith(">")).toList();
        this.titles = List.of(titles).stream()
                .map(title -> title.startsWith(">") ? title.substring(1) : title)
                .toList();
    }

    public void row(String... cells) {
        if (cells.length != titles.size()) {
            throw new IllegalArgumentException(cells.length + " cells in " + titles.size() + " columns");
        }
        rows.add(List.of(cells));
    }

    public boolean isEmpty() {
        return rows.isEmpty();
    }

    /// Every line with its end, the titles first.
    @Override
    public String toString() {
        var lines = new ArrayList<List<String>>(rows);
        lines.addFirst(titles);
        int[] width = IntStream.range(0, titles.size())
                .map(column -> lines.stream()
                        .mapToInt(line -> line.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return lines.stream()
                .map(line -> IntStream.range(0, width.length)
                        .mapToObj(column -> padded(line.get(column), width[column], right.get(column)))
                        .collect(Collectors.joining("  "))
                        .stripTrailing())
                .map(line -> line + System.lineSeparator())
                .collect(Collectors.joining());
    }

    private static String padded(String cell, int width, boolean right) {
        String pad = " ".repeat(width - cell.length());
        return right ? pad + cell : cell + pad;
    }
}
