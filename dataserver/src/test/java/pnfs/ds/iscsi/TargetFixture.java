package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.fail;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.UUID;
import pnfs.ds.fault.FaultScript;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;

/// A target over memory, with durability in the test's hand.
final class TargetFixture {
    static final String TARGET = "iqn.2026-01.test:target";
    static final int BYTES = 2 << 20;

    final MemorySegment memory = Arena.ofAuto().allocate(BYTES);
    final Region region;
    final FakePersistence persistence = new FakePersistence();
    final FakeConnection.FakeLoop loop = new FakeConnection.FakeLoop();
    int powerCuts;
    final FaultScript faults = new FaultScript(() -> powerCuts++);
    final TargetSettings settings;
    final SharedVolume shared;
    final ScsiTarget scsi;
    final IscsiTarget target;

    TargetFixture() {
        this(new TargetSettings(
                TARGET,
                List.of("192.0.2.7:3260", "192.0.2.8:3261"),
                3,
                32,
                65_536,
                131_072,
                65_536,
                15,
                30,
                AccessList.EVERYBODY));
    }

    TargetFixture(TargetSettings settings) {
        this.settings = settings;
        var meters = new SimpleMeterRegistry();
        var header = RegionHeader.of(new UUID(1, 2), 4096, BYTES);
        this.region = new Region(header, memory, persistence, Memo.volatileMemo(), () -> {});
        this.shared = SharedVolume.open(new Volume(region));
        this.scsi = new ScsiTarget(settings.targetName(), List.of(shared), meters, faults);
        this.target = new IscsiTarget(settings, scsi, meters);
    }

    RawInitiator connect() {
        return new RawInitiator(new FakeConnection(loop, target::accept));
    }

    byte[] bytes(long offset, int length) {
        return memory.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /// Fails unless each byte of a range has this value.
    void assertFilled(long offset, long length, int value) {
        MemorySegment range = memory.asSlice(offset, length);
        for (long at = 0; at < length; at++) {
            if (range.get(ValueLayout.JAVA_BYTE, at) != (byte) value) {
                fail("byte %d is %d, wanted %d", offset + at, range.get(ValueLayout.JAVA_BYTE, at), value);
            }
        }
    }

    void assertUntouched() {
        assertFilled(0, BYTES, 0);
    }

    byte[] all() {
        return bytes(0, BYTES);
    }
}
