package pnfs.wire.rpc;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The programs that are served, by number and version. Immutable.
public final class RpcPrograms {
    private static final RpcPrograms NONE = new RpcPrograms(List.of());

    private record Row(int program, int version, RpcProgram body) {}

    private final Row[] rows;

    private RpcPrograms(List<Row> rows) {
        this.rows = rows.toArray(Row[]::new);
    }

    public static RpcPrograms none() {
        return NONE;
    }

    /// These and one more.
    public RpcPrograms with(int program, int version, RpcProgram body) {
        if (find(program, version) != null) {
            throw new IllegalArgumentException("program " + program + " version " + version + " is there already");
        }
        var more = new ArrayList<>(List.of(rows));
        more.add(new Row(program, version, body));
        return new RpcPrograms(more);
    }

    @Nullable
    RpcProgram find(int program, int version) {
        for (Row row : rows) {
            if (row.program == program && row.version == version) {
                return row.body;
            }
        }
        return null;
    }

    /// What to say to a call that [#find] found nothing for.
    RpcRejection rejectionOf(int program) {
        int[] versions = IntStream.range(0, rows.length)
                .filter(i -> rows[i].program == program)
                .map(i -> rows[i].version)
                .sorted()
                .toArray();
        return versions.length == 0
                ? new RpcRejection.ProgramUnavailable()
                : new RpcRejection.ProgramMismatch(versions[0], versions[versions.length - 1]);
    }
}
