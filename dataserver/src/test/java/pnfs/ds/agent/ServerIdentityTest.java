package pnfs.ds.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerIdentityTest {
    @TempDir
    Path folder;

    @Test
    void an_identity_is_made_once_and_then_stays() throws IOException {
        Path region = folder.resolve("region0");

        var made = ServerIdentity.beside(region);

        assertThat(ServerIdentity.beside(region)).isEqualTo(made);
        assertThat(folder.resolve("region0.server")).hasContent("pnfs-data-server 1\n" + made.uuid() + "\n");
        assertThat(ServerIdentity.beside(folder.resolve("region1"))).isNotEqualTo(made);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "pnfs-data-server 2\nx\n", "pnfs-data-server 1\nnot a uuid\n", "pnfs-data-server 1\n"})
    void a_file_that_is_something_else_is_refused_and_left_alone(String content) throws IOException {
        Path file = folder.resolve("region0.server");
        Files.writeString(file, content);

        assertThatThrownBy(() -> ServerIdentity.beside(folder.resolve("region0")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("restore it, or remove it");
        assertThat(file).content().isEqualTo(content);
    }
}
