package pnfs.wire.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import pnfs.wire.scsi.ScsiCommand.ModeForm;

/// What MODE SENSE answers and MODE SELECT brings: a header and pages (SPC-4 §7.5.5). Block descriptors are never
/// written and are passed over when read. Immutable.
///
/// @param writeProtected WP, only in answers
/// @param forceUnitAccess DPOFUA: READ and WRITE may ask for it; only in answers
public record ModeParameters(boolean writeProtected, boolean forceUnitAccess, List<ModePage> pages) {
    private static final int SHORT_HEADER_BYTES = 4;
    private static final int LONG_HEADER_BYTES = 8;
    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPOFUA = 0x10;

    public ModeParameters {
        pages = List.copyOf(pages);
    }

    /// The list with the header of `form`. A target cuts it at the allocation length.
    public byte[] toBytes(ModeForm form) {
        var body = new ByteArrayOutputStream();
        pages.forEach(page -> body.writeBytes(page.toBytes()));
        int flags = (writeProtected ? WRITE_PROTECTED : 0) | (forceUnitAccess ? DPOFUA : 0);
        var out = ByteBuffer.allocate(headerBytes(form) + body.size());
        switch (form) {
            case SIX -> out.put((byte) (SHORT_HEADER_BYTES - 1 + body.size())).put(2, (byte) flags);
            case TEN ->
                out.putShort((short) (LONG_HEADER_BYTES - 2 + body.size())).put(3, (byte) flags);
        }
        return out.position(headerBytes(form)).put(body.toByteArray()).array();
    }

    /// Reads an answer or a list from position to limit. Pages that were cut off are left out: an initiator
    /// asks for the header alone first.
    ///
    /// @throws ScsiException PARAMETER LIST LENGTH ERROR when not even the header is there
    public static ModeParameters read(ModeForm form, ByteBuffer in) {
        int headerBytes = headerBytes(form);
        int at = in.position();
        if (in.remaining() < headerBytes) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int flags = in.get(form == ModeForm.SIX ? at + 2 : at + 3);
        int descriptorBytes = form == ModeForm.SIX ? in.get(at + 3) & 0xff : in.getShort(at + 6) & 0xffff;
        int pagesAt = headerBytes + descriptorBytes;
        var pages = new ArrayList<ModePage>();
        if (pagesAt < in.remaining()) {
            ByteBuffer rest = in.slice(at + pagesAt, in.remaining() - pagesAt);
            for (ModePage page = ModePage.take(rest); page != null; page = ModePage.take(rest)) {
                pages.add(page);
            }
        }
        return new ModeParameters((flags & WRITE_PROTECTED) != 0, (flags & DPOFUA) != 0, pages);
    }

    /// Reads the pages of a MODE SELECT list from position to limit. Every bit of them must be one that a page
    /// here has.
    ///
    /// @throws ScsiException PARAMETER LIST LENGTH ERROR when the list ends inside something, INVALID FIELD IN
    ///     PARAMETER LIST for block descriptors, which there are none of, and for unknown bits
    public static List<ModePage> readSelected(ModeForm form, ByteBuffer in) {
        ModeParameters list = read(form, in);
        byte[] again = new ModeParameters(false, false, list.pages).toBytes(form);
        int headerBytes = headerBytes(form);
        int descriptorBytes =
                form == ModeForm.SIX ? in.get(in.position() + 3) & 0xff : in.getShort(in.position() + 6) & 0xffff;
        if (descriptorBytes != 0) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        if (again.length != in.remaining()) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int pageBytes = again.length - headerBytes;
        if (!ByteBuffer.wrap(again, headerBytes, pageBytes).equals(in.slice(in.position() + headerBytes, pageBytes))) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        return list.pages;
    }

    private static int headerBytes(ModeForm form) {
        return form == ModeForm.SIX ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES;
    }
}
