package pnfs.ds.region;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;
import jdk.nio.mapmode.ExtendedMapMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.region.RegionHeader.Page;
import pnfs.layout.device.DiskSignature;
import pnfs.layout.device.RegionId;

/// The file under a [Region]: makes it, and opens it or says why not. The format is [RegionHeader]'s.
///
/// A lock on the file keeps a second process out; it ends with the process, however that ends.
public final class RegionFile {
    private static final Logger log = LoggerFactory.getLogger(RegionFile.class);
    private static final int ZERO_CHUNK_BYTES = 1 << 20;
    private static final Set<String> MEMORY_FILE_SYSTEMS = Set.of("tmpfs", "ramfs");

    /// What to do with a file that is already there.
    public enum IfPresent {
        REFUSE,
        OVERWRITE
    }

    private RegionFile() {}

    /// Makes a region whose every byte reads zero, behind the [DiskSignature] at its start. All of its space is
    /// taken from the file system at once by writing it: later writes then neither fail for lack of space nor
    /// wait for the file system to find some.
    ///
    /// The headers are written last and those of a former region are wiped first, so that an interrupted format
    /// leaves no region.
    ///
    /// @param progress is told how many bytes of the file are written, up to [RegionHeader#fileBytes]
    /// @throws RegionException with a line for the operator
    public static void format(Path path, RegionHeader header, IfPresent present, LongConsumer progress)
            throws IOException {
        Path folder = folderOf(path);
        if (!Files.isDirectory(folder)) {
            throw new RegionException("no folder " + folder + " for the region: make it first");
        }
        if (Files.exists(path) && (present == IfPresent.REFUSE || !Files.isRegularFile(path))) {
            throw new RegionException(refusalToOverwrite(path));
        }
        requireSpace(path, header.fileBytes());
        try (var file = openChannel(path, StandardOpenOption.CREATE);
                var lock = lock(path, file)) {
            assert lock.isValid();
            file.truncate(0);
            writeZeros(file, header.fileBytes(), progress);
            writeAll(file, RegionHeader.DATA_OFFSET, signature(header));
            file.force(true);
            writeHeader(file, RegionHeader.COPY_OFFSET, header);
            writeHeader(file, 0, header);
            file.force(true);
        } catch (AccessDeniedException denied) {
            throw new RegionException("no permission to write " + path + ": run as its owner", denied);
        }
        // The name of a new file is durable only once its folder is.
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static Path folderOf(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        return folder == null ? path : folder;
    }

    private static String refusalToOverwrite(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            return path + " is not a regular file: name a file for the region";
        }
        return path + " exists (" + Files.size(path)
                + " bytes): choose another name, or add --force to lose its content";
    }

    private static void requireSpace(Path path, long fileBytes) throws IOException {
        long ours = Files.exists(path) ? Files.size(path) : 0;
        long usable = Files.getFileStore(folderOf(path)).getUsableSpace() + ours;
        if (usable < fileBytes) {
            throw new RegionException(path + " would take " + fileBytes + " bytes and its file system has " + usable
                    + ": choose a smaller --size or another disk");
        }
    }

    private static void writeZeros(FileChannel file, long fileBytes, LongConsumer progress) throws IOException {
        var zeros = ByteBuffer.allocateDirect(ZERO_CHUNK_BYTES);
        for (long at = 0; at < fileBytes; ) {
            zeros.position(0).limit((int) Math.min(ZERO_CHUNK_BYTES, fileBytes - at));
            at += file.write(zeros, at);
            progress.accept(at);
        }
    }

    private static void writeHeader(FileChannel file, long at, RegionHeader header) throws IOException {
        writeAll(file, at, header.toPage());
    }

    private static ByteBuffer signature(RegionHeader header) {
        return ByteBuffer.wrap(DiskSignature.of(new RegionId(header.uuid())).toByteArray());
    }

    private static void writeAll(FileChannel file, long at, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            file.write(bytes, at + bytes.position());
        }
    }

    /// Opens a region for this process alone.
    ///
    /// @throws RegionException when there is none, or it is damaged, of another version, too small or in use
    public static Region open(Path path, MeterRegistry meters) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new RegionException(
                    "no region at " + path + ": make one with 'pnfs format --size SIZE " + path + "'");
        }
        FileChannel file;
        try {
            file = openChannel(path);
        } catch (AccessDeniedException denied) {
            throw new RegionException("no permission to read and write " + path + ": run as its owner", denied);
        }
        Arena arena = Arena.ofShared();
        try {
            lock(path, file);
            RegionHeader header = readHeader(path, file);
            if (file.size() < header.journalOffset()) {
                throw new RegionException(path + " is cut off: " + file.size() + " bytes of " + header.journalOffset()
                        + "; restore it from a copy, or format it again with --force and lose its content");
            }
            addJournal(file, header);
            var region = map(path, file, header, arena, meters);
            log.info(
                    "region opened path={} uuid={} naa={} bytes={} blockBytes={} durability={}",
                    path,
                    header.uuid(),
                    header.naa(),
                    header.sizeBytes(),
                    header.blockBytes(),
                    region.durability());
            if (region.durability() == Durability.VOLATILE) {
                log.warn(
                        "region is volatile path={}: its file system is in memory, so it is lost with the machine",
                        path);
            }
            return region;
        } catch (IOException | RuntimeException refused) {
            arena.close();
            file.close();
            throw refused;
        }
    }

    /// Regions had none once.
    private static void addJournal(FileChannel file, RegionHeader header) throws IOException {
        if (file.size() < header.fileBytes()) {
            writeAll(file, file.size(), ByteBuffer.allocate((int) (header.fileBytes() - file.size())));
            file.force(true);
        }
    }

    private static Region map(Path path, FileChannel file, RegionHeader header, Arena arena, MeterRegistry meters)
            throws IOException {
        Runnable unmap = () -> {
            arena.close();
            try {
                file.close();
            } catch (IOException afterAll) {
                log.warn("region file did not close path={}", path, afterAll);
            }
        };
        boolean inMemory = MEMORY_FILE_SYSTEMS.contains(Files.getFileStore(path).type());
        MemorySegment data;
        MemorySegment memo;
        MemorySegment journal;
        Persistence ofData;
        Persistence ofMemo;
        Persistence ofJournal;
        try {
            MapMode mode = inMemory ? MapMode.READ_WRITE : ExtendedMapMode.READ_WRITE_SYNC;
            data = file.map(mode, RegionHeader.DATA_OFFSET, header.sizeBytes(), arena);
            memo = file.map(mode, RegionHeader.MEMO_OFFSET, RegionHeader.MEMO_BYTES, arena);
            journal = file.map(mode, header.journalOffset(), RegionHeader.JOURNAL_BYTES, arena);
            ofData = inMemory ? InlinePersistence.none() : InlinePersistence.dax(forceOf(data));
            ofMemo = inMemory ? InlinePersistence.none() : InlinePersistence.dax(forceOf(memo));
            ofJournal = inMemory ? InlinePersistence.none() : InlinePersistence.dax(forceOf(journal));
        } catch (IOException | UnsupportedOperationException notDax) {
            if (inMemory) {
                throw notDax;
            }
            data = file.map(MapMode.READ_WRITE, RegionHeader.DATA_OFFSET, header.sizeBytes(), arena);
            memo = file.map(MapMode.READ_WRITE, RegionHeader.MEMO_OFFSET, RegionHeader.MEMO_BYTES, arena);
            journal = file.map(MapMode.READ_WRITE, header.journalOffset(), RegionHeader.JOURNAL_BYTES, arena);
            String name = String.valueOf(path.getFileName());
            ofData = new Flusher(name, forceOf(data), meters).start();
            ofMemo = new Flusher(name + "-memo", forceOf(memo), meters).start();
            ofJournal = new Flusher(name + "-journal", forceOf(journal), meters).start();
        }
        try {
            if (Journal.replay(journal, data, forceOf(journal), forceOf(data))) {
                log.info("interrupted write done again path={}", path);
            }
            var kept = new Memo(memo, forceOf(memo), ofMemo);
            return new Region(header, data, ofData, kept, new Journal(journal, ofJournal), unmap);
        } catch (UncheckedIOException | InternalError damaged) {
            ofData.close(); // their threads would outlive the mapping
            ofMemo.close();
            ofJournal.close();
            throw new RegionException(path + " cannot be written to: check the disk under it", damaged);
        }
    }

    private static Persistence.Force forceOf(MemorySegment data) {
        return (offset, length) -> data.asSlice(offset, length).force();
    }

    private static FileChannel openChannel(Path path, StandardOpenOption... more) throws IOException {
        var options = new HashSet<>(Set.of(more));
        options.add(StandardOpenOption.READ);
        options.add(StandardOpenOption.WRITE);
        return FileChannel.open(path, options);
    }

    private static FileLock lock(Path path, FileChannel file) throws IOException {
        FileLock lock;
        try {
            lock = file.tryLock();
        } catch (OverlappingFileLockException ours) {
            lock = null;
        }
        if (lock == null) {
            throw new RegionException(path + " is in use: stop the data server that has it open");
        }
        return lock;
    }

    /// Reads both headers; a good one repairs a bad one.
    private static RegionHeader readHeader(Path path, FileChannel file) throws IOException {
        Page first = readPage(file, 0);
        Page copy = readPage(file, RegionHeader.COPY_OFFSET);
        if (!(first instanceof Page.Valid) && copy instanceof Page.Valid(var header)) {
            repair(path, file, 0, header, first);
            return header;
        }
        return switch (first) {
            case Page.Valid(var header) -> {
                if (!first.equals(copy)) {
                    repair(path, file, RegionHeader.COPY_OFFSET, header, copy);
                }
                yield header;
            }
            case Page.OtherVersion(int version) ->
                throw new RegionException(path + " is a region of version " + Integer.toUnsignedString(version)
                        + " and this server knows version 1: use the release that made it");
            case Page.Damaged(var why) ->
                throw new RegionException(path + " has a damaged header (" + why + ") and so has its copy: restore it"
                        + " from a copy, or format it again with --force and lose its content");
            case Page.Foreign() ->
                throw new RegionException(path + " is not a region: name another file, or make it one with"
                        + " 'pnfs format --force' and lose its content");
        };
    }

    private static void repair(Path path, FileChannel file, long at, RegionHeader header, Page was) throws IOException {
        log.warn("region header repaired path={} at={} was={}", path, at, was);
        writeHeader(file, at, header);
        file.force(true);
    }

    private static Page readPage(FileChannel file, long at) throws IOException {
        var page = ByteBuffer.allocate(RegionHeader.BYTES);
        while (page.hasRemaining() && file.read(page, at + page.position()) >= 0) {
            // A file that ends early leaves zeros, and zeros are no header.
        }
        return RegionHeader.fromPage(page);
    }
}
