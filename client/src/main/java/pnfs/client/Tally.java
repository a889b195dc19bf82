package pnfs.client;

import java.util.concurrent.atomic.LongAdder;

/// The counters behind [Counters]. Safe for all threads.
final class Tally {
    final LongAdder bytesDirect = new LongAdder();
    final LongAdder bytesThroughMds = new LongAdder();
    final LongAdder layoutgets = new LongAdder();
    final LongAdder layoutcommits = new LongAdder();
    final LongAdder layoutreturns = new LongAdder();
    final LongAdder reconnects = new LongAdder();

    Counters snapshot() {
        return new Counters(
                bytesDirect.sum(),
                bytesThroughMds.sum(),
                layoutgets.sum(),
                layoutcommits.sum(),
                layoutreturns.sum(),
                reconnects.sum());
    }
}
