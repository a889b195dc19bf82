package pnfs.ds.iscsi;

import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.wire.iscsi.ChapAlgorithm;
import pnfs.wire.iscsi.ChapChallenge;
import pnfs.wire.iscsi.ChapCredential;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.LoginKeys;

/// The security stage of one login: whether the initiator is who it says, and we for it (RFC 7143 §12.1). Control
/// path; confined to its connection.
final class LoginProof {
    private final AccessList access;
    private final String initiator;
    private Step step;
    private @Nullable ChapAlgorithm algorithm;
    private @Nullable ChapChallenge asked;

    /// How far it is.
    private enum Step {
        /// Nothing is agreed on; whoever goes on from here goes on without proof.
        METHOD,
        /// CHAP it is: which algorithm?
        ALGORITHM,
        /// We have asked.
        RESPONSE,
        /// The initiator may go on.
        DONE
    }

    LoginProof(AccessList access, String initiator) {
        this.access = access;
        this.initiator = initiator;
        this.step = Step.METHOD;
    }

    /// Whether the initiator may leave the security stage, or skip it.
    boolean isDone() {
        return step == Step.DONE || (step == Step.METHOD && !access.wantsProof(initiator));
    }

    /// Whether a proof was agreed on and is not there yet.
    boolean isUnderWay() {
        return step == Step.ALGORITHM || step == Step.RESPONSE;
    }

    /// Takes what the initiator says and returns our answer; null when the login fails here.
    ///
    /// @throws IscsiException on keys that do not belong here
    @Nullable
    LoginKeys receive(LoginKeys keys) {
        return switch (step) {
            case METHOD -> {
                String methods = keys.get(LoginKeys.AUTH_METHOD);
                yield methods == null ? LoginKeys.EMPTY : choose(List.of(methods.split(",", -1)));
            }
            case ALGORITHM -> ask(keys);
            case RESPONSE -> check(keys);
            case DONE -> LoginKeys.EMPTY;
        };
    }

    /// The first of the initiator's methods that will do.
    private @Nullable LoginKeys choose(List<String> methods) {
        for (String method : methods) {
            if (method.equals(ChapChallenge.METHOD) && access.takesProof(initiator)) {
                step = Step.ALGORITHM;
                return LoginKeys.of(LoginKeys.AUTH_METHOD, method);
            }
            if (method.equals(LoginKeys.NONE) && !access.wantsProof(initiator)) {
                step = Step.DONE;
                return LoginKeys.of(LoginKeys.AUTH_METHOD, method);
            }
        }
        return null;
    }

    private @Nullable LoginKeys ask(LoginKeys keys) {
        String algorithms = keys.get(ChapChallenge.ALGORITHM);
        if (algorithms == null) {
            return LoginKeys.EMPTY;
        }
        ChapAlgorithm chosen = ChapAlgorithm.firstOf(algorithms);
        if (chosen == null) {
            return null;
        }
        ChapChallenge question = ChapChallenge.make(chosen);
        algorithm = chosen;
        asked = question;
        step = Step.RESPONSE;
        return question.algorithmKey().plus(question.keys());
    }

    private @Nullable LoginKeys check(LoginKeys keys) {
        ChapChallenge question = asked;
        ChapAlgorithm chosen = algorithm;
        String user = keys.get(ChapChallenge.USER);
        if (question == null || chosen == null) {
            throw new IllegalStateException("a response before the question");
        }
        ChapCredential claimed = user == null ? null : access.proof(initiator, user);
        if (claimed == null || !question.isAnsweredBy(claimed, keys)) {
            return null;
        }
        step = Step.DONE;
        if (!ChapChallenge.isIn(keys)) {
            return LoginKeys.EMPTY;
        }
        ChapChallenge counter = ChapChallenge.read(chosen, keys);
        if (counter.asksTheSame(question)) {
            throw new IscsiException("initiator sends our own CHAP challenge back");
        }
        ChapCredential ourselves = access.ourselves();
        return ourselves == null ? null : counter.answer(ourselves);
    }
}
