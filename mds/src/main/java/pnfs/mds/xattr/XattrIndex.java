package pnfs.mds.xattr;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// Which extended attributes a file has, in the order in which they were made. Immutable.
///
/// @param nextCookie the LISTXATTRS cookie that the next attribute gets; grows, so that no cookie is given twice
///     and a listing that goes on while attributes come and go names each that stays exactly once
public record XattrIndex(long nextCookie, List<Item> items) {
    /// 0 begins a listing.
    private static final long FIRST_COOKIE = 1;

    public static final XattrIndex EMPTY = new XattrIndex(FIRST_COOKIE, List.of());

    /// What all names of a file may take, with a zero byte behind each: Linux hands no more to a program
    /// (XATTR_LIST_MAX).
    private static final int MAX_NAMES_BYTES = 64 << 10;

    /// What names and values of a file may take.
    private static final int MAX_BYTES = 1 << 20;

    /// One attribute.
    ///
    /// @param nameBytes, valueBytes their lengths, the name's in UTF-8
    public record Item(String name, long cookie, int nameBytes, int valueBytes) {}

    public XattrIndex {
        items = List.copyOf(items);
    }

    @Nullable
    Item find(String name) {
        for (Item item : items) {
            if (item.name.equals(name)) {
                return item;
            }
        }
        return null;
    }

    /// With a new attribute, or a value of another length for one that is there.
    ///
    /// @throws NfsException NOSPC when they become too many
    XattrIndex with(String name, int nameBytes, int valueBytes) {
        var changed = new ArrayList<>(items);
        Item old = find(name);
        XattrIndex index;
        if (old == null) {
            changed.add(new Item(name, nextCookie, nameBytes, valueBytes));
            index = new XattrIndex(nextCookie + 1, changed);
        } else {
            changed.set(items.indexOf(old), new Item(name, old.cookie, nameBytes, valueBytes));
            index = new XattrIndex(nextCookie, changed);
        }
        int names = 0;
        int all = 0;
        for (Item item : changed) {
            names += item.nameBytes + 1;
            all += item.nameBytes + item.valueBytes;
        }
        if (names > MAX_NAMES_BYTES || all > MAX_BYTES) {
            throw new NfsException(
                    NfsStatus.NOSPC,
                    names + " bytes of names over " + MAX_NAMES_BYTES + ", or " + all + " in all over " + MAX_BYTES);
        }
        return index;
    }

    /// With these and no others: what it has keeps its cookie.
    ///
    /// @param there their names, and bytes of their values
    public XattrIndex agreeingWith(Map<String, Integer> there) {
        var unlisted = new LinkedHashMap<>(there);
        var agreeing = new ArrayList<Item>();
        for (Item item : items) {
            Integer valueBytes = unlisted.remove(item.name);
            if (valueBytes != null) {
                agreeing.add(new Item(item.name, item.cookie, item.nameBytes, valueBytes));
            }
        }
        long next = nextCookie;
        for (Map.Entry<String, Integer> missing : unlisted.entrySet()) {
            String name = missing.getKey();
            agreeing.add(new Item(name, next++, XattrRecords.bytes(name).length, missing.getValue()));
        }
        return new XattrIndex(next, agreeing);
    }

    XattrIndex without(Item item) {
        var left = new ArrayList<>(items);
        left.remove(item);
        return new XattrIndex(nextCookie, left);
    }
}
