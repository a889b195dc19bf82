package pnfs.mds.attribute;

import java.util.random.RandomGenerator;
import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.xdr.Opaque;

/// Inodes of every kind, with values out to the ends of their ranges.
final class RandomInodes {
    private RandomInodes() {}

    static Inode next(RandomGenerator random) {
        var rights = new Rights(random.nextInt(Rights.MODE_BITS + 1), random.nextInt(), random.nextInt());
        var times = new Times(time(random), time(random), time(random), time(random));
        return new Inode(file(random), rights, random.nextInt(1 << 20), number(random), times, content(random));
    }

    private static Content content(RandomGenerator random) {
        return switch (random.nextInt(7)) {
            case 0 -> new Content.Regular(number(random), number(random), null);
            case 1 -> new Content.Regular(number(random), number(random), random.nextLong());
            case 2 ->
                new Content.Directory(
                        file(random),
                        random.nextLong(1L << 50),
                        Math.max(number(random), Content.Directory.FIRST_COOKIE));
            case 3 -> {
                var target = new byte[random.nextInt(1, 4097)];
                random.nextBytes(target);
                yield new Content.Symlink(Opaque.of(target));
            }
            case 4 -> new Content.Device(FileType.BLOCK_DEVICE, random.nextInt(), random.nextInt());
            case 5 -> new Content.Device(FileType.CHARACTER_DEVICE, random.nextInt(), random.nextInt());
            default -> new Content.Meeting(random.nextBoolean() ? FileType.SOCKET : FileType.FIFO);
        };
    }

    private static FileHandle file(RandomGenerator random) {
        return new FileHandle(random.nextLong(1, Long.MAX_VALUE), random.nextLong());
    }

    private static NfsTime time(RandomGenerator random) {
        return new NfsTime(random.nextLong(), random.nextInt(1_000_000_000));
    }

    private static long number(RandomGenerator random) {
        return random.nextBoolean() ? random.nextInt(100) : random.nextLong(Long.MAX_VALUE);
    }
}
