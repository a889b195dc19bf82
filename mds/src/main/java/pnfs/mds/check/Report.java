package pnfs.mds.check;

import java.util.List;
import pnfs.mds.store.Batch;

/// What a [StoreCheck] found.
///
/// @param findings in the order they were found
/// @param files looked at, directories among them
/// @param repair makes all that can be repaired right, all or nothing; empty where nothing is to do
public record Report(List<Finding> findings, long files, Batch repair) {
    /// One thing that is wrong.
    ///
    /// @param what names the records and how they disagree
    public record Finding(Damage damage, String what) {}

    public Report {
        findings = List.copyOf(findings);
    }

    public boolean isClean() {
        return findings.isEmpty();
    }

    /// Whether something stays wrong after a repair.
    public boolean hasIrreparable() {
        return findings.stream().anyMatch(finding -> !finding.damage().isRepairable());
    }
}
