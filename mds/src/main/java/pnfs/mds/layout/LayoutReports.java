package pnfs.mds.layout;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutStateid;
import pnfs.layout.grant.Refusal;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutStatsArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// LAYOUTERROR and LAYOUTSTATS, RFC 7862 §15.6 and §15.7: what clients with layouts met on volumes, and how much
/// they moved there. It is counted for each volume, of which there are few, as `pnfs.mds.layout.error` and
/// `pnfs.mds.layout.moved` (bytes).
///
/// A WRITE that failed may still lie in a data server's socket, and land when somebody else has written there. So
/// the error of one is answered with OK only when the data servers have dropped what this client had sent to that
/// volume, and with DELAY where they cannot be asked; until then the client is to keep its layout.
final class LayoutReports {
    private static final Logger log = LoggerFactory.getLogger(LayoutReports.class);

    private final Inodes inodes;
    private final FileLocks locks;
    private final LayoutManager manager;
    private final Fences fences;
    private final LayoutBodies bodies;
    private final MeterRegistry meters;

    LayoutReports(
            Inodes inodes,
            FileLocks locks,
            LayoutManager manager,
            Fences fences,
            LayoutBodies bodies,
            MeterRegistry meters) {
        this.inodes = inodes;
        this.locks = locks;
        this.manager = manager;
        this.fences = fences;
        this.bodies = bodies;
        this.meters = meters;
    }

    void error(LayoutErrorArgs args, CompoundState state, Consumer<OpResult> done) {
        Inode file = requireHeld(args.stateid(), state);
        var written = new LinkedHashSet<Volume>();
        for (DeviceError error : args.errors()) {
            Volume volume = require(error.device(), state);
            counter("pnfs.mds.layout.error", volume.id()).increment();
            if (error.op() == OpCode.WRITE) {
                written.add(volume);
            }
            log.warn(
                    "layout error reported device={} operation={} status={} file={} client={}",
                    volume.id(),
                    error.op(),
                    error.status(),
                    file,
                    Long.toHexString(state.clientId()));
        }
        endWrites(state.clientId(), written.iterator(), done);
    }

    /// On one volume after the other: there is hardly ever more than one.
    private void endWrites(long client, Iterator<Volume> volumes, Consumer<OpResult> done) {
        if (!volumes.hasNext()) {
            done.accept(new OpSuccess(OpCode.LAYOUTERROR));
            return;
        }
        Volume volume = volumes.next();
        fences.disconnect(client, volume, failure -> {
            if (failure == null) {
                endWrites(client, volumes, done);
            } else {
                log.info(
                        "writes not ended yet device={} client={} why={}",
                        volume.id(),
                        Long.toHexString(client),
                        failure);
                done.accept(new OpFailure(OpCode.LAYOUTERROR, NfsStatus.DELAY));
            }
        });
    }

    OpResult statistics(LayoutStatsArgs args, CompoundState state) {
        requireHeld(args.stateid(), state);
        bodies.require(args.update().type());
        DeviceId device = require(args.device(), state).id();
        long bytes = args.read().bytes() + args.written().bytes();
        if (args.read().bytes() < 0 || args.written().bytes() < 0 || bytes < 0) {
            throw new NfsException(NfsStatus.INVAL, "more than 2^63 bytes moved on " + device);
        }
        counter("pnfs.mds.layout.moved", device).increment((double) bytes);
        return new OpSuccess(OpCode.LAYOUTSTATS);
    }

    /// The file, of which the client holds a layout by this stateid.
    private Inode requireHeld(Stateid stateid, CompoundState state) {
        FileHandle handle = state.currentFile();
        LayoutStateid used = LayoutBodies.layoutStateid(stateid, state.resolve(stateid), state);
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            file.regular();
            Optional<Refusal> fault = manager.faultOf(file.id(), bodies.requester(state), used);
            if (fault.isPresent()) {
                throw FileLayouts.refused(fault.get(), "layout stateid " + used + " of " + file);
            }
            return file;
        }
    }

    /// Counted where it lies, by whatever id the client knows it.
    private Volume require(Opaque id, CompoundState state) {
        DeviceId device = DeviceId.of(id.toByteArray());
        return fences.find(state.clientId(), device)
                .orElseThrow(() -> new NfsException(NfsStatus.INVAL, "device " + device + " is not known"));
    }

    private Counter counter(String name, DeviceId device) {
        return Counter.builder(name).tag("device", device.toString()).register(meters);
    }
}
