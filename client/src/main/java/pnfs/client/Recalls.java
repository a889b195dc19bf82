package pnfs.client;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;

/// Honours CB_LAYOUTRECALL (RFC 8881 §20.3) and CB_RECALL_ANY: the answer at once, and what it promises on a
/// thread of its own. Whatever part of a file is recalled, all of it goes back; the next write or read asks for
/// it again. Safe for all threads.
final class Recalls {
    private static final Logger log = LoggerFactory.getLogger(Recalls.class);

    /// RCA4_TYPE_MASK_BLK_LAYOUT, which stands for SCSI layouts too.
    private static final int BLOCK_LAYOUTS = 4;
    /// Those that have a meaning: delegations, layouts, and what is left to other layout types.
    private static final Bitmap ANY_TYPES = Bitmap.of(0, 1, 2, 3, BLOCK_LAYOUTS, 8, 9, 12, 13, 14, 15, 16, 17);

    private final Mappers mappers;

    Recalls(Mappers mappers) {
        this.mappers = mappers;
    }

    /// Does not wait.
    NfsStatus answer(CbLayoutRecallArgs recall) {
        if (recall.type() != LayoutType.SCSI) {
            return NfsStatus.NOMATCHING_LAYOUT;
        }
        NfsStatus status = switch (recall.scope()) {
            case LayoutRecallScope.OfFile file -> ofFile(file);
            case LayoutRecallScope.OfFileSystem(var fsid) ->
                ofAll(mapper -> mapper.fsid().equals(fsid), new LayoutReturnScope.OfFileSystem());
            case LayoutRecallScope.All() -> ofAll(_ -> true, new LayoutReturnScope.All());
        };
        log.debug("layout recalled scope={} answer={}", recall.scope(), status);
        return status;
    }

    /// CB_RECALL_ANY, RFC 8881 §20.6: the server has no room for so much. Of the layouts that we hold those of
    /// some files go back, until `keep` are left.
    NfsStatus answerAny(int keep, Bitmap types) {
        if (!ANY_TYPES.containsAll(types)) {
            return NfsStatus.INVAL;
        }
        if (types.has(BLOCK_LAYOUTS)) {
            mappers.all().stream()
                    .filter(Mapper::isMapped)
                    .skip(Integer.toUnsignedLong(keep))
                    .filter(mapper -> mapper.recall() == NfsStatus.OK)
                    .forEach(mapper -> later(mapper::giveBackRecalled));
        }
        return NfsStatus.OK;
    }

    private NfsStatus ofFile(LayoutRecallScope.OfFile file) {
        Mapper mapper = mappers.find(file.fileHandle());
        if (mapper == null) {
            return NfsStatus.NOMATCHING_LAYOUT;
        }
        NfsStatus status = mapper.recall(file.stateid());
        if (status == NfsStatus.OK) {
            later(mapper::giveBackRecalled);
        }
        return status;
    }

    private NfsStatus ofAll(Predicate<Mapper> which, LayoutReturnScope scope) {
        var recalled = new ArrayList<Mapper>();
        for (Mapper mapper : mappers.all().stream().filter(which).toList()) {
            NfsStatus status = mapper.recall();
            if (status == NfsStatus.DELAY) {
                recalled.forEach(Mapper::returned);
                return status;
            }
            if (status == NfsStatus.OK) {
                recalled.add(mapper);
            }
        }
        if (recalled.isEmpty()) {
            return NfsStatus.NOMATCHING_LAYOUT;
        }
        later(() -> giveBack(recalled, scope));
        return NfsStatus.OK;
    }

    private void giveBack(List<Mapper> recalled, LayoutReturnScope scope) throws IOException {
        try {
            for (Mapper mapper : recalled) {
                mapper.settleRecalled();
            }
            recalled.getFirst().giveBackMany(scope);
        } finally {
            recalled.forEach(Mapper::returned);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void later(Work work) {
        Thread.ofVirtual().name("recall").start(() -> {
            try {
                work.run();
            } catch (IOException e) {
                log.warn("recalled layout not given back, the server will fence us why={}", e.getMessage());
            }
        });
    }
}
