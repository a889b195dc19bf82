package pnfs.it.demo;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/// How the demo went, as it stands in its last line.
///
/// @param bytesDirect of files, between the client and the data servers
/// @param bytesThroughMds of files copied through layouts that had to go through the metadata server all the
///     same: 0
/// @param sha256Match whether everything read back was what was written
/// @param unwrittenLeft bytes that files own and nobody wrote
/// @param mdsKilledMidCopy whether the metadata server was killed in the middle of a copy, which then completed
record DemoResult(
        @JsonProperty("ok") boolean ok,
        @JsonProperty("bytes_direct") long bytesDirect,
        @JsonProperty("bytes_through_mds") long bytesThroughMds,
        @JsonProperty("sha256_match") boolean sha256Match,
        @JsonProperty("layoutgets") long layoutgets,
        @JsonProperty("layoutcommits") long layoutcommits,
        @JsonProperty("unwritten_left") long unwrittenLeft,
        @JsonProperty("mds_restarts") int mdsRestarts,
        @JsonProperty("mds_killed_mid_copy") boolean mdsKilledMidCopy) {
    String line() {
        try {
            return "demo: " + new ObjectMapper().writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a record of numbers that is no JSON", e);
        }
    }
}
