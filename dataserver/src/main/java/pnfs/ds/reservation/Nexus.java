package pnfs.ds.reservation;

import java.nio.charset.StandardCharsets;

/// Who registers: an initiator port as seen through one target port (an I_T nexus), or an NVMe host.
///
/// @param initiator the initiator port's name as its protocol writes it: for iSCSI `iqn…,i,0x00023d000001`
/// @param targetPort the relative target port identifier, from 1
public record Nexus(String initiator, int targetPort) {
    /// Longest name that is kept, in UTF-8; iSCSI's are at most 223 bytes and an ISID.
    static final int MAX_INITIATOR_BYTES = 256;

    public Nexus {
        if (initiator.isEmpty() || initiator.getBytes(StandardCharsets.UTF_8).length > MAX_INITIATOR_BYTES) {
            throw new IllegalArgumentException("initiator name of " + initiator.length() + " characters");
        }
        if (targetPort < 0 || targetPort > 0xffff) {
            throw new IllegalArgumentException("target port " + targetPort);
        }
    }
}
