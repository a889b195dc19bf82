package pnfs.wire.control;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import org.glassfish.grizzly.Buffer;
import org.glassfish.grizzly.filterchain.BaseFilter;
import org.glassfish.grizzly.filterchain.FilterChainContext;
import org.glassfish.grizzly.filterchain.NextAction;
import org.glassfish.grizzly.memory.Buffers;
import pnfs.wire.control.proto.Envelope;

/// Envelopes to and from bytes: each behind its length, four bytes, big-endian. A length over
/// [#MAX_FRAME_BYTES] and bytes that are no envelope end the connection.
final class FrameFilter extends BaseFilter {
    static final int MAX_FRAME_BYTES = 1 << 20;

    @Override
    public NextAction handleRead(FilterChainContext context) throws IOException {
        Buffer bytes = context.getMessage();
        if (bytes.remaining() < Integer.BYTES) {
            return context.getStopAction(bytes);
        }
        int length = bytes.getInt(bytes.position());
        if (length < 0 || length > MAX_FRAME_BYTES) {
            throw new IOException("frame of " + Integer.toUnsignedString(length) + " bytes over " + MAX_FRAME_BYTES);
        }
        int frame = Integer.BYTES + length;
        if (bytes.remaining() < frame) {
            return context.getStopAction(bytes);
        }
        Buffer rest = bytes.remaining() > frame ? bytes.split(bytes.position() + frame) : null;
        bytes.position(bytes.position() + Integer.BYTES);
        try {
            context.setMessage(Envelope.parseFrom(bytes.toByteBuffer()));
        } catch (InvalidProtocolBufferException foreign) {
            throw new IOException("no envelope: " + foreign.getMessage(), foreign);
        } finally {
            bytes.tryDispose();
        }
        return context.getInvokeAction(rest);
    }

    @Override
    public NextAction handleWrite(FilterChainContext context) {
        Envelope envelope = context.getMessage();
        byte[] body = envelope.toByteArray();
        if (body.length > MAX_FRAME_BYTES) {
            throw new IllegalArgumentException("envelope of " + body.length + " bytes");
        }
        Buffer bytes = context.getMemoryManager().allocate(Integer.BYTES + body.length);
        bytes.putInt(body.length);
        bytes.put(Buffers.wrap(context.getMemoryManager(), body));
        bytes.flip();
        bytes.allowBufferDispose(true);
        context.setMessage(bytes);
        return context.getInvokeAction();
    }
}
