package pnfs.mds.namespace;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.Stored;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// The names in all directories. Reading is safe for any thread; a name is entered, replaced or dropped under
/// the lock of its directory, whose [Content.Directory] counts along: the caller puts what these methods return
/// into the same [FileChange].
final class Directories {
    private final MetadataStore store;

    Directories(MetadataStore store) {
        this.store = store;
    }

    /// Receives the entries of a [#list].
    @FunctionalInterface
    interface Visitor {
        /// Returns false to stop.
        boolean visit(Entry entry);
    }

    /// Null when there is no such name; `state` waits for either answer.
    @Nullable
    Entry find(Inode directory, String name, CompoundState state) {
        Stored stored = store.get(DirectoryRecords.entryKey(directory.id(), name));
        state.dependsOn(stored.ticket());
        byte[] value = stored.value();
        return value == null ? null : DirectoryRecords.readEntry(directory.id(), name, value);
    }

    /// The same without a compound.
    Optional<Entry> find(Inode directory, String name) {
        byte[] value =
                store.get(DirectoryRecords.entryKey(directory.id(), name)).value();
        return Optional.ofNullable(value).map(found -> DirectoryRecords.readEntry(directory.id(), name, found));
    }

    /// @throws NfsException NOENT when there is no such name
    Entry require(Inode directory, String name, CompoundState state) {
        Entry entry = find(directory, name, state);
        if (entry == null) {
            throw new NfsException(NfsStatus.NOENT, "no '" + name + "' in " + directory);
        }
        return entry;
    }

    /// Visits the entries whose cookies are over `cookie`, in their order, as of one moment.
    void list(Inode directory, long cookie, CompoundState state, Visitor visitor) {
        state.dependsOn(list(directory, cookie, visitor));
    }

    /// The same without a compound; returns the ticket of what was shown.
    long list(Inode directory, long cookie, Visitor visitor) {
        byte[] from = DirectoryRecords.cookieKey(directory.id(), cookie + 1);
        byte[] end = Keys.after(Keys.COOKIE.of(directory.id()));
        return store.scan(from, end, (key, value) -> visitor.visit(DirectoryRecords.readCookie(key, value)));
    }

    /// A name that was not there.
    Content.Directory enter(FileChange change, long directory, Content.Directory names, String name, FileHandle file) {
        put(change, directory, new Entry(name, file, names.nextCookie()));
        return new Content.Directory(names.parent(), names.entries() + 1, names.nextCookie() + 1);
    }

    /// Another name for an entry: it keeps its place in listings, so that a walk which renames what it meets
    /// meets each file once.
    Content.Directory rename(FileChange change, long directory, Content.Directory names, Entry entry, String name) {
        change.batch().delete(DirectoryRecords.entryKey(directory, entry.name()));
        put(change, directory, new Entry(name, entry.file(), entry.cookie()));
        return names;
    }

    Content.Directory drop(FileChange change, long directory, Content.Directory names, Entry entry) {
        change.batch().delete(DirectoryRecords.entryKey(directory, entry.name()));
        change.batch().delete(DirectoryRecords.cookieKey(directory, entry.cookie()));
        return new Content.Directory(names.parent(), names.entries() - 1, names.nextCookie());
    }

    private static void put(FileChange change, long directory, Entry entry) {
        change.batch().put(DirectoryRecords.entryKey(directory, entry.name()), DirectoryRecords.writeEntry(entry));
        change.batch().put(DirectoryRecords.cookieKey(directory, entry.cookie()), DirectoryRecords.writeCookie(entry));
    }
}
