package pnfs.it.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import pnfs.wire.rpc.RpcCall;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcRejection;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// How much processor time a server has used since it began. A server under measurement serves [#programs]
/// beside its own program, so that it is asked the way it is used.
///
/// @param processNanos all of its threads, the compiler's and the collector's included
/// @param loopNanos its network loops alone
public record ServerCpu(long processNanos, long loopNanos) {
    /// From the range of RFC 5531 §8.3 for transient use.
    private static final int PROGRAM = 0x4000_0100;
    private static final int VERSION = 1;
    private static final int READ = 1;
    /// How the names of network loops begin.
    private static final String LOOPS = "pnfs-loop-";
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    /// `others` and the program that [#ask] calls.
    public static RpcPrograms programs(RpcPrograms others) {
        return others.with(PROGRAM, VERSION, ServerCpu::answer);
    }

    /// What the server at the other end has used. Waits; not for loops.
    static ServerCpu ask(RpcConnection server) throws IOException, InterruptedException {
        try {
            XdrReader results = server.call(
                            RpcConnection.request(PROGRAM, VERSION, READ, new RpcCredential.None(), 0), TIMEOUT)
                    .get();
            return new ServerCpu(results.readInt63(), results.readInt63());
        } catch (ExecutionException e) {
            throw new IOException("the server does not tell its processor time", e.getCause());
        }
    }

    /// What Linux has counted for the threads that a process has now.
    static ServerCpu ofProcess(long pid) throws IOException {
        long all = 0;
        long loops = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path thread : threads) {
                try {
                    String counted = Files.readString(thread.resolve("schedstat"));
                    long nanos = Long.parseLong(counted.substring(0, counted.indexOf(' ')));
                    all += nanos;
                    loops += Files.readString(thread.resolve("comm")).startsWith(LOOPS) ? nanos : 0;
                } catch (NoSuchFileException e) {
                    // Threads may end while we look.
                }
            }
        }
        return new ServerCpu(all, loops);
    }

    private static void answer(RpcCall call, XdrReader args, RpcReply reply) {
        if (call.procedure() != READ) {
            reply.reject(new RpcRejection.ProcedureUnavailable());
            return;
        }
        ServerCpu now = ofThisProcess();
        XdrWriter out = reply.success(2 * Long.BYTES);
        out.writeUint64(now.processNanos);
        out.writeUint64(now.loopNanos);
        reply.send(out);
    }

    private static ServerCpu ofThisProcess() {
        var threads = ManagementFactory.getThreadMXBean();
        long loopNanos = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(LOOPS)) {
                loopNanos += threads.getThreadCpuTime(thread.getThreadId());
            }
        }
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return new ServerCpu(system.getProcessCpuTime(), loopNanos);
    }

    ServerCpu since(ServerCpu before) {
        return new ServerCpu(processNanos - before.processNanos, loopNanos - before.loopNanos);
    }
}
