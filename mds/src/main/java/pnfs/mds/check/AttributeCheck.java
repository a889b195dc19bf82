package pnfs.mds.check;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Inode;
import pnfs.mds.xattr.XattrIndex;
import pnfs.mds.xattr.XattrRecords;
import pnfs.wire.xdr.Opaque;

/// Extended attributes: each is of a file that is there, and that file's list has it.
final class AttributeCheck {
    private AttributeCheck() {}

    /// Those of one inode.
    ///
    /// @param inode null where there is none
    static void run(long id, @Nullable Inode inode, Rows rows, Findings findings) {
        var listed = new XattrIndex[] {XattrIndex.EMPTY};
        var there = new LinkedHashMap<String, Integer>();
        int listKeyBytes = XattrRecords.indexKey(id).length;
        rows.take(id, (key, value) -> {
            if (inode == null) {
                findings.add(Damage.STRAY_ATTRIBUTES, "of inode " + id);
                findings.repair.delete(key);
            } else if (key.length == listKeyBytes) {
                XattrIndex list = findings.read(
                        Damage.UNREADABLE_ATTRIBUTE, key, value, (_, record) -> XattrRecords.readIndex(id, record));
                listed[0] = list == null ? XattrIndex.EMPTY : list;
            } else {
                var name = new String(key, listKeyBytes, key.length - listKeyBytes, StandardCharsets.UTF_8);
                Opaque read = findings.read(
                        Damage.UNREADABLE_ATTRIBUTE,
                        key,
                        value,
                        (_, record) -> XattrRecords.readValue(id, name, record));
                if (read != null) {
                    there.put(name, read.length());
                }
            }
        });
        XattrIndex sound = listed[0].agreeingWith(there);
        if (!sound.equals(listed[0])) {
            findings.add(
                    Damage.ATTRIBUTE_LIST,
                    "of inode " + id + " has " + listed[0].items().size() + ", there are " + there.size());
            findings.repair.put(XattrRecords.indexKey(id), XattrRecords.writeIndex(sound));
        }
    }
}
