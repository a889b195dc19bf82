package pnfs.ds.agent;

import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.fault.FaultRule;
import pnfs.ds.fault.FaultScript;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.proto.ClearFaults;
import pnfs.wire.control.proto.FaultAdded;
import pnfs.wire.control.proto.FaultReport;
import pnfs.wire.control.proto.FaultSpec;
import pnfs.wire.control.proto.Faults;
import pnfs.wire.control.proto.FaultsCleared;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// What somebody at the data server's own control port asks of its fault script. Safe for use by many threads.
public final class FaultDesk implements ControlHandler {
    private static final Logger log = LoggerFactory.getLogger(FaultDesk.class);

    private final FaultScript script;
    private final Set<String> commands;

    /// @param commands the names that commands have in the script
    public FaultDesk(FaultScript script, Set<String> commands) {
        this.script = script;
        this.commands = commands;
    }

    @Override
    public void onRequest(Request request, Consumer<Reply> reply) {
        reply.accept(
                switch (request.getKindCase()) {
                    case ADD_FAULT -> add(request.getAddFault());
                    case FAULTS -> faults();
                    case CLEAR_FAULTS -> clear(request.getClearFaults());
                    case REGISTER,
                            HEARTBEAT,
                            GOODBYE,
                            STATUS,
                            EXTENTS,
                            FENCE,
                            REGISTRATIONS,
                            DRAIN,
                            REMOVE,
                            RECALL_LAYOUTS,
                            DISCONNECT ->
                        ControlLink.refusal("a data server's own control port is for faults: ask the metadata server");
                    case KIND_NOT_SET ->
                        ControlLink.refusal(
                                "this data server does not know the request: use the same release on both sides");
                });
    }

    private Reply add(FaultSpec asked) {
        FaultRule rule;
        try {
            rule = FaultWire.rule(asked);
        } catch (IllegalArgumentException wrong) {
            return ControlLink.refusal("no such fault: " + wrong.getMessage());
        }
        if (!rule.command().isEmpty() && !commands.contains(rule.command())) {
            return ControlLink.refusal("no command " + rule.command() + ": one of " + String.join(", ", commands));
        }
        int id = script.add(rule);
        if (id == 0) {
            return ControlLink.refusal(
                    "there are " + FaultScript.MAX_RULES + " faults already: clear some with 'pnfs ds fault clear'");
        }
        log.warn("fault set id={} rule={}", id, rule);
        return Reply.newBuilder()
                .setFaultAdded(FaultAdded.newBuilder().setId(id))
                .build();
    }

    private Reply faults() {
        var all = Faults.newBuilder();
        for (FaultScript.Report report : script.reports()) {
            all.addFaults(FaultReport.newBuilder()
                    .setId(report.id())
                    .setRule(FaultWire.spec(report.rule()))
                    .setSeen(report.seen())
                    .setStruck(report.struck()));
        }
        return Reply.newBuilder().setFaults(all).build();
    }

    private Reply clear(ClearFaults which) {
        if (which.getId() == 0) {
            int count = script.clear();
            log.info("faults cleared count={}", count);
            return cleared(count);
        }
        if (!script.remove(which.getId())) {
            return ControlLink.refusal("no fault " + Integer.toUnsignedString(which.getId())
                    + ": 'pnfs ds fault list' shows those that there are");
        }
        log.info("fault cleared id={}", which.getId());
        return cleared(1);
    }

    private static Reply cleared(int count) {
        return Reply.newBuilder()
                .setFaultsCleared(FaultsCleared.newBuilder().setCount(count))
                .build();
    }
}
