package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// The result of an operation in a CB_COMPOUND. Immutable; equal by value.
public sealed interface CbResult {
    CbOpCode op();

    default NfsStatus status() {
        return NfsStatus.OK;
    }

    /// OK, and nothing more to say.
    record CbSuccess(CbOpCode op) implements CbResult {}

    /// Not OK, and nothing more to say.
    record CbFailure(CbOpCode op, NfsStatus status) implements CbResult {
        public CbFailure {
            if (status == NfsStatus.OK) {
                throw new IllegalArgumentException("a failure of " + op + " with status OK");
            }
        }
    }

    record CbGetAttrResult(Fattr attributes) implements CbResult {
        @Override
        public CbOpCode op() {
            return CbOpCode.CB_GETATTR;
        }
    }

    record CbSequenceResult(Opaque session, int sequence, int slot, int highestSlot, int targetHighestSlot)
            implements CbResult {
        @Override
        public CbOpCode op() {
            return CbOpCode.CB_SEQUENCE;
        }
    }
}
