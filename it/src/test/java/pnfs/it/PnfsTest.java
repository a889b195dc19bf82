package pnfs.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class PnfsTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @ParameterizedTest
    @MethodSource("commands")
    void every_command_explains_itself(List<String> command) {
        var arguments = new ArrayList<>(command);
        arguments.add("--help");

        assertThat(run(arguments.toArray(String[]::new))).isZero();
        assertThat(out.toString()).contains("Usage: ").contains("--help");
    }

    @Test
    void wrong_usage_is_exit_status_2_and_says_what_was_wrong() {
        assertThat(run("ls", "--no-such-option")).isEqualTo(2);
        assertThat(err.toString()).contains("--no-such-option");
    }

    @Test
    void a_command_that_is_misspelt_is_answered_with_those_that_are_meant() {
        assertThat(run("mdss")).isEqualTo(2);
        assertThat(err.toString()).contains("'mdss'").contains("pnfs mds");
    }

    @Test
    void without_the_address_of_a_server_a_command_says_how_to_give_one() {
        assertThat(run("cat", "/file")).isEqualTo(2);
        assertThat(err.toString()).contains("--mds HOST:PORT").contains("PNFS_MDS");
    }

    @Test
    void a_server_that_is_not_there_is_exit_status_1_and_one_line() {
        assertThat(run("ls", "--mds", "127.0.0.1:1", "/")).isEqualTo(1);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("pnfs ls: ")
                .contains("127.0.0.1:1");
    }

    @Test
    void a_copy_needs_the_cluster_on_one_side() {
        assertThat(run("cp", "--mds", "127.0.0.1:1", "here", "there")).isEqualTo(2);
        assertThat(err.toString()).contains("'pnfs:'");
    }

    @Test
    void the_completion_script_knows_every_command() {
        assertThat(run("completion")).isZero();
        assertThat(out.toString())
                .contains(Pnfs.commandLine().getSubcommands().keySet().toArray(String[]::new));
    }

    @Test
    void the_version_is_that_of_the_build() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).startsWith("pnfs ").contains("Java 25");
    }

    static Stream<List<String>> commands() {
        return below(List.of(), Pnfs.commandLine());
    }

    private static Stream<List<String>> below(List<String> path, CommandLine command) {
        return Stream.concat(
                Stream.of(path), command.getSubcommands().entrySet().stream().flatMap(sub -> {
                    var longer = new ArrayList<>(path);
                    longer.add(sub.getKey());
                    return below(longer, sub.getValue());
                }));
    }

    private int run(String... arguments) {
        return Pnfs.commandLine(arguments)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
