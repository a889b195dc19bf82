package pnfs.mds.attribute;

import org.jspecify.annotations.Nullable;

/// A value, null where there is none, and the ticket of the change that made it so; a reply that shows either
/// waits for that ticket (I3).
public record Versioned<T>(@Nullable T value, long ticket) {}
