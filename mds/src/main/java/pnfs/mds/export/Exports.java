package pnfs.mds.export;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Gate;
import pnfs.mds.compound.Permit;
import pnfs.mds.namespace.Junctions;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreRefusedException;
import pnfs.mds.store.Stored;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.rpc.RpcCredential;

/// What of this server is offered, and to whom. Each export is a file system with a tree of its own; where
/// there is more than one, or one that is not `/`, read-only directories lead to them from the root. An export
/// that is no longer offered keeps its files, and handles of them are stale until it is offered again.
/// Immutable.
public final class Exports implements Gate {
    private final Inodes inodes;
    private final FileHandle root;
    /// By the number of the export, in the order in which they are tried.
    private final Map<Integer, List<ExportRule>> rules;

    private Exports(Inodes inodes, FileHandle root, Map<Integer, List<ExportRule>> rules) {
        this.inodes = inodes;
        this.root = root;
        this.rules = rules;
    }

    /// Makes the store agree with what is to be offered, before anybody is served.
    ///
    /// @param specs that [ExportSpec#requireSideBySide] has seen
    /// @param rights of the root directory of an export that is new
    /// @throws StoreRefusedException when there were too many exports
    public static Exports open(
            MetadataStore store,
            Inodes inodes,
            Namespace namespace,
            List<ExportSpec> specs,
            Rights rights,
            NfsTime now) {
        var rules = new HashMap<Integer, List<ExportRule>>();
        var roots = new LinkedHashMap<List<String>, FileHandle>();
        for (ExportSpec spec : specs) {
            int number = spec.path().isEmpty() ? ExportRecords.ROOT : number(store, spec.text());
            rules.computeIfAbsent(number, _ -> new ArrayList<>()).add(spec.rule());
            roots.put(spec.path(), namespace.root(number, rights, now));
        }
        FileHandle whole = roots.get(List.<String>of());
        FileHandle root =
                whole != null ? whole : new Junctions(inodes, namespace, ExportRecords.JUNCTIONS).join(roots, now);
        return new Exports(inodes, root, Map.copyOf(rules));
    }

    /// The number of an export, a new one where the path has none yet.
    private static int number(MetadataStore store, String path) {
        Stored known = store.get(ExportRecords.key(path));
        byte[] value = known.value();
        if (value != null) {
            return ExportRecords.read(value);
        }
        var last = new int[] {ExportRecords.FIRST - 1};
        store.scan(Keys.EXPORT.first(), Keys.EXPORT.end(), (_, other) -> {
            last[0] = Math.max(last[0], ExportRecords.read(other));
            return true;
        });
        int number = last[0] + 1;
        if (number >= Inodes.MAX_EXPORTS) {
            throw new StoreRefusedException("the store has had " + number + " exports, over " + (Inodes.MAX_EXPORTS - 1)
                    + ": offer " + path + " from another store");
        }
        var batch = new Batch();
        batch.put(ExportRecords.key(path), ExportRecords.write(number));
        store.append(batch);
        return number;
    }

    /// Where PUTROOTFH leads.
    public FileHandle root() {
        return root;
    }

    @Override
    public void enter(FileHandle file, CompoundState state) {
        int export = Inodes.exportOf(file.inode());
        state.setPermit(permit(
                export, state.credential(), state.connection().connection().peer()));
        inodes.requireNotGone(file, state);
    }

    /// What somebody may do in an export.
    ///
    /// @throws NfsException STALE where it is not offered, ACCESS where not to this peer
    Permit permit(int export, RpcCredential credential, InetSocketAddress peer) {
        if (export == ExportRecords.JUNCTIONS && export == Inodes.exportOf(root.inode())) {
            return new Permit(credential, true);
        }
        List<ExportRule> known = rules.get(export);
        if (known == null) {
            throw new NfsException(NfsStatus.STALE, "export " + export + " is not offered");
        }
        for (ExportRule rule : known) {
            if (rule.admits(peer)) {
                return rule.permit(credential);
            }
        }
        throw new NfsException(NfsStatus.ACCESS, "export " + export + " is not for " + peer);
    }
}
