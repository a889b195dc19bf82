package pnfs.it.conformance;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;

/// One connection to a data server, in which bytes can get stuck on their way there, as they do in the socket of a
/// data server that stands still: also when the client has long gone they are there.
final class HeldWire implements AutoCloseable {
    private final ServerSocket door;
    private final Socket server;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();
    private final Semaphore heldBytes = new Semaphore(0);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean holds;

    HeldWire(InetSocketAddress to) throws IOException {
        door = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        server = new Socket(to.getAddress(), to.getPort());
        Thread.ofVirtual().start(this::carry);
    }

    /// Where the data server seems to be.
    InetSocketAddress address() {
        return new InetSocketAddress(door.getInetAddress(), door.getLocalPort());
    }

    /// From here on nothing gets there.
    void hold() {
        holds = true;
    }

    void awaitHeld(int bytes) throws InterruptedException {
        heldBytes.acquire(bytes);
    }

    /// What was held gets there as the last of this connection; waits until the data server has ended it.
    void letGo() throws InterruptedException {
        try {
            server.getOutputStream().write(held.toByteArray());
            server.shutdownOutput();
        } catch (IOException e) {
            // the data server has ended it before
        }
        ended.await();
    }

    private void carry() {
        try (Socket client = door.accept()) {
            Thread.ofVirtual().start(() -> answer(client));
            InputStream in = client.getInputStream();
            var buffer = new byte[64 << 10];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (holds) {
                    held.write(buffer, 0, count);
                    heldBytes.release(count);
                } else {
                    server.getOutputStream().write(buffer, 0, count);
                }
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void answer(Socket client) {
        try {
            server.getInputStream().transferTo(client.getOutputStream());
        } catch (IOException e) {
            // reset by the data server
        }
        ended.countDown();
    }

    @Override
    public void close() throws IOException {
        door.close();
        server.close();
    }
}
