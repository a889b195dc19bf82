package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.mds.compound.FileHandleOperations;
import pnfs.mds.compound.OpFacts;
import pnfs.mds.compound.OpTable;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.proxy.BlockIo;
import pnfs.mds.proxy.ProxyOperations;
import pnfs.wire.nfs4.OpCode;

/// docs/protocol.md is what the [OpTable] says. `-Dwrite.docs=true` writes it anew.
class ProtocolTest {
    private static final Path PAGE = Path.of("..", "docs", "protocol.md");

    @Test
    void the_page_on_the_protocol_says_what_the_table_says() throws IOException {
        String page = page(table());
        Path file = Files.exists(PAGE.getParent()) ? PAGE : Path.of("docs", "protocol.md");
        if (Boolean.getBoolean("write.docs")) {
            Files.writeString(file, page);
        }

        assertThat(Files.readString(file))
                .as("run this test with -Dwrite.docs=true")
                .isEqualTo(page);
    }

    private static OpTable table() {
        LayoutRooms rooms = LayoutRooms.committing();
        new FileHandleOperations(rooms.root, (file, state) -> {}).register(rooms.table);
        BlockIo nowhere = new BlockIo() {
            @Override
            public void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done) {}

            @Override
            public void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done) {}
        };
        ProxyOperations.register(
                rooms.table,
                rooms.inodes,
                rooms.locks,
                rooms.layouts,
                rooms.orphans,
                nowhere,
                rooms.opens,
                rooms.setAttr,
                rooms.layoutGet,
                0,
                1);
        return rooms.table;
    }

    private static String page(OpTable table) {
        var page = new StringBuilder("""
                # The protocol, operation by operation

                Written by `ProtocolTest` from the table that the server runs by. NFSv4.1 and 4.2 are served; what is not done is answered
                NFS4ERR_NOTSUPP. *Place*: FIRST is SEQUENCE, IN_SESSION after it, ALONE as the only operation, ANYWHERE both. *Repeatable*: may
                run before it is known whether its answer fits.

                | # | Operation | Since 4. | Level | Done | Place | Needs | Repeatable |
                |---|---|---|---|---|---|---|---|
                """);
        for (OpCode op : OpCode.values()) {
            OpFacts.of(op)
                    .ifPresent(facts -> page.append("| %d | %s | %d | %s | %s | %s | %s | %s |%n"
                            .formatted(
                                    op.number(),
                                    op,
                                    facts.minorVersion(),
                                    facts.level(),
                                    op == OpCode.SEQUENCE || table.has(op) ? "yes" : "no",
                                    facts.place(),
                                    facts.needs(),
                                    facts.repeatable() ? "yes" : "no")));
        }
        return page.toString();
    }
}
