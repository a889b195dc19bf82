package pnfs.mds.session;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A room that holds what the test says.
final class Holdings implements StateHolder {
    final Set<Long> holding = new HashSet<>();
    final List<Long> released = new ArrayList<>();

    @Override
    public boolean holdsStateOf(long clientId) {
        return holding.contains(clientId);
    }

    @Override
    public void release(long clientId) {
        holding.remove(clientId);
        released.add(clientId);
    }
}
