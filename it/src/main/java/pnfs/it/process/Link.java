package pnfs.it.process;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/// The network in front of one server: a port of its own, whose connections are carried on to the server until
/// somebody cuts the link or lets it fall silent. Safe for all threads.
final class Link implements AutoCloseable {
    private static final int BUFFER_BYTES = 64 << 10;
    private static final CountDownLatch OPEN = new CountDownLatch(0);

    private final ServerSocket listener;
    private final Set<Closeable> sockets = ConcurrentHashMap.newKeySet();
    private volatile InetSocketAddress server;
    private volatile boolean cut;
    /// Who carries bytes passes here first.
    private volatile CountDownLatch gate = OPEN;

    private Link(ServerSocket listener) {
        this.listener = listener;
        this.server = address();
    }

    /// A link that leads nowhere before [#leadTo].
    static Link open() throws IOException {
        var link = new Link(new ServerSocket(0, 0, InetAddress.getLoopbackAddress()));
        Thread.ofVirtual().start(link::accept);
        return link;
    }

    /// Where the server seems to be.
    InetSocketAddress address() {
        return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
    }

    void leadTo(InetSocketAddress target) {
        server = target;
    }

    /// Ends every connection and takes no new ones, until [#heal].
    void cut() {
        cut = true;
        sockets.forEach(Link::close);
    }

    /// Connections stay and nothing arrives, until [#heal]; then everything does.
    void silence() {
        gate = new CountDownLatch(1);
    }

    void heal() {
        cut = false;
        gate.countDown();
        gate = OPEN;
    }

    @Override
    public void close() {
        cut();
        close(listener);
        heal();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> connect(client));
            }
        } catch (IOException closed) {
            close(listener);
        }
    }

    private void connect(Socket client) {
        try (client;
                var onwards = new Socket()) {
            sockets.add(client);
            sockets.add(onwards);
            if (cut) {
                return;
            }
            onwards.connect(server);
            client.setTcpNoDelay(true);
            onwards.setTcpNoDelay(true);
            Thread back = Thread.ofVirtual().start(() -> carry(onwards, client));
            carry(client, onwards);
            back.join();
        } catch (IOException refused) {
            // The client sees its connection end, as it would without us.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            sockets.remove(client);
        }
    }

    /// Until either side is gone; then neither has a connection any more.
    private void carry(Socket from, Socket to) {
        var buffer = new byte[BUFFER_BYTES];
        try (from;
                to) {
            for (int bytes = from.getInputStream().read(buffer);
                    bytes > 0;
                    bytes = from.getInputStream().read(buffer)) {
                gate.await();
                to.getOutputStream().write(buffer, 0, bytes);
            }
        } catch (IOException ended) {
            // One of them is gone.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            sockets.remove(from);
        }
    }

    private static void close(Closeable what) {
        try {
            what.close();
        } catch (IOException already) {
            // Closing is all that was wanted.
        }
    }
}
