/// NFSv4.1 and 4.2 on the wire: a record for each operation's arguments and results and each callback's, one
/// codec a family, both directions of both. Grammar: RFC 8881, RFC 7863, RFC 8276. Knows no server, no client
/// and no layout type: what a layout type says inside its bodies is opaque here.
///
/// Errors of a peer come out as two exceptions. [pnfs.wire.xdr.XdrException]: the bytes do not fit their
/// grammar (BADXDR). [NfsException]: they fit, but a field says what a status of its own exists for (a bad
/// iomode, a name that is too long). Records therefore hold well-formed values only, and no handler judges a
/// raw number.
///
/// Unsigned 64-bit stops here: offsets and lengths are at most 2^63-1 inside, and "to the end of the file" is
/// [FileRange#toEnd]. Ids, cookies, verifiers and change numbers are 64 bits as they stand.
@NullMarked
package pnfs.wire.nfs4;

import org.jspecify.annotations.NullMarked;
