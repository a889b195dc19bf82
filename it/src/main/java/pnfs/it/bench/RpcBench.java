package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcServer;
import pnfs.wire.xdr.XdrWriter;

/// What an RPC costs its server: NULL calls to a server in a process of its own.
public final class RpcBench {
    private static final int PROGRAM = 0x4000_0101;
    private static final int VERSION = 1;
    private static final int[][] CONNECTIONS_AND_SLOTS = {{1, 1}, {1, 16}, {8, 8}};

    private RpcBench() {}

    /// Ready for JSON.
    public record BenchReport(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("loads") List<RpcLoad.Result> loads) {}

    public static BenchReport run(Duration warmUp, Duration measured) throws IOException, InterruptedException {
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Server.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = server.inputReader(StandardCharsets.UTF_8)) {
            String port = out.readLine();
            if (port == null) {
                throw new IOException("the server under measurement ended before it listened");
            }
            return measure(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port)), warmUp, measured);
        } finally {
            // It ends with its standard input.
            server.getOutputStream().close();
            server.waitFor();
        }
    }

    private static BenchReport measure(InetSocketAddress server, Duration warmUp, Duration measured)
            throws IOException, InterruptedException {
        var loads = new ArrayList<RpcLoad.Result>();
        for (int[] load : CONNECTIONS_AND_SLOTS) {
            loads.add(new RpcLoad(load[0], load[1], warmUp, measured)
                    .drive(server, RpcLoad.Calls.of(RpcBench::nullCall)));
        }
        return new BenchReport("rpc-null", loads);
    }

    private static XdrWriter nullCall() {
        return RpcConnection.request(PROGRAM, VERSION, 0, new RpcCredential.None(), 0);
    }

    /// The process under measurement: says its port and serves until its standard input ends.
    static final class Server {
        private Server() {}

        public static void main(String[] args) throws IOException {
            int loops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
            try (var network = new NioNetwork(loops, System::nanoTime)) {
                RpcPrograms programs = ServerCpu.programs(RpcPrograms.none()
                        .with(PROGRAM, VERSION, (call, arguments, reply) -> reply.send(reply.success(0))));
                var listener = new RpcServer(network, programs, RpcLimits.DEFAULT)
                        .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), ConnectionLimits.DEFAULT);
                System.out.println(listener.address().getPort());
                System.in.transferTo(OutputStream.nullOutputStream());
            }
        }
    }
}
