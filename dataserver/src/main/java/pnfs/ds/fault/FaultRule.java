package pnfs.ds.fault;

import pnfs.ds.fault.FaultScript.Command;

/// Which commands a fault strikes. Immutable.
///
/// @param command the commands' name without the size of their CDB, as `read` or `write_same`; empty for any
/// @param lun [#ANY] for all of them
/// @param blocks commands that touch one of these; those that name no blocks are not touched by a rule that does
/// @param initiator its iSCSI name; empty for any
/// @param every strikes each so-manieth of the commands above: 1 for all
/// @param probability strikes those by chance: 1 for all
/// @param seed of that chance, and of what else the fault leaves to it
/// @param times strikes so often at most; 0 for no limit
public record FaultRule(
        Fault fault,
        String command,
        int lun,
        Blocks blocks,
        String initiator,
        int every,
        double probability,
        long seed,
        int times) {
    /// Instead of a LUN.
    public static final int ANY = -1;

    /// RFC 7143 §4.2.7.1.
    private static final int MAX_INITIATOR_CHARACTERS = 223;

    /// Blocks of a unit, both ends included.
    public record Blocks(long first, long last) {
        public static final Blocks ALL = new Blocks(0, Long.MAX_VALUE);

        public Blocks {
            if (first < 0 || last < first) {
                throw new IllegalArgumentException("blocks " + first + " to " + last);
            }
        }
    }

    public FaultRule {
        if (lun < ANY) {
            throw new IllegalArgumentException("LUN " + lun);
        }
        if (initiator.length() > MAX_INITIATOR_CHARACTERS) {
            throw new IllegalArgumentException("initiator name of " + initiator.length() + " characters");
        }
        if (every < 1 || times < 0) {
            throw new IllegalArgumentException("every " + every + ", times " + times);
        }
        if (!(probability > 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability " + probability + ", wanted over 0 and 1 at most");
        }
    }

    /// A rule that strikes every command.
    public static FaultRule of(Fault fault) {
        return new FaultRule(fault, "", ANY, Blocks.ALL, "", 1, 1, 0, 0);
    }

    public FaultRule command(String name) {
        return new FaultRule(fault, name, lun, blocks, initiator, every, probability, seed, times);
    }

    public FaultRule lun(int number) {
        return new FaultRule(fault, command, number, blocks, initiator, every, probability, seed, times);
    }

    public FaultRule blocks(Blocks wanted) {
        return new FaultRule(fault, command, lun, wanted, initiator, every, probability, seed, times);
    }

    public FaultRule initiator(String name) {
        return new FaultRule(fault, command, lun, blocks, name, every, probability, seed, times);
    }

    public FaultRule every(int number) {
        return new FaultRule(fault, command, lun, blocks, initiator, number, probability, seed, times);
    }

    public FaultRule probability(double chance, long seedOfIt) {
        return new FaultRule(fault, command, lun, blocks, initiator, every, chance, seedOfIt, times);
    }

    public FaultRule times(int limit) {
        return new FaultRule(fault, command, lun, blocks, initiator, every, probability, seed, limit);
    }

    boolean matches(Command struck) {
        boolean named = command.isEmpty() || command.equals(struck.name());
        boolean there = lun == ANY || lun == struck.lun();
        return named && there && (initiator.isEmpty() || isPortOf(struck.initiator())) && touches(struck);
    }

    /// A port's name is its initiator's and more behind a comma.
    private boolean isPortOf(String port) {
        return port.startsWith(initiator)
                && (port.length() == initiator.length() || port.charAt(initiator.length()) == ',');
    }

    private boolean touches(Command struck) {
        return blocks.equals(Blocks.ALL)
                || (struck.blocks() > 0
                        && struck.firstBlock() >= 0
                        && struck.firstBlock() <= blocks.last()
                        && blocks.first() - struck.firstBlock() < struck.blocks());
    }
}
