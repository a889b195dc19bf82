package pnfs.mds.open;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Who has one file open. Guarded by the file's lock; [#denied] may be read by any thread.
final class FileOpens {
    private final Map<OpenOwner, OpenState> byOwner = new HashMap<>(2); // nearly always one
    private volatile int denied;

    @Nullable
    OpenState of(OpenOwner owner) {
        return byOwner.get(owner);
    }

    /// @throws ShareDeniedException when another owner's shares do not let `owner` have these
    void requireShareable(OpenOwner owner, int access, int deny) {
        if (deny == 0 && (denied & access) == 0) {
            return;
        }
        for (OpenState open : byOwner.values()) {
            if (!open.owner().equals(owner) && open.shares().conflictsWith(access, deny)) {
                throw new ShareDeniedException(
                        open.clientId(), "access " + access + ", deny " + deny + " beside " + open);
            }
        }
    }

    int accessOfOthers(long clientId) {
        int access = 0;
        for (OpenState open : byOwner.values()) {
            access |= open.clientId() == clientId ? 0 : open.access();
        }
        return access;
    }

    void put(OpenState open) {
        byOwner.put(open.owner(), open);
        refresh();
    }

    void remove(OpenState open) {
        byOwner.remove(open.owner(), open);
        refresh();
    }

    /// After the shares of one of them changed.
    void refresh() {
        denied = deniedBy(byOwner.values());
    }

    boolean isEmpty() {
        return byOwner.isEmpty();
    }

    /// What is denied to those who have not opened the file.
    int denied() {
        return denied;
    }

    private static int deniedBy(Collection<OpenState> opens) {
        int denied = 0;
        for (OpenState open : opens) {
            denied |= open.shares().deny();
        }
        return denied;
    }
}
