package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

class FileHandleTest {
    @Seeds(50)
    void a_handle_comes_back_as_it_was(RandomGenerator random) {
        var handle = new FileHandle(1 + (random.nextLong() >>> 1) % Long.MAX_VALUE, random.nextLong());

        assertThat(FileHandle.fromWire(handle.toWire())).isEqualTo(handle);
    }

    @Test
    void what_this_server_never_gave_out_is_a_bad_handle() {
        Opaque good = new FileHandle(7, 1).toWire();
        for (Opaque bad : List.of(
                Opaque.EMPTY,
                Opaque.ofHex(good + "00"),
                Opaque.ofHex("02" + good.toString().substring(2)),
                Opaque.ofHex("0101" + good.toString().substring(4)),
                Opaque.ofHex("0100" + "00".repeat(16)),
                Opaque.ofHex("0100" + "ff".repeat(16)))) {
            assertThatExceptionOfType(NfsException.class)
                    .as(bad.toString())
                    .isThrownBy(() -> FileHandle.fromWire(bad))
                    .matches(refusal -> refusal.status() == NfsStatus.BADHANDLE);
        }
    }
}
