package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.DeviceNumbers;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A directory of the test's own, and what is made in it.
final class Tree {
    static final OpArgs[] NOTHING = {};
    static final OpArgs PUT_ROOT = new PutRootFhArgs();
    static final OpArgs GET_FH = new GetFhArgs();
    static final Fattr MODE_644 = AttributeCodec.write(
            Attributes.builder().uint32(Attribute.MODE, 0644).build());
    static final Fattr MODE_755 = AttributeCodec.write(
            Attributes.builder().uint32(Attribute.MODE, 0755).build());

    final Session session;
    final String name;
    final Opaque handle;

    /// A file that an OPEN opened.
    record Opened(Opaque file, Stateid stateid, OpenDelegation delegation) {
        /// The same, in whatever version it is.
        Stateid anyVersion() {
            return stateid.withSeqid(0);
        }
    }

    private Tree(Session session, String name, Opaque handle) {
        this.session = session;
        this.name = name;
        this.handle = handle;
    }

    static Tree make(Session session, String name) {
        return new Tree(
                session,
                name,
                handle(session.ok(PUT_ROOT, new CreateArgs(new CreateObject.Directory(), name, MODE_755), GET_FH)));
    }

    /// A directory in the root that is there already.
    static Tree find(Session session, String name) {
        return new Tree(session, name, handle(session.ok(PUT_ROOT, new LookupArgs(name), GET_FH)));
    }

    /// The same directory for another client.
    Tree of(Session other) {
        return new Tree(other, name, handle);
    }

    static Opaque handle(List<OpResult> results) {
        return Session.find(GetFhResult.class, results).fileHandle();
    }

    static OpArgs put(Opaque file) {
        return new PutFhArgs(file);
    }

    /// The operations behind one that makes `file` current.
    static OpArgs[] at(Opaque file, OpArgs... operations) {
        return Stream.concat(Stream.of(put(file)), Stream.of(operations)).toArray(OpArgs[]::new);
    }

    static OpArgs[] concat(OpArgs[]... operations) {
        return Arrays.stream(operations).flatMap(Arrays::stream).toArray(OpArgs[]::new);
    }

    /// In this directory.
    OpArgs[] here(OpArgs... operations) {
        return at(handle, operations);
    }

    /// One step down for each name.
    Opaque lookup(String... path) {
        OpArgs[] steps = Stream.of(path).map(LookupArgs::new).toArray(OpArgs[]::new);
        return handle(session.ok(concat(here(), steps, new OpArgs[] {GET_FH})));
    }

    Opaque directory(String child) {
        return directory(handle, child);
    }

    Opaque directory(Opaque in, String child) {
        return object(in, child, new CreateObject.Directory());
    }

    Opaque object(Opaque in, String child, CreateObject what) {
        return handle(session.ok(at(in, new CreateArgs(what, child, MODE_755), GET_FH)));
    }

    /// An object of a kind that CREATE makes, or an empty regular file.
    Opaque object(String child, FileType type) {
        return switch (type) {
            case REGULAR -> {
                Opened opened = create(handle, child);
                close(opened);
                yield opened.file();
            }
            case DIRECTORY -> directory(child);
            case SYMLINK -> object(handle, child, new CreateObject.Symlink(Opaque.ofUtf8("/etc/X11")));
            case BLOCK_DEVICE -> object(handle, child, new CreateObject.BlockDevice(new DeviceNumbers(1, 2)));
            case CHARACTER_DEVICE -> object(handle, child, new CreateObject.CharacterDevice(new DeviceNumbers(1, 2)));
            case SOCKET -> object(handle, child, new CreateObject.Socket());
            case FIFO -> object(handle, child, new CreateObject.Fifo());
            case ATTRIBUTE_DIRECTORY, NAMED_ATTRIBUTE -> throw new IllegalArgumentException(type + " cannot be made");
        };
    }

    /// Creates a file that is not there, opens it for reading and writing, and wants no delegation.
    Opened create(String child) {
        return create(handle, child);
    }

    Opened create(Opaque in, String child) {
        return opened(
                session.ok(at(in, openArgs(child, child, ShareBits.BOTH, new OpenHow.Guarded(MODE_644)), GET_FH)));
    }

    /// Opens a file that is there.
    Opened open(String child, String owner, int access) {
        return opened(session.ok(here(openArgs(child, owner, access, new OpenHow.NoCreate()), GET_FH)));
    }

    static Opened opened(List<OpResult> results) {
        OpenResult open = Session.find(OpenResult.class, results);
        return new Opened(handle(results), open.stateid(), open.delegation());
    }

    /// OPEN by name that denies nothing; wants no delegation unless it says which.
    static OpenArgs openArgs(String child, String owner, int access, OpenHow how) {
        return openArgs(owner, access, how, new OpenClaim.ByName(child));
    }

    static OpenArgs openArgs(String owner, int access, OpenHow how, OpenClaim claim) {
        int wanted = (access & ShareBits.WANT_MASK) == 0 ? access | ShareBits.WANT_NO_DELEG : access;
        return new OpenArgs(0, wanted, 0, new StateOwner(0, Opaque.ofUtf8(owner)), how, claim);
    }

    static OpArgs closeArgs(Stateid stateid) {
        return new CloseArgs(0, stateid);
    }

    void close(Opened opened) {
        session.ok(at(opened.file(), closeArgs(opened.anyVersion())));
    }

    static OpArgs writeArgs(Stateid stateid, long offset, String text) {
        return new WriteArgs(
                stateid,
                offset,
                StableHow.FILE_SYNC,
                ByteBuffer.wrap(Opaque.ofUtf8(text).toByteArray()));
    }

    void write(Opaque file, Stateid stateid, long offset, String text) {
        session.ok(at(file, writeArgs(stateid, offset, text)));
    }

    /// What a READ of up to 1000 bytes from the begin gives, which must reach the end of the file.
    String read(Opaque file, Stateid stateid) {
        ReadResult read = Session.find(ReadResult.class, session.ok(at(file, new ReadArgs(stateid, 0, 1000))));
        assertThat(read.eof()).as("eof").isTrue();
        ByteBuffer data = read.data().duplicate();
        var bytes = new byte[data.remaining()];
        data.get(bytes);
        return Opaque.of(bytes).utf8();
    }

    Attributes attributes(Opaque file, Bitmap wanted) {
        return AttributeCodec.read(Session.find(GetAttrResult.class, session.ok(at(file, new GetAttrArgs(wanted))))
                .attributes());
    }

    /// RENAME from one directory to another.
    List<OpResult> rename(NfsStatus expected, Opaque from, String oldName, Opaque to, String newName) {
        return session.expect(expected, put(from), new SaveFhArgs(), put(to), new RenameArgs(oldName, newName));
    }
}
