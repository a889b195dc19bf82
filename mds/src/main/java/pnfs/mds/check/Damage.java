package pnfs.mds.check;

/// What can be wrong with a store, and what a repair does about it.
public enum Damage {
    UNREADABLE("a record that cannot be read", "none: restore the store from a backup"),
    UNREADABLE_KEY("a record under a key that nobody looks for", "put aside"),
    UNREADABLE_INODE(
            "an inode that cannot be read",
            "put aside; a directory keeps its names and is root's alone, of anything else the rest is"
                    + " lost+found.NUMBER.incomplete; at the next start clients reclaim all they hold"),
    UNREADABLE_EXTENT(
            "an extent that cannot be read",
            "put aside; what is left of its file is lost+found.NUMBER.incomplete; at the next start clients reclaim all"
                    + " they hold"),
    UNCLAIMED_SPACE(
            "space that may be that of an extent which was put aside",
            "kept as it is, as lost+found.NUMBER.space, until that is removed"),
    UNREADABLE_STATE(
            "a record of a client, or of what one holds, that cannot be read",
            "put aside; at the next start, which does the same, clients reclaim all they hold"),
    UNREADABLE_FENCE(
            "a record of a reservation key that cannot be read",
            "put aside; at the next start the key is fenced, and clients reclaim all they hold"),
    UNREADABLE_SPACE("a record of free space that cannot be read", "put aside; free space is what nobody uses"),
    UNREADABLE_ORPHAN("a note to free a file without a name that cannot be read", "put aside; noted anew"),
    UNREADABLE_NAME("one of the two records of a name that cannot be read", "put aside; the other one tells"),
    UNREADABLE_ATTRIBUTE(
            "an extended attribute, or the list of a file's, that cannot be read", "put aside; the others stay"),
    HALF_NAME("a name that only LOOKUP or only READDIR finds", "both find it"),
    STRAY_NAME("a name in something that is no directory", "removed"),
    DANGLING_NAME("a name that leads to no file", "removed"),
    LOST_FILE(
            "a file without a name that nobody waits for",
            "named lost+found.NUMBER in its export's root, for its owner alone"),
    TWO_NAMES("a directory with two names", "none: rename or remove one of them"),
    DETACHED("a directory that no way leads to from its export's root", "none: restore the store from a backup"),
    COUNTS("an inode whose counts or parent disagree with the names there are", "counted anew"),
    DEAD_ORPHAN("a note to free a file that has a name, or that is not there", "removed"),
    STRAY_ATTRIBUTES("extended attributes of no file", "removed"),
    ATTRIBUTE_LIST("a list of extended attributes that is not what there is", "made what there is"),
    STRAY_EXTENT("an extent of something that is no regular file", "its space is freed"),
    STRAY_GRANT("what a client may commit to something that is no regular file", "removed"),
    STRAY_FENCE("a reservation key for a volume that is not there", "removed"),
    STRAY_OPEN("an open of no regular file, or of a client that is gone", "removed"),
    STRAY_LOCK("a byte-range lock under no open", "removed"),
    STRAY_SESSION("a session of a client that is gone, or a slot of a session that is not there", "removed"),
    STRAY_DELEGATION("a delegation of no regular file, or of a client that is gone", "removed"),
    OVERLAP("two extents for the same bytes of a file", "both put aside, as if they could not be read"),
    SHARED_SPACE("the same space in two extents", "none: copy the files, look which bytes are whose, remove both"),
    OUTSIDE("an extent where no volume has space", "none: restore the store from a backup"),
    SPACE_USED("a file whose space_used is not that of its extents", "counted anew"),
    FREE_IN_USE("free space that a file, or a disk's signature, lies on", "in use"),
    FREE_TWICE("free ranges that overlap or touch", "made one"),
    LEAKED_SPACE("space that neither is free nor belongs to anything", "freed");

    private final String meaning;
    private final String repair;

    Damage(String meaning, String repair) {
        this.meaning = meaning;
        this.repair = repair;
    }

    /// For people: what it is.
    public String meaning() {
        return meaning;
    }

    /// For people: what a repair does.
    public String repair() {
        return repair;
    }

    /// Whether a repair does anything.
    public boolean isRepairable() {
        return !repair.startsWith("none");
    }
}
