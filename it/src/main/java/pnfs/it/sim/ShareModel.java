package pnfs.it.sim;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Leases.Claim;

/// Who has which file open for reading and writing, and who denies that to others. What a client was told holds
/// from the reply until it sends the opposite; what it may have lasts from the request until the opposite is
/// answered. Nobody may be let in against the first, nor be kept away but by the second. One thread.
final class ShareModel {
    private static final long NEVER = 0;
    private static final long STILL = Long.MAX_VALUE;

    /// What a client has of one file.
    private static final class Share {
        /// Null while it does not count on having the file open.
        @Nullable
        Claim claim;

        int denied;
        long mayBeOpenUntil = NEVER;
        long mayDenyUntil = NEVER;
    }

    /// What one client has.
    private static final class Shares {
        final Map<FileModel, Share> ofFile = new HashMap<>();
        /// Opens by name may concern any file.
        int byName;

        long byNameUntil = NEVER;

        Share of(FileModel file) {
            return ofFile.computeIfAbsent(file, _ -> new Share());
        }
    }

    private final Leases leases;
    private final Map<Integer, Shares> clients = new TreeMap<>();

    ShareModel(Leases leases) {
        this.leases = leases;
    }

    private Shares of(int client) {
        return clients.computeIfAbsent(client, _ -> new Shares());
    }

    /// A client asks for a file by its name, and denies nothing.
    void asks(int client) {
        of(client).byName++;
    }

    /// It was told what came of that, and knows what it has.
    void answered(int client, long at) {
        Shares shares = of(client);
        shares.byName = Math.max(0, shares.byName - 1);
        shares.byNameUntil = at;
    }

    /// A client asks to have a file open.
    void asks(int client, FileModel file, int denied) {
        Share share = of(client).of(file);
        share.mayBeOpenUntil = STILL;
        if (denied != 0) {
            share.mayDenyUntil = STILL;
        }
    }

    /// A client was told that it has a file open.
    ///
    /// @param denied all that it denies
    /// @return what is wrong, or null
    @Nullable
    String opened(int client, FileModel file, int denied) {
        asks(client, file, denied);
        Share share = of(client).of(file);
        share.claim = leases.claim(client);
        share.denied = denied;
        for (var each : clients.entrySet()) {
            Share other = each.getValue().ofFile.get(file);
            Claim claim = other == null ? null : other.claim;
            if (each.getKey() != client && claim != null && other != null && leases.stands(claim)) {
                if (other.denied != 0 || denied != 0) {
                    return "client " + each.getKey() + " has it open and denies " + other.denied;
                }
            }
        }
        return null;
    }

    /// A client lets others in again, or hears that they never were kept away.
    void admits(int client, FileModel file) {
        of(client).of(file).denied = 0;
    }

    /// It was told that they are.
    void admitted(int client, FileModel file, long at) {
        of(client).of(file).mayDenyUntil = at;
    }

    /// A client closes a file, or has lost it.
    void released(int client, FileModel file) {
        Share share = of(client).of(file);
        share.claim = null;
        share.denied = 0;
    }

    /// It was told that the file is closed.
    void closed(int client, FileModel file, long at) {
        admitted(client, file, at);
        of(client).of(file).mayBeOpenUntil = at;
    }

    /// The server knows nothing any more of what the client had.
    void forgotten(int client, long at) {
        Shares shares = of(client);
        shares.byName = 0;
        shares.byNameUntil = at;
        shares.ofFile.keySet().forEach(file -> closed(client, file, at));
    }

    /// Whether another client may have had a file open, or denied it, at some time since.
    ///
    /// @param denied what was asked to be denied
    boolean mayKeepAway(int client, FileModel file, int denied, long since) {
        for (var each : clients.entrySet()) {
            Shares shares = each.getValue();
            Share other = shares.ofFile.get(file);
            if (each.getKey() != client) {
                boolean byName = denied != 0 && (shares.byName > 0 || shares.byNameUntil >= since);
                boolean open = other != null && denied != 0 && other.mayBeOpenUntil >= since;
                if (byName || open || (other != null && other.mayDenyUntil >= since)) {
                    return true;
                }
            }
        }
        return false;
    }
}
