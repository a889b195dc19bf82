package pnfs.mds.compound;

import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;

/// What one operation of a COMPOUND leaves for the next (RFC 8881 §16.2.3), and the facts that hold for all of
/// them. Confined to the operation that runs. It holds no collaborators: those come to an operation by its
/// constructor.
public final class CompoundState {
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final @Nullable RpcConnection connection;
    private final RpcCredential credential;
    private final int minorVersion;
    private final long nowNanos;
    private final NfsTime now;

    private @Nullable SessionRef session;
    private Permit permit;
    private Permit savedPermit;
    private @Nullable FileHandle currentFile;
    private @Nullable FileHandle savedFile;
    private @Nullable Stateid currentStateid;
    private @Nullable Stateid savedStateid;
    private long patienceNanos;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    private int resultBytesLeft;
    private boolean last;
    private long ticket;

    /// The state before the first operation.
    ///
    /// @param nowNanos monotonic: leases, timeouts
    /// @param now wall clock: the times of files
    public CompoundState(RpcCredential credential, int minorVersion, long nowNanos, NfsTime now) {
        this(null, credential, minorVersion, nowNanos, now, 0);
    }

    CompoundState(
            @Nullable RpcConnection connection,
            RpcCredential credential,
            int minorVersion,
            long nowNanos,
            NfsTime now,
            long patienceNanos) {
        this.patienceNanos = patienceNanos;
        this.connection = connection;
        this.credential = credential;
        this.permit = new Permit(credential, false);
        this.savedPermit = permit;
        this.minorVersion = minorVersion;
        this.nowNanos = nowNanos;
        this.now = now;
    }

    /// The connection the COMPOUND came in on.
    public RpcConnection connection() {
        if (connection == null) {
            throw new IllegalStateException("no connection carries this COMPOUND");
        }
        return connection;
    }

    /// The same; empty where an operation runs without one, as in tests of one room.
    public Optional<RpcConnection> carrier() {
        return Optional.ofNullable(connection);
    }

    /// Runs `then` on the connection's loop a little later, each time twice as much, unless this COMPOUND has
    /// used up the patience that it may have with other clients.
    ///
    /// @return whether it will run
    public boolean pause(Runnable then) {
        if (connection == null || pauseNanos > patienceNanos) {
            return false;
        }
        connection.connection().loop().schedule(pauseNanos, then);
        patienceNanos -= pauseNanos;
        pauseNanos *= 2;
        return true;
    }

    /// As the call said it; as whom the COMPOUND acts on files, [#permit] says.
    public RpcCredential credential() {
        return credential;
    }

    /// What it may do where the current file is.
    public Permit permit() {
        return permit;
    }

    /// The COMPOUND is about to go to a file of another export.
    public void setPermit(Permit granted) {
        permit = granted;
    }

    /// Refuses to change what is exported for reading only.
    ///
    /// @throws NfsException ROFS
    public void requireWritable() {
        if (permit.readOnly()) {
            throw new NfsException(NfsStatus.ROFS, "exported for reading only");
        }
    }

    /// 1 or 2.
    public int minorVersion() {
        return minorVersion;
    }

    /// Monotonic time at the COMPOUND's begin, the same for all of its operations.
    public long nowNanos() {
        return nowNanos;
    }

    /// Wall-clock time at the COMPOUND's begin, the same for all of its operations.
    public NfsTime now() {
        return now;
    }

    /// The session of SEQUENCE.
    ///
    /// @throws IllegalStateException in an operation that may stand without one, where the COMPOUND has none
    public SessionRef session() {
        if (session == null) {
            throw new IllegalStateException("no session in this COMPOUND");
        }
        return session;
    }

    /// Whether the COMPOUND began with SEQUENCE.
    public boolean hasSession() {
        return session != null;
    }

    /// The client that SEQUENCE named.
    public long clientId() {
        return session().clientId();
    }

    public void enterSession(SessionRef entered) {
        session = entered;
    }

    /// The current filehandle.
    ///
    /// @throws NfsException NOFILEHANDLE when there is none
    public FileHandle currentFile() {
        if (currentFile == null) {
            throw new NfsException(NfsStatus.NOFILEHANDLE, "no current filehandle");
        }
        return currentFile;
    }

    /// Makes `file` the current filehandle; a current stateid belonged to the old one and goes.
    public void setCurrentFile(FileHandle file) {
        currentFile = file;
        currentStateid = null;
    }

    /// SECINFO consumes the current filehandle (RFC 8881 §2.6.3.1.1.8).
    public void clearCurrentFile() {
        currentFile = null;
        currentStateid = null;
    }

    /// The saved filehandle.
    ///
    /// @throws NfsException NOFILEHANDLE when there is none
    public FileHandle savedFile() {
        if (savedFile == null) {
            throw new NfsException(NfsStatus.NOFILEHANDLE, "no saved filehandle");
        }
        return savedFile;
    }

    /// SAVEFH: filehandle, permit and stateid together.
    void save() {
        savedFile = currentFile();
        savedPermit = permit;
        savedStateid = currentStateid;
    }

    /// RESTOREFH: filehandle, permit and stateid together.
    void restore() {
        if (savedFile == null) {
            throw new NfsException(NfsStatus.RESTOREFH, "no saved filehandle");
        }
        currentFile = savedFile;
        permit = savedPermit;
        currentStateid = savedStateid;
    }

    /// The same COMPOUND as seen from the saved filehandle, for COPY, which reads there: its stateid is the
    /// saved one, and results in between are not the client's. What it shows, this state's reply depends on
    /// too; the caller sees to that.
    public CompoundState ofSavedFile() {
        var there = new CompoundState(connection, credential, minorVersion, nowNanos, now, patienceNanos);
        there.session = session;
        there.currentFile = savedFile();
        there.permit = savedPermit;
        there.currentStateid = savedStateid;
        there.begin(Integer.MAX_VALUE, false);
        return there;
    }

    /// Called by every operation whose result has a stateid (RFC 8881 §16.2.3.1.2).
    public void setCurrentStateid(Stateid stateid) {
        currentStateid = stateid;
    }

    /// The stateid that an argument means: itself, or for "the current stateid" the one that an operation
    /// before this one left, in its latest state.
    ///
    /// @throws NfsException BAD_STATEID when the current one is meant and there is none
    public Stateid resolve(Stateid argument) {
        return argument.isCurrent() ? current().withSeqid(0) : argument;
    }

    /// As [#resolve], with the current stateid's own seqid: for CLOSE and OPEN_DOWNGRADE, which want to know
    /// that nobody changed the open in between.
    public Stateid resolveExactly(Stateid argument) {
        return argument.isCurrent() ? current() : argument;
    }

    private Stateid current() {
        if (currentStateid == null) {
            throw new NfsException(NfsStatus.BAD_STATEID, "no current stateid");
        }
        return currentStateid;
    }

    /// How many bytes the result of the operation that runs may have, its opcode and status included, before
    /// the reply grows over what the client takes. An operation that can be short (READ, READDIR, LAYOUTGET)
    /// is.
    public int resultBytesLeft() {
        return resultBytesLeft;
    }

    /// Whether the operation that runs is the last of the COMPOUND.
    public boolean isLast() {
        return last;
    }

    /// What holds for the operation that runs next.
    void begin(int bytesLeft, boolean isLast) {
        resultBytesLeft = bytesLeft;
        last = isLast;
    }

    /// The reply must not leave before the store's `ticket` is durable, because it shows what that batch
    /// changed (I3).
    public void dependsOn(long ticket) {
        this.ticket = Math.max(this.ticket, ticket);
    }

    /// The youngest ticket the reply depends on; 0 when all it shows is durable.
    public long ticket() {
        return ticket;
    }
}
