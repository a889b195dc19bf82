package pnfs.client;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;

/// The way to the metadata server: carries one compound there and its results back, over whatever connection
/// there is. Safe for all threads.
interface MdsLink extends AutoCloseable {
    /// The results of the operations that ran. Connects when there is no connection.
    ///
    /// @throws LinkException where no answer came; whether the compound was executed is not known then
    List<OpResult> send(List<OpArgs> compound, Duration limit) throws LinkException, InterruptedIOException;

    /// `then` is run, on a thread that must not wait, whenever a connection was lost.
    void whenLost(Runnable then);

    @Override
    void close();
}
