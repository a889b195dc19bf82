package pnfs.ds.iscsi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import pnfs.wire.iscsi.ChapCredential;

/// Which initiators may see and use the target, and what they have to prove (RFC 7143 §9.2). Immutable.
///
/// A file of it has a rule a line; empty lines and those that begin with `#` are passed over:
///
///     allow INITIATOR               may log in as it is
///     allow INITIATOR USER SECRET   may log in when it proves by CHAP to be that user
///     prove USER SECRET             so we prove by CHAP who we are, to initiators that ask
///
/// INITIATOR is an iSCSI name, or `*` for any.
///
/// @param rules an initiator needs one of them
/// @param ourselves what we answer to an initiator that wants to know who we are; null if we cannot
public record AccessList(List<Rule> rules, @Nullable ChapCredential ourselves) {
    /// Anybody, without a proof.
    public static final AccessList EVERYBODY = new AccessList(List.of(new Rule(Rule.ANY, null)), null);

    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final Pattern SPACES = Pattern.compile("\\s+");

    /// One line.
    ///
    /// @param initiator its iSCSI name, or [#ANY]
    /// @param proof whom it has to prove to be; null for nobody
    public record Rule(String initiator, @Nullable ChapCredential proof) {
        static final String ANY = "*";

        boolean isFor(String name) {
            return initiator.equals(ANY) || initiator.equals(name);
        }
    }

    public AccessList {
        rules = List.copyOf(rules);
        var secrets = new HashSet<String>();
        for (Rule rule : rules) {
            if (rule.proof() != null) {
                secrets.add(rule.proof().secret());
            }
        }
        // Or an initiator could have us answer our own question (RFC 7143 §12.1.3).
        if (ourselves != null && secrets.contains(ourselves.secret())) {
            throw new IllegalArgumentException("one CHAP secret for both directions: give " + ourselves + " its own");
        }
    }

    /// Reads a file of rules.
    ///
    /// @throws IOException with a line for the operator
    public static AccessList read(Path file) throws IOException {
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw new IOException(file + " has over " + MAX_FILE_BYTES + " bytes: it is no access list");
            }
            return of(Files.readAllLines(file));
        } catch (NoSuchFileException missing) {
            throw new IOException("no access list at " + file + ": write one, a line 'allow INITIATOR' each", missing);
        } catch (IllegalArgumentException wrong) {
            throw new IOException(file + ": " + wrong.getMessage(), wrong);
        }
    }

    /// @throws IllegalArgumentException that names the line and what it should be, without a secret
    static AccessList of(List<String> lines) {
        var rules = new ArrayList<Rule>();
        ChapCredential ourselves = null;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            String[] words = SPACES.split(line, -1);
            if (words[0].equals("allow") && words.length == 2) {
                rules.add(new Rule(words[1], null));
            } else if (words[0].equals("allow") && words.length == 4) {
                rules.add(new Rule(words[1], new ChapCredential(words[2], words[3])));
            } else if (words[0].equals("prove") && words.length == 3 && ourselves == null) {
                ourselves = new ChapCredential(words[1], words[2]);
            } else {
                throw new IllegalArgumentException("line " + (i + 1)
                        + ": write 'allow INITIATOR', 'allow INITIATOR USER SECRET' or, once, 'prove USER SECRET'");
            }
        }
        return new AccessList(rules, ourselves);
    }

    /// Whether there is a rule for this initiator.
    boolean knows(String initiator) {
        return rules.stream().anyMatch(rule -> rule.isFor(initiator));
    }

    /// Whether no rule lets it in as it is.
    boolean wantsProof(String initiator) {
        return rules.stream().noneMatch(rule -> rule.isFor(initiator) && rule.proof() == null);
    }

    /// Whether it may prove who it is.
    boolean takesProof(String initiator) {
        return rules.stream().anyMatch(rule -> rule.isFor(initiator) && rule.proof() != null);
    }

    /// Whom this initiator says to be; null if no rule knows that user.
    @Nullable
    ChapCredential proof(String initiator, String user) {
        for (Rule rule : rules) {
            ChapCredential proof = rule.proof();
            if (proof != null && rule.isFor(initiator) && proof.user().equals(user)) {
                return proof;
            }
        }
        return null;
    }
}
