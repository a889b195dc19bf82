package pnfs.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;

/// A target under measurement, and how to ask what it costs. Confined to one thread.
abstract class IscsiPeer implements AutoCloseable {
    private static final String TGT_TARGET = "iqn.2026-01.pnfs:peer";
    /// tgtd's own control port, so that a tgtd of somebody else's is left alone.
    private static final String TGT_CONTROL = "7301";

    private static final int TGT_START_TRIES = 100;

    final String name;
    final InetSocketAddress portal;
    final String target;
    final int lun;

    private IscsiPeer(String name, InetSocketAddress portal, String target, int lun) {
        this.name = name;
        this.portal = portal;
        this.target = target;
        this.lun = lun;
    }

    /// As libiscsi's tools want it.
    String url() {
        return "iscsi://" + portal.getAddress().getHostAddress() + ":" + portal.getPort() + "/" + target + "/" + lun;
    }

    /// Processor time so far of all its threads; -1 if nobody can tell.
    abstract long cpuNanos() throws IOException;

    /// Bytes that its network loop has allocated so far; -1 if nobody can tell.
    abstract long allocatedBytes() throws IOException;

    @Override
    public abstract void close() throws IOException;

    /// Our target in a process of its own, over a new region.
    static IscsiPeer ours(Path folder, long regionBytes) throws IOException {
        Path region = Files.createTempFile(folder, "pnfs-bench", ".region");
        // tgt's blocks; and QEMU's initiator dies by an assertion of its own on a thin disk with blocks of 4096 bytes.
        RegionFile.format(region, RegionHeader.of(UUID.randomUUID(), 512, regionBytes), IfPresent.OVERWRITE, at -> {});
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Xmx256m",
                        "-Dpnfs.log=ERROR",
                        "-cp",
                        System.getProperty("java.class.path"),
                        IscsiServer.class.getName(),
                        region.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        Writer in = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        var portal = new InetSocketAddress(InetAddress.getLoopbackAddress(), (int) said(out, IscsiServer.PORT));
        return new IscsiPeer("pnfs", portal, IscsiServer.TARGET, 0) {
            @Override
            long cpuNanos() throws IOException {
                return ServerCpu.ofProcess(process.pid()).processNanos();
            }

            @Override
            long allocatedBytes() throws IOException {
                in.write("\n");
                in.flush();
                return said(out, IscsiServer.ALLOCATED);
            }

            @Override
            public void close() throws IOException {
                in.close();
                end(process);
                Files.deleteIfExists(region);
            }
        };
    }

    /// The next number of this name; what else is said there, by whoever logs, is passed over.
    private static long said(BufferedReader out, String name) throws IOException {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()));
            }
        }
        throw new IOException("the target under measurement has ended");
    }

    /// A target that runs already.
    ///
    /// @param pid its process on this machine; null if it is elsewhere
    static IscsiPeer at(InetSocketAddress portal, String target, int lun, @Nullable Long pid) {
        return new IscsiPeer("given", portal, target, lun) {
            @Override
            long cpuNanos() throws IOException {
                return pid == null ? -1 : ServerCpu.ofProcess(pid).processNanos();
            }

            @Override
            long allocatedBytes() {
                return -1;
            }

            @Override
            public void close() {}
        };
    }

    /// tgt, the target in C of Linux distributions, over a new file.
    static IscsiPeer tgt(Path folder, long lunBytes) throws IOException {
        Path file = Files.createTempFile(folder, "pnfs-bench", ".tgt");
        try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
            var zeros = ByteBuffer.allocate(1 << 20);
            for (long at = 0; at < lunBytes; at += zeros.capacity()) {
                channel.write(zeros.clear());
            }
        }
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Process process = new ProcessBuilder("tgtd", "-f", "-C", TGT_CONTROL, "--iscsi", "portal=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        var peer = new IscsiPeer("tgt", new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TGT_TARGET, 1) {
            @Override
            long cpuNanos() throws IOException {
                return ServerCpu.ofProcess(process.pid()).processNanos();
            }

            @Override
            long allocatedBytes() {
                return -1;
            }

            @Override
            public void close() throws IOException {
                // It ends by force only.
                process.destroyForcibly();
                end(process);
                Files.deleteIfExists(file);
            }
        };
        try {
            awaitTgt();
            tell("new", "target", "--tid", "1", "-T", TGT_TARGET);
            tell("new", "logicalunit", "--tid", "1", "--lun", "1", "-b", file.toString(), "--bstype", "rdwr");
            tell("bind", "target", "--tid", "1", "-I", "ALL");
            return peer;
        } catch (IOException failed) {
            peer.close();
            throw failed;
        }
    }

    private static void awaitTgt() throws IOException {
        for (int i = 1; ; i++) {
            try {
                tell("show", "sys");
                return;
            } catch (IOException notYet) {
                if (i == TGT_START_TRIES) {
                    throw notYet;
                }
                pause();
            }
        }
    }

    private static void tell(String operation, String mode, String... more) throws IOException {
        var command = new ArrayList<>(
                List.of("tgtadm", "-C", TGT_CONTROL, "--lld", "iscsi", "--op", operation, "--mode", mode));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (end(process) != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + said);
        }
    }

    private static void pause() throws IOException {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while tgtd starts", e);
        }
    }

    private static int end(Process process) throws IOException {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while a process ends", e);
        }
    }
}
