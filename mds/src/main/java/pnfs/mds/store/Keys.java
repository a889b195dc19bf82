package pnfs.mds.store;

import java.nio.ByteBuffer;
import java.util.Arrays;

/// The key space: one prefix byte a kind of record, listed here and nowhere else. What follows the prefix, and
/// the value, belong to the room named; its `…Records` class documents both. Numbers in keys are big-endian, so
/// that the order of keys is the order of numbers.
public enum Keys {
    /// Facts about the store itself: format version, server identity, boot count, counters of ids. [rooms: all]
    META('m'),
    /// Confirmed clients. Key: client id. [room: session]
    CLIENT('c'),
    /// Sessions that outlive the run. Key: session id. [room: session]
    SESSION('t'),
    /// The last request in a slot of theirs that changed something, and its reply. Key: session id, slot.
    /// [room: session]
    SLOT('q'),
    /// What their clients have seen of callbacks. Key: session id, slot of the backchannel. [room: session]
    CALLBACK('z'),
    /// Inodes. Key: inode id. [room: namespace]
    INODE('i'),
    /// Directory entries by name. Key: directory id, name. [room: namespace]
    ENTRY('e'),
    /// Directory entries by READDIR cookie. Key: directory id, cookie. [room: namespace]
    COOKIE('k'),
    /// Exports. Key: path. [room: export]
    EXPORT('p'),
    /// Extended attributes. Key: inode id, name. [room: xattr]
    XATTR('a'),
    /// Files without a name that wait for their last CLOSE. Key: inode id. [room: namespace]
    ORPHAN('o'),
    /// Who has which file open. Key: inode id, number of the state. [room: open]
    OPEN('n'),
    /// Who locks bytes of files. Key: inode id, number of the state. [room: lock]
    LOCK('l'),
    /// The bytes that they lock. Key: inode id, number of a state of theirs, offset. [room: lock]
    RANGE('b'),
    /// What is delegated to whom. Key: inode id, number of the state. [room: delegation]
    DELEGATION('d'),
    /// Extents of files. Key: inode id, offset. [room: layout]
    EXTENT('x'),
    /// Free and reserved space. Key: device, offset. [room: layout]
    SPACE('s'),
    /// What clients were granted and have yet to commit. Key: inode id, client id. [room: layout]
    GRANT('g'),
    /// Reservation keys that clients have, and volumes they may use them on. Key: reservation key, device. [room:
    /// layout]
    FENCE('f'),
    /// Which clients want to hear of which devices. Key: client id, device. [room: layout]
    WATCH('h'),
    /// Data servers and their regions. Key: region id. [room: cluster]
    REGION('r'),
    /// Volumes, by the device id that clients know. Key: device id. [room: cluster]
    VOLUME('v'),
    /// Volumes that are being emptied. Key: device id. [room: cluster]
    DRAIN('w'),
    /// Records that could not be read, as they were, for people. Key: the key that it had, prefix and all.
    /// [room: check]
    ASIDE('u');

    private final byte prefix;

    Keys(char prefix) {
        this.prefix = (byte) prefix;
    }

    /// The key of the record `a`.
    public byte[] of(long a) {
        return room(Long.BYTES).putLong(a).array();
    }

    /// The key of the record `a`, `b`.
    public byte[] of(long a, long b) {
        return room(2 * Long.BYTES).putLong(a).putLong(b).array();
    }

    /// The key of the record `a`, `rest`.
    public byte[] of(long a, byte[] rest) {
        return room(Long.BYTES + rest.length).putLong(a).put(rest).array();
    }

    /// The key of the record `rest`.
    public byte[] of(byte[] rest) {
        return room(rest.length).put(rest).array();
    }

    /// The least key of this kind.
    public byte[] first() {
        return new byte[] {prefix};
    }

    /// The least key after all of this kind.
    public byte[] end() {
        return after(first());
    }

    /// The least key after all that begin with `start`: with `start` itself the range of a [MetadataStore#scan].
    public static byte[] after(byte[] start) {
        int last = start.length - 1;
        while (start[last] == (byte) 0xff) {
            last--;
        }
        byte[] end = Arrays.copyOf(start, last + 1);
        end[last]++;
        return end;
    }

    /// The first number of a key, behind its prefix.
    public static long number(byte[] key) {
        return ByteBuffer.wrap(key).getLong(1);
    }

    /// The second number of a key of two.
    public static long secondNumber(byte[] key) {
        return ByteBuffer.wrap(key).getLong(1 + Long.BYTES);
    }

    private ByteBuffer room(int bytes) {
        return ByteBuffer.allocate(1 + bytes).put(prefix);
    }
}
