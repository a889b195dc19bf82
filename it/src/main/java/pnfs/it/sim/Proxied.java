package pnfs.it.sim;

import java.nio.ByteBuffer;
import java.util.List;
import pnfs.it.sim.FileModel.Change;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.OpArgs.*;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.StableHow;

/// What a client does with bytes and sizes through the metadata server. One thread.
final class Proxied {
    static final Bitmap SIZE = Bitmap.of(Attribute.SIZE);
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int SECTOR = FileModel.SECTOR_BYTES;

    private final Caller me;
    private final OpenFiles open;
    private final Layouts layouts;

    Proxied(Caller me, OpenFiles open, Layouts layouts) {
        this.me = me;
        this.open = open;
        this.layouts = layouts;
    }

    void write(OpenFile file, Runnable then) {
        int sectors = 1 + me.random.nextInt(3 * BLOCK / SECTOR);
        int offset = me.random.nextInt(FileModel.MAX_BYTES / SECTOR - sectors) * SECTOR;
        int end = offset + sectors * SECTOR;
        for (int block = offset / BLOCK; block < Math.ceilDiv(end, BLOCK); block++) {
            file.forgetPlace(block); // what the layout says of them may be wrong from here on
        }
        Change change = me.checker.write(file.model, me.number, offset, end, end);
        ByteBuffer data = change.filled();
        me.note("WRITE %s %d..%d value %x", file.model, offset, end, change.value);
        me.ask(
                List.of(new PutFhArgs(file.handle), new WriteArgs(file.open, offset, StableHow.FILE_SYNC, data)),
                answer -> {
                    me.note("WRITE of value %x: %s", change.value, answer.status());
                    me.checker.settled(change, answer);
                    if (answer.isOk()) {
                        int count = answer.find(OpResult.WriteResult.class).count();
                        if (count != data.remaining()) {
                            throw me.checker.fail("WRITE of " + data.remaining() + " bytes wrote " + count);
                        }
                    } else if (answer.known()) {
                        open.refused(file, answer, "WRITE");
                    }
                    then.run();
                });
    }

    void read(OpenFile file, Runnable then) {
        int sectors = 1 + me.random.nextInt(4 * BLOCK / SECTOR);
        int offset = me.random.nextInt(FileModel.MAX_BYTES / SECTOR) * SECTOR;
        long askedAt = me.checker.now();
        me.ask(List.of(new PutFhArgs(file.handle), new ReadArgs(file.open, offset, sectors * SECTOR)), answer -> {
            if (answer.isOk()) {
                ByteBuffer data = answer.find(OpResult.ReadResult.class).data();
                var bytes = new byte[data.remaining()];
                data.get(bytes);
                me.note("READ %s %d+%d", file.model, offset, bytes.length);
                me.checker.seen(file.model, offset, bytes, 0, bytes.length, askedAt);
            } else if (answer.known()) {
                open.refused(file, answer, "READ");
            }
            then.run();
        });
    }

    /// Good clients give their layout back before; others are asked to.
    void truncate(OpenFile file, Runnable then) {
        int size = me.random.nextInt(FileModel.MAX_BYTES / SECTOR) * SECTOR;
        if (me.random.nextBoolean()) {
            file.use(() -> layouts.giveBack(
                    file,
                    () -> truncate(file, size, () -> {
                        file.done();
                        then.run();
                    })));
        } else {
            truncate(file, size, then);
        }
    }

    private void truncate(OpenFile file, int size, Runnable then) {
        Change change = me.checker.truncate(file.model, me.number, size);
        var attributes = AttributeCodec.write(Attributes.builder().size(size).build());
        me.ask(List.of(new PutFhArgs(file.handle), new SetAttrArgs(file.open, attributes)), answer -> {
            me.note("SETATTR %s size %d: %s", file.model, size, answer.status());
            me.checker.settled(change, answer);
            if (answer.known() && !answer.isOk()) {
                open.refused(file, answer, "SETATTR");
            }
            then.run();
        });
    }

    /// Makes zeros of a part, whoever has a layout of it.
    void punch(OpenFile file, Runnable then) {
        int sectors = 1 + me.random.nextInt(4 * BLOCK / SECTOR);
        int offset = me.random.nextInt(FileModel.MAX_BYTES / SECTOR - sectors) * SECTOR;
        int end = offset + sectors * SECTOR;
        for (int block = offset / BLOCK; block < Math.ceilDiv(end, BLOCK); block++) {
            file.forgetPlace(block);
        }
        Change change = me.checker.punch(file.model, me.number, offset, end);
        var range = FileRange.of(offset, end - offset);
        me.ask(List.of(new PutFhArgs(file.handle), new DeallocateArgs(file.open, range)), answer -> {
            me.note("DEALLOCATE %s %d..%d: %s", file.model, offset, end, answer.status());
            me.checker.settled(change, answer);
            if (answer.known() && !answer.isOk()) {
                open.refused(file, answer, "DEALLOCATE");
            }
            then.run();
        });
    }

    void askSize(OpenFile file, Runnable then) {
        long askedAt = me.checker.now();
        me.ask(List.of(new PutFhArgs(file.handle), new GetAttrArgs(SIZE)), answer -> {
            if (answer.isOk()) {
                me.note("GETATTR %s: size %d", file.model, answer.size());
                me.checker.seenSize(file.model, answer.size(), askedAt);
            } else if (answer.known()) {
                open.refused(file, answer, "GETATTR");
            }
            then.run();
        });
    }
}
