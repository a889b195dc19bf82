package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;

/// A SCSI target over memory, with durability in the test's hand, and commands given to it by hand.
final class ScsiFixture {
    static final String NAME = "iqn.2026-01.test:ds1";

    /// Of every unit.
    final byte[] memory;

    /// Of every unit.
    final FakePersistence persistence = new FakePersistence();

    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final List<Volume> volumes;
    private List<SharedVolume> shared;
    private ScsiTarget target;

    /// @param blockBytes of LUN 0, 1, …, which are different views of the same memory
    ScsiFixture(int bytes, int... blockBytes) {
        memory = new byte[bytes];
        volumes = IntStream.of(blockBytes).mapToObj(this::volume).toList();
        shared = volumes.stream().map(SharedVolume::open).toList();
        target = new ScsiTarget(NAME, shared, meters);
    }

    private Volume volume(int blockBytes) {
        var header =
                RegionHeader.of(UUID.fromString("b3a1c2d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"), blockBytes, memory.length);
        var region = new Region(header, MemorySegment.ofArray(memory), persistence, Memo.volatileMemo(), () -> {});
        return new Volume(region);
    }

    /// The same regions in a new process.
    void restart() {
        shared = volumes.stream().map(SharedVolume::open).toList();
        target = new ScsiTarget(NAME, shared, new SimpleMeterRegistry());
    }

    ScsiTarget target() {
        return target;
    }

    /// LUN 0.
    SharedVolume volume() {
        return shared.getFirst();
    }

    /// A port of an initiator of this name.
    static ScsiNexus nexus(String name) {
        return new ScsiNexus(new Nexus("iqn.2026-01.test:" + name + ",i,0x00023d000001", 1));
    }

    /// Decides a command.
    ///
    /// @param cdb in hex, filled up with zeros
    /// @param announced how many bytes the initiator says it sends
    ScsiTask start(ScsiNexus by, int lun, String cdb, long announced) {
        byte[] bytes = HexFormat.of().parseHex(cdb.replace(" ", ""));
        return start(by, lun, Arrays.copyOf(bytes, 16), announced);
    }

    ScsiTask start(ScsiNexus by, int lun, byte[] cdb, long announced) {
        var task = new ScsiTask();
        task.begin(by, lun, ByteBuffer.wrap(cdb), 0, announced);
        target.start(task);
        return task;
    }

    /// Gives a command its data in two pieces, as far as it takes it, and has it finish.
    static ScsiTask finish(ScsiTask task, byte[] data) {
        int wanted = task.takesBytes() ? Math.min(data.length, task.bytes()) : 0;
        int first = wanted / 3;
        if (wanted > 0) {
            task.write(0, ByteBuffer.wrap(data, 0, first));
        }
        if (task.takesBytes() && wanted > 0) {
            task.write(first, ByteBuffer.wrap(data, first, wanted - first));
        }
        if (task.isUnfinished()) {
            var finished = new AtomicInteger();
            task.finish(wanted, finished::incrementAndGet);
            assertThat(finished).as("told once").hasValue(1);
        }
        return task;
    }
}
