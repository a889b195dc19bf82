package pnfs.it.sim;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.sim.PlantedBug.always;
import static pnfs.it.sim.PlantedBug.argument;
import static pnfs.it.sim.PlantedBug.code;
import static pnfs.it.sim.PlantedBug.nothing;
import static pnfs.it.sim.PlantedBug.onlyTell;
import static pnfs.it.sim.PlantedBug.with;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.slf4j.LoggerFactory;

/// The simulator finds each bug of a list. A seed that once found it comes first; where a change to the servers
/// has made something else of that seed, others are tried.
class PlantedBugsTest {
    private static final Logger ROOT = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private static final int MOST_SEEDS = 10_000;

    /// All of them.
    static final List<PlantedBug> BUGS = List.of(
            // The store: what is said, and what a crash leaves.
            new PlantedBug(
                    "a reply leaves before what it shows is durable",
                    "mds.compound.CompoundRun#advance",
                    "CompoundState.ticket",
                    always(0L),
                    21L),
            new PlantedBug(
                    "a LAYOUTCOMMIT does not wait for its change",
                    "mds.layout.LayoutCommit",
                    "CompoundState.dependsOn",
                    nothing(),
                    152L),
            new PlantedBug(
                    "a batch becomes durable piece by piece",
                    "mds.store.MetadataStore#append",
                    "StoreEngine.commit",
                    code("inPieces"),
                    51L),
            new PlantedBug(
                    "what is free is not stored",
                    "mds.layout.FileLayouts#addTo",
                    "ExtentRecords.addSpace",
                    nothing(),
                    5L),
            new PlantedBug(
                    "what a file is made of is not stored",
                    "mds.layout.FileLayouts#addTo",
                    "ExtentRecords.addExtents",
                    nothing(),
                    3L),
            // Names.
            new PlantedBug(
                    "a file without a name is not listed", "mds.namespace.Orphans#unlink", "Batch.put", nothing(), 6L),
            new PlantedBug(
                    "a file is freed while somebody has it open",
                    "mds.namespace.Orphans#end",
                    "InUse.isOpen",
                    always(false),
                    19L),
            new PlantedBug(
                    "a file is freed while somebody holds a layout of it",
                    "mds.layout.FileLayouts#release",
                    "LayoutManager.isHeld",
                    always(false),
                    30L),
            new PlantedBug(
                    "RENAME forgets the file that had the name",
                    "mds.namespace.Rename",
                    "Orphans.unlink",
                    nothing(),
                    1L),
            // Layouts.
            new PlantedBug(
                    "new storage counts as written",
                    "layout.grant.LayoutManager#grantWriting",
                    "SpacePlan.adopt",
                    with(2, "READ_WRITE_DATA"),
                    13L),
            new PlantedBug(
                    "a LAYOUTCOMMIT makes data of all that was granted",
                    "layout.grant.LayoutManager#commit",
                    "ExtentMap.markWritten",
                    code("markAll"),
                    44L),
            new PlantedBug(
                    "a layout is granted whoever holds another",
                    "layout.grant.FileGrants#firstConflict",
                    "Holding.firstConflict",
                    always(Long.MAX_VALUE),
                    2L),
            new PlantedBug(
                    "a layout is granted where a WRITE is under way",
                    "layout.grant.FileGrants#firstConflict",
                    "ByteRange.overlaps",
                    always(false),
                    25L),
            new PlantedBug(
                    "a WRITE does not look at layouts",
                    "layout.grant.LayoutManager#beginWrite",
                    "FileGrants.holdersAgainstWrite",
                    always(Set.of()),
                    8L),
            new PlantedBug(
                    "a truncation does not look at layouts",
                    "layout.grant.LayoutManager#beginShrink",
                    "FileGrants.holdersOf",
                    always(Set.of()),
                    25L),
            new PlantedBug(
                    "operations on one block do not wait for each other",
                    "layout.grant.LayoutManager#obstacle",
                    "FileGrants.isBusy",
                    always(false),
                    95L),
            new PlantedBug(
                    "a truncation keeps what lies behind the end",
                    "layout.grant.LayoutManager#finishShrink",
                    "ExtentMap.truncate",
                    always(List.of()),
                    8L),
            new PlantedBug(
                    "a truncation leaves the rest of the last block",
                    "mds.proxy.CutOff",
                    "ByteBuffer.put",
                    nothing(),
                    1L),
            new PlantedBug(
                    "a WRITE of part of a block fills up with what lay there",
                    "mds.proxy.Transfer#read",
                    "Stream.filter",
                    argument(0),
                    1L),
            // Fences.
            new PlantedBug(
                    "a fence that fails is not sent again", "mds.layout.Fences#failed", "Map.replace", nothing(), 32L),
            // Data servers.
            new PlantedBug(
                    "a data server does not keep its registrations",
                    "ds.reservation.SharedVolume#open",
                    "Memo.keep",
                    onlyTell(2, "persisted", true),
                    13L),
            new PlantedBug(
                    "a data server acknowledges what is not durable",
                    "ds.volume.Volume#persist",
                    "Region.persist",
                    onlyTell(3, "persisted", true),
                    3L));

    private static Level level = Level.INFO;
    private static @Nullable Planting planting;

    @BeforeAll
    static void plant() {
        level = ROOT.getLevel();
        ROOT.setLevel(Level.OFF);
        planting = new Planting(BUGS);
    }

    @AfterAll
    static void uproot() {
        ROOT.setLevel(level);
        planting = null;
    }

    private static @Nullable String run(@Nullable PlantedBug bug, long seed) {
        return requireNonNull(planting).run(bug, seed);
    }

    @Test
    void without_a_bug_nothing_is_found() {
        assertThat(LongStream.rangeClosed(1, 5))
                .allSatisfy(
                        seed -> assertThat(run(null, seed)).as("seed %d", seed).isNull());
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("BUGS")
    void a_bug_is_found(PlantedBug bug) {
        LongStream seeds = LongStream.concat(LongStream.of(bug.seeds()), LongStream.rangeClosed(1, MOST_SEEDS));

        assertThat(seeds.anyMatch(seed -> run(bug, seed) != null))
                .as(bug.what())
                .isTrue();
        assertThat(requireNonNull(planting).hasMet(bug))
                .as("its place is known")
                .isTrue();
    }
}
