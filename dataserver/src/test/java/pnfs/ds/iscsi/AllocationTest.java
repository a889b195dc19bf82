package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.wire.iscsi.Completion;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Loop;
import pnfs.wire.net.NioNetwork;

/// The data path's promise: once warm, a command makes no garbage on the target's loop.
@Timeout(60)
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /// Timers, and the test's own questions: far less than an object for each command.
    private static final int OTHER_BYTES = 4096;
    /// What Java keeps, for a gathering write or a scattering read, of buffers that are mapped memory: 40 bytes
    /// each (decision 0009). In how many pieces a large command's data go and come is the kernel's choice.
    private static final int PIECES_BYTES = 128;

    private static final int COMMANDS = 1000;
    /// One of them must make none: on a busy machine code is compiled late, and now and then anew.
    private static final int ROUNDS = 50;

    @ParameterizedTest
    @CsvSource({"false, 1, 1", "false, 1, 32", "true, 1, 1", "true, 1, 32", "false, 128, 4", "true, 128, 4"})
    void once_warm_a_command_makes_no_garbage(boolean writes, int blocks, int depth) throws IOException {
        var fixture = new TargetFixture(new TargetSettings(
                TargetFixture.TARGET, List.of(), 3, 64, 1 << 20, 4 << 20, 256 << 10, 15, 30, AccessList.EVERYBODY));
        fixture.persistence.forgets = true;
        try (var server = new NioNetwork(1, System::nanoTime);
                var client = new NioNetwork(1, System::nanoTime)) {
            var listener = server.listen(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    fixture.target::accept,
                    ConnectionLimits.DEFAULT);
            Loop loop = server.loop();
            var config = InitiatorConfig.of(listener.address(), TargetFixture.TARGET, "iqn.2026-01.test:client", 1);
            try (var initiator = IscsiInitiator.open(client, config)) {
                initiator.loggedIn().join();
                new Load(initiator, writes, blocks, depth).run(500);

                int allowed = OTHER_BYTES + (blocks == 1 ? 0 : COMMANDS * PIECES_BYTES);
                long least = Long.MAX_VALUE;
                for (int round = 0; round < ROUNDS && least >= allowed; round++) {
                    long before = allocated(loop);
                    new Load(initiator, writes, blocks, depth).run(COMMANDS);
                    least = Math.min(least, allocated(loop) - before);
                }

                assertThat(least).isLessThan(allowed);
            }
        }
    }

    private static long allocated(Loop loop) {
        var bytes = new CompletableFuture<Long>();
        loop.execute(() -> bytes.complete(
                THREADS.getThreadAllocatedBytes(Thread.currentThread().threadId())));
        return bytes.join();
    }

    /// So many commands at a time over the same blocks.
    private static final class Load {
        private final IscsiInitiator initiator;
        private final boolean writes;
        private final int blocks;
        private final int depth;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private int left;
        private int busy;

        Load(IscsiInitiator initiator, boolean writes, int blocks, int depth) {
            this.initiator = initiator;
            this.writes = writes;
            this.blocks = blocks;
            this.depth = depth;
        }

        void run(int commands) {
            left = commands;
            busy = depth;
            for (int i = 0; i < depth; i++) {
                new Slot().next();
            }
            ended.join();
        }

        private final class Slot implements Completion {
            private final ByteBuffer data = ByteBuffer.allocateDirect(blocks * 4096);

            void next() {
                if (writes) {
                    initiator.write(0, 7, blocks, data.clear(), this);
                } else {
                    initiator.read(0, 7, blocks, data.clear(), this);
                }
            }

            @Override
            public void done(int bytes, @Nullable RuntimeException failure) {
                if (failure != null) {
                    ended.completeExceptionally(failure);
                } else if (--left > 0) {
                    next();
                } else if (--busy == 0) {
                    ended.complete(null);
                }
            }
        }
    }
}
