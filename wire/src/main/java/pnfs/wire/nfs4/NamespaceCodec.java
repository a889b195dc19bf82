package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.readDeviceNumbers;
import static pnfs.wire.nfs4.CommonCodec.readFattr;
import static pnfs.wire.nfs4.CommonCodec.readFileHandle;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readMaximum;
import static pnfs.wire.nfs4.CommonCodec.readName;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.writeDeviceNumbers;
import static pnfs.wire.nfs4.CommonCodec.writeFattr;
import static pnfs.wire.nfs4.CommonCodec.writeFileHandle;
import static pnfs.wire.nfs4.CommonCodec.writeList;

import java.util.ArrayList;
import java.util.List;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// File handles, directories, links: RFC 8881 §18.4 to §18.29, §18.45. Every read undoes the write of the same
/// name.
final class NamespaceCodec {
    private NamespaceCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.NamespaceFamily family) {
        switch (family) {
            case OpArgs.CreateArgs args -> writeCreateArgs(out, args);
            case OpArgs.LinkArgs args -> writeLinkArgs(out, args);
            case OpArgs.LookupArgs args -> writeLookupArgs(out, args);
            case OpArgs.PutFhArgs args -> writePutFhArgs(out, args);
            case OpArgs.ReadDirArgs args -> writeReadDirArgs(out, args);
            case OpArgs.RemoveArgs args -> writeRemoveArgs(out, args);
            case OpArgs.RenameArgs args -> writeRenameArgs(out, args);
            case OpArgs.SecinfoArgs args -> writeSecinfoArgs(out, args);
            case OpArgs.SecinfoNoNameArgs args -> writeSecinfoNoNameArgs(out, args);
            case OpArgs.GetFhArgs _,
                    OpArgs.LookuppArgs _,
                    OpArgs.PutPubFhArgs _,
                    OpArgs.PutRootFhArgs _,
                    OpArgs.ReadLinkArgs _,
                    OpArgs.RestoreFhArgs _,
                    OpArgs.SaveFhArgs _ -> {}
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.NamespaceFamily family) {
        switch (family) {
            case OpResult.CreateResult result -> writeCreateResult(out, result);
            case OpResult.GetFhResult result -> writeGetFhResult(out, result);
            case OpResult.LinkResult result -> writeLinkResult(out, result);
            case OpResult.ReadDirResult result -> writeReadDirResult(out, result);
            case OpResult.ReadLinkResult result -> writeReadLinkResult(out, result);
            case OpResult.RemoveResult result -> writeRemoveResult(out, result);
            case OpResult.RenameResult result -> writeRenameResult(out, result);
            case OpResult.SecinfoResult result -> writeSecinfoResult(out, result);
            case OpResult.SecinfoNoNameResult result -> writeSecinfoNoNameResult(out, result);
        }
    }

    private static void writeCreateArgs(XdrWriter out, OpArgs.CreateArgs args) {
        writeCreateObject(out, args.object());
        out.writeString(args.name());
        writeFattr(out, args.attributes());
    }

    static OpArgs.CreateArgs readCreateArgs(XdrReader in) {
        var object = readCreateObject(in);
        var name = readName(in);
        var attributes = readFattr(in);
        return new OpArgs.CreateArgs(object, name, attributes);
    }

    private static void writeCreateResult(XdrWriter out, OpResult.CreateResult result) {
        writeChangeInfo(out, result.directory());
        writeBitmap(out, result.attributesSet());
    }

    static OpResult.CreateResult readCreateResult(XdrReader in) {
        var directory = readChangeInfo(in);
        var attributesSet = readBitmap(in);
        return new OpResult.CreateResult(directory, attributesSet);
    }

    private static void writeGetFhResult(XdrWriter out, OpResult.GetFhResult result) {
        writeFileHandle(out, result.fileHandle());
    }

    static OpResult.GetFhResult readGetFhResult(XdrReader in) {
        var fileHandle = readFileHandle(in);
        return new OpResult.GetFhResult(fileHandle);
    }

    private static void writeLinkArgs(XdrWriter out, OpArgs.LinkArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.LinkArgs readLinkArgs(XdrReader in) {
        var name = readName(in);
        return new OpArgs.LinkArgs(name);
    }

    private static void writeLinkResult(XdrWriter out, OpResult.LinkResult result) {
        writeChangeInfo(out, result.directory());
    }

    static OpResult.LinkResult readLinkResult(XdrReader in) {
        var directory = readChangeInfo(in);
        return new OpResult.LinkResult(directory);
    }

    private static void writeLookupArgs(XdrWriter out, OpArgs.LookupArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.LookupArgs readLookupArgs(XdrReader in) {
        var name = readName(in);
        return new OpArgs.LookupArgs(name);
    }

    private static void writePutFhArgs(XdrWriter out, OpArgs.PutFhArgs args) {
        writeFileHandle(out, args.fileHandle());
    }

    static OpArgs.PutFhArgs readPutFhArgs(XdrReader in) {
        var fileHandle = readFileHandle(in);
        return new OpArgs.PutFhArgs(fileHandle);
    }

    private static void writeReadDirArgs(XdrWriter out, OpArgs.ReadDirArgs args) {
        out.writeUint64(args.cookie());
        out.writeUint64(args.verifier());
        out.writeUint32(args.directoryBytes());
        out.writeUint32(args.maxBytes());
        writeBitmap(out, args.attributes());
    }

    static OpArgs.ReadDirArgs readReadDirArgs(XdrReader in) {
        var cookie = in.readUint64();
        var verifier = in.readUint64();
        var directoryBytes = readMaximum(in);
        var maxBytes = readMaximum(in);
        var attributes = readBitmap(in);
        return new OpArgs.ReadDirArgs(cookie, verifier, directoryBytes, maxBytes, attributes);
    }

    private static void writeReadDirResult(XdrWriter out, OpResult.ReadDirResult result) {
        out.writeUint64(result.verifier());
        writeEntries(out, result.entries());
        out.writeBool(result.eof());
    }

    static OpResult.ReadDirResult readReadDirResult(XdrReader in) {
        var verifier = in.readUint64();
        var entries = readEntries(in);
        var eof = in.readBool();
        return new OpResult.ReadDirResult(verifier, entries, eof);
    }

    private static void writeReadLinkResult(XdrWriter out, OpResult.ReadLinkResult result) {
        out.writeOpaque(result.target());
    }

    static OpResult.ReadLinkResult readReadLinkResult(XdrReader in) {
        var target = in.readOpaque(Nfs4Limits.LINK_TEXT_BYTES);
        return new OpResult.ReadLinkResult(target);
    }

    private static void writeRemoveArgs(XdrWriter out, OpArgs.RemoveArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.RemoveArgs readRemoveArgs(XdrReader in) {
        var name = readName(in);
        return new OpArgs.RemoveArgs(name);
    }

    private static void writeRemoveResult(XdrWriter out, OpResult.RemoveResult result) {
        writeChangeInfo(out, result.directory());
    }

    static OpResult.RemoveResult readRemoveResult(XdrReader in) {
        var directory = readChangeInfo(in);
        return new OpResult.RemoveResult(directory);
    }

    private static void writeRenameArgs(XdrWriter out, OpArgs.RenameArgs args) {
        out.writeString(args.oldName());
        out.writeString(args.newName());
    }

    static OpArgs.RenameArgs readRenameArgs(XdrReader in) {
        var oldName = readName(in);
        var newName = readName(in);
        return new OpArgs.RenameArgs(oldName, newName);
    }

    private static void writeRenameResult(XdrWriter out, OpResult.RenameResult result) {
        writeChangeInfo(out, result.source());
        writeChangeInfo(out, result.target());
    }

    static OpResult.RenameResult readRenameResult(XdrReader in) {
        var source = readChangeInfo(in);
        var target = readChangeInfo(in);
        return new OpResult.RenameResult(source, target);
    }

    private static void writeSecinfoArgs(XdrWriter out, OpArgs.SecinfoArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.SecinfoArgs readSecinfoArgs(XdrReader in) {
        var name = readName(in);
        return new OpArgs.SecinfoArgs(name);
    }

    private static void writeSecinfoResult(XdrWriter out, OpResult.SecinfoResult result) {
        writeList(out, result.flavors(), NamespaceCodec::writeSecurityFlavor);
    }

    static OpResult.SecinfoResult readSecinfoResult(XdrReader in) {
        var flavors = readList(in, Nfs4Limits.SECURITY_FLAVORS, Integer.BYTES, NamespaceCodec::readSecurityFlavor);
        return new OpResult.SecinfoResult(flavors);
    }

    private static void writeSecinfoNoNameArgs(XdrWriter out, OpArgs.SecinfoNoNameArgs args) {
        out.writeUint32(args.style().wire());
    }

    static OpArgs.SecinfoNoNameArgs readSecinfoNoNameArgs(XdrReader in) {
        var style = SecinfoStyle.fromWire(in.readUint32());
        return new OpArgs.SecinfoNoNameArgs(style);
    }

    private static void writeSecinfoNoNameResult(XdrWriter out, OpResult.SecinfoNoNameResult result) {
        writeList(out, result.flavors(), NamespaceCodec::writeSecurityFlavor);
    }

    static OpResult.SecinfoNoNameResult readSecinfoNoNameResult(XdrReader in) {
        var flavors = readList(in, Nfs4Limits.SECURITY_FLAVORS, Integer.BYTES, NamespaceCodec::readSecurityFlavor);
        return new OpResult.SecinfoNoNameResult(flavors);
    }

    private static void writeCreateObject(XdrWriter out, CreateObject object) {
        out.writeUint32(object.type().wire());
        switch (object) {
            case CreateObject.Symlink symlink -> out.writeOpaque(symlink.target());
            case CreateObject.BlockDevice block -> writeDeviceNumbers(out, block.device());
            case CreateObject.CharacterDevice character -> writeDeviceNumbers(out, character.device());
            case CreateObject.Socket _, CreateObject.Fifo _, CreateObject.Directory _ -> {}
        }
    }

    private static CreateObject readCreateObject(XdrReader in) {
        var type = FileType.fromWire(in.readUint32());
        return switch (type) {
            case SYMLINK -> new CreateObject.Symlink(in.readOpaque(Nfs4Limits.LINK_TEXT_BYTES));
            case BLOCK_DEVICE -> new CreateObject.BlockDevice(readDeviceNumbers(in));
            case CHARACTER_DEVICE -> new CreateObject.CharacterDevice(readDeviceNumbers(in));
            case SOCKET -> new CreateObject.Socket();
            case FIFO -> new CreateObject.Fifo();
            case DIRECTORY -> new CreateObject.Directory();
            case REGULAR, ATTRIBUTE_DIRECTORY, NAMED_ATTRIBUTE ->
                throw new NfsException(NfsStatus.BADTYPE, "CREATE of " + type);
        };
    }

    /// A list by links: each entry says that it is there, and a `false` ends them.
    private static void writeEntries(XdrWriter out, List<DirectoryEntry> entries) {
        for (DirectoryEntry entry : entries) {
            writeEntry(out, entry);
        }
        out.writeBool(false);
    }

    private static List<DirectoryEntry> readEntries(XdrReader in) {
        var entries = new ArrayList<DirectoryEntry>();
        while (in.readBool()) {
            entries.add(readEntry(in));
        }
        return entries;
    }

    private static void writeEntry(XdrWriter out, DirectoryEntry entry) {
        out.writeBool(true);
        out.writeUint64(entry.cookie());
        out.writeString(entry.name());
        writeFattr(out, entry.attributes());
    }

    /// Without the bool in front.
    private static DirectoryEntry readEntry(XdrReader in) {
        long cookie = in.readUint64();
        var name = readName(in);
        return new DirectoryEntry(cookie, name, readFattr(in));
    }

    private static void writeSecurityFlavor(XdrWriter out, SecurityFlavor flavor) {
        switch (flavor) {
            case SecurityFlavor.Plain plain -> out.writeUint32(plain.flavor());
            case SecurityFlavor.Gss gss -> {
                out.writeUint32(SecurityFlavor.RPCSEC_GSS);
                out.writeOpaque(gss.mechanism());
                out.writeUint32(gss.qualityOfProtection());
                out.writeUint32(gss.service());
            }
        }
    }

    private static SecurityFlavor readSecurityFlavor(XdrReader in) {
        int flavor = in.readUint32();
        if (flavor != SecurityFlavor.RPCSEC_GSS) {
            return new SecurityFlavor.Plain(flavor);
        }
        var mechanism = in.readOpaque(Nfs4Limits.OWNER_BYTES);
        int qualityOfProtection = in.readUint32();
        return new SecurityFlavor.Gss(mechanism, qualityOfProtection, in.readUint32());
    }
}
