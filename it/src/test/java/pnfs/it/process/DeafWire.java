package pnfs.it.process;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;

/// Stands between a client and an RPC server. While it is deaf, requests arrive and answers do not: each is
/// counted as it is dropped. Safe for all threads.
final class DeafWire implements AutoCloseable {
    private static final int LENGTH = 0x7fff_ffff; // of a record's header, without the mark of the last fragment

    private final ServerSocket door;
    private final InetSocketAddress server;
    private final Semaphore dropped = new Semaphore(0);
    private volatile boolean deaf;

    DeafWire(InetSocketAddress server) throws IOException {
        this.server = server;
        this.door = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    /// Where the server seems to be.
    InetSocketAddress address() {
        return new InetSocketAddress(door.getInetAddress(), door.getLocalPort());
    }

    void beDeaf() {
        deaf = true;
    }

    void hear() {
        deaf = false;
    }

    /// Waits until so many answers were dropped.
    void awaitDropped(int answers) throws InterruptedException {
        dropped.acquire(answers);
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                carry(door.accept());
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket client) {
        var there = new Socket();
        run(client, there, () -> {
            there.connect(server);
            run(client, there, () -> answers(there.getInputStream(), client.getOutputStream()));
            client.getInputStream().transferTo(there.getOutputStream());
        });
    }

    private void answers(InputStream from, OutputStream to) throws IOException {
        var in = new DataInputStream(from);
        while (true) {
            int header = in.readInt();
            byte[] record = in.readNBytes(header & LENGTH);
            if (deaf) {
                dropped.release();
            } else {
                var whole = new byte[Integer.BYTES + record.length];
                ByteBuffer.wrap(whole).putInt(header).put(record);
                to.write(whole);
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /// Ends both sides with the work, because one of them is gone.
    private static void run(Socket client, Socket there, Work work) {
        Thread.ofVirtual().start(() -> {
            try (client;
                    there) {
                work.run();
            } catch (IOException e) {
                // as it is meant to be when a server is killed
            }
        });
    }

    @Override
    public void close() throws IOException {
        door.close();
    }
}
