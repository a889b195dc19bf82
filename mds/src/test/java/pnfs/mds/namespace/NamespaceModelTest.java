package pnfs.mds.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// The namespace beside [ModelTree]: the same operations, the same answers, the same tree.
class NamespaceModelTest {
    private static final String[] NAMES = {"a", "b", "c", "d", "ä"};
    private static final FileType[] TYPES = {
        FileType.DIRECTORY,
        FileType.DIRECTORY,
        FileType.REGULAR,
        FileType.REGULAR,
        FileType.SYMLINK,
        FileType.FIFO,
        FileType.SOCKET,
        FileType.CHARACTER_DEVICE
    };

    /// The real tree and its model, and the luck of one seed.
    private static final class Pair {
        final RandomGenerator random;
        final ModelTree model = new ModelTree();
        FileRooms rooms;
        long lastTicket;

        Pair(MemoryEngine engine, RandomGenerator random) {
            this.random = random;
            this.rooms = new FileRooms(engine, random.nextLong());
        }

        /// One random operation on both.
        void step() {
            lastTicket = 0;
            ModelTree.Node directory = pick(model.directories());
            String name = NAMES[random.nextInt(NAMES.length)];
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> create(directory, name);
                case 3 -> link(directory, name);
                case 4 -> remove(directory, name);
                default -> rename(directory, name);
            }
        }

        private void create(ModelTree.Node directory, String name) {
            FileType type = TYPES[random.nextInt(TYPES.length)];
            FileHandle handle = handle(directory);
            NfsStatus expected = model.create(directory, name, type);
            OpResult result = run(null, handle, creation(name, type));
            assertThat(result.status()).as("make %s %s", type, name).isEqualTo(expected);
            if (result instanceof OpResult.OpenResult open && random.nextBoolean()) {
                run(null, handle(directory, name), new OpArgs.CloseArgs(0, open.stateid()));
            }
        }

        private void link(ModelTree.Node directory, String name) {
            ModelTree.Node source = pick(model.directories());
            if (source.children.isEmpty()) {
                return;
            }
            Map.Entry<String, ModelTree.Node> chosen = pick(List.copyOf(source.children.entrySet()));
            FileHandle file = handle(source, chosen.getKey());
            FileHandle target = handle(directory);
            NfsStatus expected = model.link(chosen.getValue(), directory, name);
            assertThat(run(file, target, new OpArgs.LinkArgs(name)).status())
                    .as("link %s", name)
                    .isEqualTo(expected);
        }

        private void remove(ModelTree.Node directory, String name) {
            FileHandle handle = handle(directory);
            NfsStatus expected = model.remove(directory, name);
            assertThat(run(null, handle, new OpArgs.RemoveArgs(name)).status())
                    .as("remove %s", name)
                    .isEqualTo(expected);
        }

        private void rename(ModelTree.Node from, String oldName) {
            ModelTree.Node to = random.nextInt(3) == 0 ? from : pick(model.directories());
            String newName = NAMES[random.nextInt(NAMES.length)];
            FileHandle source = handle(from);
            FileHandle target = handle(to);
            String before = model.path(from) + " " + oldName + " to " + model.path(to) + " " + newName;
            NfsStatus expected = model.rename(from, oldName, to, newName);
            assertThat(run(source, target, new OpArgs.RenameArgs(oldName, newName))
                            .status())
                    .as("rename %s", before)
                    .isEqualTo(expected);
        }

        private OpResult run(@Nullable FileHandle saved, FileHandle current, OpArgs operation) {
            CompoundState state = rooms.state(FileRooms.root(), 1);
            if (saved != null) {
                state.setCurrentFile(saved);
                CompoundRunner.save(state);
            }
            state.setCurrentFile(current);
            OpResult result = rooms.run(state, operation).getFirst();
            lastTicket = Math.max(lastTicket, state.ticket());
            return result;
        }

        FileHandle handle(ModelTree.Node directory) {
            return rooms.at(model.path(directory).toArray(String[]::new));
        }

        FileHandle handle(ModelTree.Node directory, String name) {
            List<String> path = model.path(directory);
            path.add(name);
            return rooms.at(path.toArray(String[]::new));
        }

        private <T> T pick(List<T> list) {
            return list.get(random.nextInt(list.size()));
        }
    }

    private static OpArgs creation(String name, FileType type) {
        CreateObject object = switch (type) {
            case DIRECTORY -> new CreateObject.Directory();
            case SYMLINK -> new CreateObject.Symlink(Opaque.ofUtf8("../" + name));
            case FIFO -> new CreateObject.Fifo();
            case SOCKET -> new CreateObject.Socket();
            case CHARACTER_DEVICE -> new CreateObject.CharacterDevice(new DeviceNumbers(1, 2));
            default -> null;
        };
        if (object != null) {
            return new OpArgs.CreateArgs(object, name, Fattr.EMPTY);
        }
        return new OpArgs.OpenArgs(
                0,
                ShareBits.BOTH,
                0,
                new StateOwner(0, Opaque.ofUtf8("owner")),
                new OpenHow.Guarded(Fattr.EMPTY),
                new OpenClaim.ByName(name));
    }

    @Seeds(300)
    void the_tree_is_what_plain_maps_say(RandomGenerator random) {
        var pair = new Pair(MemoryEngine.committing(), random);

        for (int i = 0; i < 150; i++) {
            pair.step();
        }

        assertThat(RealTree.dump(pair.rooms)).isEqualTo(pair.model.dump());
        assertThat(RealTree.complaints(pair.rooms)).isEmpty();
        pair.rooms.end(1);
        assertThat(RealTree.complaints(pair.rooms)).isEmpty();
    }

    /// I5: what was acknowledged is there after a crash; and what is there is a state the tree was in.
    @Seeds(300)
    void I5_after_a_crash_the_tree_is_one_that_was_and_holds_all_that_was_acknowledged(RandomGenerator random) {
        var pair = new Pair(new MemoryEngine(), random);
        pair.rooms.engine.commitAll();
        var tickets = new ArrayList<Long>(List.of(0L));
        var dumps = new ArrayList<String>(List.of(pair.model.dump()));
        int steps = 1 + random.nextInt(80);
        for (int i = 0; i < steps; i++) {
            pair.step();
            tickets.add(pair.lastTicket);
            dumps.add(pair.model.dump());
            if (random.nextInt(3) == 0) {
                pair.rooms.engine.commit(random.nextInt(10));
            }
        }
        long durable = pair.rooms.store.durableTicket();
        int acknowledged = 0;
        for (int i = 1; i < tickets.size(); i++) {
            boolean changed = !dumps.get(i).equals(dumps.get(i - 1));
            acknowledged = changed && tickets.get(i) <= durable ? i : acknowledged;
        }

        FileRooms after = pair.rooms.crash(random.nextLong());

        String found = RealTree.dump(after);
        assertThat(dumps.subList(acknowledged, dumps.size())).contains(found);
        assertThat(RealTree.complaints(after)).isEmpty();
        after.orphans.reapAll();
        assertThat(RealTree.complaints(after)).isEmpty();
        assertThat(after.inodes.newFile(0).inode())
                .as("a number that was given out is not given again")
                .isGreaterThan(highestInode(after));
    }

    /// I3: a reply leaves when its ticket is durable, so what it says has to be true of the store up to that
    /// ticket.
    @Seeds(500)
    void I3_an_answer_does_not_show_more_than_its_ticket_covers(RandomGenerator random) {
        var pair = new Pair(new MemoryEngine(), random);
        pair.rooms.engine.commitAll();
        for (int i = 0; i < 25; i++) {
            pair.step();
            if (random.nextInt(4) == 0) {
                pair.rooms.engine.commit(random.nextInt(6));
            }
        }
        FileHandle file = pair.handle(pair.pick(pair.model.directories()));
        OpArgs question = question(random);
        CompoundState state = pair.rooms.state(FileRooms.root(), 1);
        state.setCurrentFile(file);
        List<OpResult> answer = pair.rooms.run(state, question);

        while (pair.rooms.store.durableTicket() < state.ticket()) {
            pair.rooms.engine.commit(1);
        }
        FileRooms after = pair.rooms.crash(random.nextLong());

        CompoundState again = after.state(FileRooms.root(), 1);
        again.setCurrentFile(file);
        assertThat(after.run(again, question)).isEqualTo(answer);
        if (answer.getFirst().status() == NfsStatus.OK) {
            assertThat(again.currentFile()).isEqualTo(state.currentFile());
        }
    }

    private static OpArgs question(RandomGenerator random) {
        return switch (random.nextInt(4)) {
            case 0 -> new OpArgs.LookupArgs(NAMES[random.nextInt(NAMES.length)]);
            case 1 -> new OpArgs.LookuppArgs();
            case 2 -> new OpArgs.GetAttrArgs(Bitmap.of(Attribute.CHANGE, Attribute.NUMLINKS, Attribute.TIME_METADATA));
            default -> new OpArgs.ReadDirArgs(0, 0, 0, 4096, Bitmap.of(Attribute.FILEID, Attribute.CHANGE));
        };
    }

    private static long highestInode(FileRooms rooms) {
        var highest = new long[] {0};
        rooms.store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, _) -> {
            highest[0] = RealTree.number(key);
            return true;
        });
        return highest[0];
    }
}
