package pnfs.mds.testing;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.CompoundExecutor;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileHandleOperations;
import pnfs.mds.compound.OpTable;
import pnfs.mds.session.Clients;
import pnfs.mds.session.ServerIdentity;
import pnfs.mds.session.SessionLimits;
import pnfs.mds.session.Sessions;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Network;
import pnfs.wire.net.NetworkCounters;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcServer;

/// One run of a metadata server over an engine in memory: store, sessions, executor, and the operations a
/// test adds.
public final class TestServer {
    public static final FileHandle ROOT = new FileHandle(1, 1);
    public static final long LEASE_SECONDS = 90;
    public static final long COURTESY_SECONDS = 600;
    public static final SessionLimits LIMITS = new SessionLimits(
            TimeUnit.SECONDS.toNanos(LEASE_SECONDS),
            TimeUnit.SECONDS.toNanos(COURTESY_SECONDS),
            8,
            4,
            8,
            64,
            16,
            8192,
            2048);
    private static final long CONGESTED_BYTES = 1 << 20;
    private static final AtomicInteger MACHINES = new AtomicInteger();

    public final ManualLoop loop;
    public final MemoryEngine engine;
    public final MetadataStore store;
    public final ServerIdentity identity;
    public final Clients clients;
    public final Sessions sessions;
    private final FakeNetwork network = new FakeNetwork();

    /// The rooms that a test adds to those of filehandles and sessions.
    @FunctionalInterface
    public interface Rooms {
        /// Registers their operations; returns where PUTROOTFH leads. What `server` has is made, but does not
        /// run yet.
        FileHandle add(TestServer server, OpTable table);

        /// How long a COMPOUND waits for other clients.
        default long patienceNanos() {
            return 0;
        }
    }

    /// A server with these operations besides those on filehandles and sessions.
    public TestServer(MemoryEngine engine, ManualLoop loop, Consumer<OpTable> operations) {
        this(engine, loop, (_, table) -> {
            operations.accept(table);
            return ROOT;
        });
    }

    /// A server with these rooms.
    public TestServer(MemoryEngine engine, ManualLoop loop, Rooms rooms) {
        this(engine, loop, rooms, "machine " + MACHINES.incrementAndGet());
    }

    /// A server with these rooms, on this machine: one that follows another there goes on with its clients.
    @SuppressWarnings("this-escape") // to the rooms, which only keep what is there already
    public TestServer(MemoryEngine engine, ManualLoop loop, Rooms rooms, String machine) {
        this.engine = engine;
        this.loop = loop;
        store = new MetadataStore(engine, CONGESTED_BYTES, failure -> {
            throw new AssertionError(failure);
        });
        var random = new SplittableRandom(7);
        identity = ServerIdentity.start(store, random, machine);
        engine.commitAll();
        clients = new Clients(store, identity, LIMITS, 0, loop.nowNanos());
        sessions = new Sessions(clients, LIMITS, random);
        var table = new OpTable();
        sessions.register(table);
        new FileHandleOperations(rooms.add(this, table), (file, state) -> {}).register(table);
        var executor = new CompoundExecutor(
                table,
                sessions,
                store,
                () -> Instant.EPOCH,
                new SimpleMeterRegistry(),
                LIMITS.messageBytes(),
                rooms.patienceNanos());
        var programs = RpcPrograms.none().with(CompoundExecutor.PROGRAM, CompoundExecutor.VERSION, executor);
        try {
            new RpcServer(network, programs, RpcLimits.DEFAULT)
                    .listen(new InetSocketAddress(0), ConnectionLimits.DEFAULT);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /// A server on a loop of its own whose store commits everything at once.
    public TestServer(Consumer<OpTable> operations) {
        this(MemoryEngine.committing(), new ManualLoop(), operations);
    }

    /// A new connection.
    public TestPeer connect() {
        var peer = new TestPeer(loop);
        peer.attach(network.handler(peer));
        return peer;
    }

    private static final class FakeNetwork implements Network {
        private @Nullable Function<Connection, ConnectionHandler> handlers;

        ConnectionHandler handler(Connection connection) {
            if (handlers == null) {
                throw new IllegalStateException("nobody listens");
            }
            return handlers.apply(connection);
        }

        @Override
        public Listener listen(
                InetSocketAddress at, Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits) {
            this.handlers = handlers;
            return new Listener() {
                @Override
                public InetSocketAddress address() {
                    return at;
                }

                @Override
                public int connections() {
                    return 0;
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public void connect(
                InetSocketAddress to,
                Function<Connection, ConnectionHandler> handlers,
                ConnectionLimits limits,
                Consumer<IOException> failed) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void connect(
                Loop on,
                InetSocketAddress to,
                Function<Connection, ConnectionHandler> handlers,
                ConnectionLimits limits,
                Consumer<IOException> failed) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Loop loop() {
            throw new UnsupportedOperationException();
        }

        @Override
        public NetworkCounters counters() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
