package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpCodec;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// Arguments that no well-behaved client sends: names that are no text, numbers out of their enumeration, and
/// operations that end in the middle. RFC 8881 §14.5, §15.1.1, §16.2.3.
@ExtendWith(SuiteServer.class)
class MalformedTest {
    private static final int CREATE = 6;
    private static final int LINK = 11;
    private static final int LOCKT = 13;
    private static final int LOOKUP = 15;
    private static final int OPEN = 18;
    private static final int REMOVE = 28;
    private static final int RENAME = 29;
    private static final int SECINFO = 33;
    private static final int BIND_CONN_TO_SESSION = 41;
    private static final int LAYOUTGET = 50;
    private static final int LAYOUTRETURN = 51;
    private static final int SECINFO_NO_NAME = 52;
    private static final int WANT_DELEGATION = 56;
    private static final int SEEK = 69;
    private static final int SETXATTR = 73;

    private final Session session;
    private final Tree tree;
    private final Opened file;

    MalformedTest(Suite suite) {
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private void expect(NfsStatus expected, int number, Consumer<XdrWriter> arguments) {
        assertThat(session.raw(tree.handle, number, arguments))
                .as("operation %s", number)
                .isEqualTo(expected);
    }

    private static void stateid(XdrWriter out, Stateid stateid) {
        out.writeUint32(stateid.seqid());
        out.writeFixed(stateid.other());
    }

    /// Overlong forms, halves of pairs, bytes that never occur, and a sequence that is cut off.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "c0af",
                "c1bf",
                "e08080",
                "e0809f",
                "f0808080",
                "eda080",
                "edbfbf",
                "f4908080",
                "80",
                "61bf",
                "ff",
                "fe",
                "e282",
                "f09f98"
            })
    void a_name_that_is_not_utf8_is_invalid_wherever_it_stands(String hex) {
        Opaque name = Opaque.ofHex(hex);

        expect(NfsStatus.INVAL, LOOKUP, out -> out.writeOpaque(name));
        expect(NfsStatus.INVAL, REMOVE, out -> out.writeOpaque(name));
        expect(NfsStatus.INVAL, SECINFO, out -> out.writeOpaque(name));
        expect(NfsStatus.INVAL, CREATE, out -> {
            out.writeUint32(2); // a directory
            out.writeOpaque(name);
            out.writeUint32(0);
            out.writeUint32(0);
        });
        expect(NfsStatus.INVAL, OPEN, out -> openByName(out, 0, name));
        session.ofMinorVersion(2);
        assertThat(rawWithSaved(LINK, out -> out.writeOpaque(name))).isEqualTo(NfsStatus.INVAL);
        assertThat(rawWithSaved(RENAME, out -> {
                    out.writeOpaque(name);
                    out.writeString("new");
                }))
                .isEqualTo(NfsStatus.INVAL);
        assertThat(rawWithSaved(RENAME, out -> {
                    out.writeString("file");
                    out.writeOpaque(name);
                }))
                .isEqualTo(NfsStatus.INVAL);
    }

    /// An OPEN for reading that creates nothing unless `how` says so.
    private static void openByName(XdrWriter out, int how, Opaque name) {
        out.writeUint32(0);
        out.writeUint32(1);
        out.writeUint32(0);
        out.writeUint64(0);
        out.writeString("owner");
        out.writeUint32(how);
        out.writeUint32(0); // CLAIM_NULL
        out.writeOpaque(name);
    }

    /// With the file, or for RENAME the directory, saved.
    private NfsStatus rawWithSaved(int number, Consumer<XdrWriter> arguments) {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 2, 5));
        OpCodec.writeArgs(out, session.next(1, false));
        OpCodec.writeArgs(out, Tree.put(number == LINK ? file.file() : tree.handle));
        OpCodec.writeArgs(out, new SaveFhArgs());
        OpCodec.writeArgs(out, Tree.put(tree.handle));
        out.writeUint32(number);
        arguments.accept(out);
        return CompoundCodec.readResults(
                        session.peer.send(session.who, out.toByteArray()).join())
                .status();
    }

    /// What CREATE makes is anything but a regular file, which OPEN makes, and but parts of named attributes.
    @ParameterizedTest
    @CsvSource({"1, BADTYPE", "8, BADTYPE", "9, BADTYPE", "0, BADTYPE", "10, BADTYPE", "77, BADTYPE"})
    void create_makes_the_kinds_that_there_are(int type, NfsStatus expected) {
        expect(expected, CREATE, out -> {
            out.writeUint32(type);
            out.writeString("new");
            out.writeUint32(0);
            out.writeUint32(0);
        });
    }

    @Test
    void a_number_out_of_its_enumeration_is_refused() {
        Stateid open = file.stateid();

        assertThat(session.raw(file.file(), LOCKT, out -> {
                    out.writeUint32(5);
                    out.writeUint64(0);
                    out.writeUint64(1);
                    out.writeUint64(0);
                    out.writeString("owner");
                }))
                .isEqualTo(NfsStatus.INVAL);
        assertThat(session.raw(file.file(), LAYOUTGET, out -> layoutGet(out, 99, 1, open)))
                .isEqualTo(NfsStatus.UNKNOWN_LAYOUTTYPE);
        for (int iomode : new int[] {0, 3, 4}) {
            assertThat(session.raw(file.file(), LAYOUTGET, out -> layoutGet(out, 5, iomode, open)))
                    .isEqualTo(NfsStatus.BADIOMODE);
        }
        for (int scope : new int[] {0, 4}) {
            assertThat(session.raw(file.file(), LAYOUTRETURN, out -> {
                        out.writeUint32(0);
                        out.writeUint32(5);
                        out.writeUint32(3);
                        out.writeUint32(scope);
                    }))
                    .isIn(NfsStatus.INVAL, NfsStatus.BADXDR);
        }
        expect(NfsStatus.INVAL, SECINFO_NO_NAME, out -> out.writeUint32(2));
        assertThat(session.raw(file.file(), WANT_DELEGATION, out -> {
                    out.writeUint32(0x100);
                    out.writeUint32(99);
                }))
                .isIn(NfsStatus.INVAL, NfsStatus.BADXDR);
        assertThat(session.raw(file.file(), SEEK, out -> {
                    stateid(out, open);
                    out.writeUint64(0);
                    out.writeUint32(2);
                }))
                .isIn(NfsStatus.UNION_NOTSUPP, NfsStatus.INVAL);
        assertThat(session.raw(file.file(), SETXATTR, out -> {
                    out.writeUint32(3);
                    out.writeString("user.name");
                    out.writeString("value");
                }))
                .isEqualTo(NfsStatus.INVAL);
        for (int how : new int[] {2, 77}) {
            assertThat(session.raw(tree.handle, OPEN, out -> openByName(out, how, Opaque.ofUtf8("file"))))
                    .isIn(NfsStatus.INVAL, NfsStatus.BADXDR);
        }
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 1, 1));
        out.writeUint32(BIND_CONN_TO_SESSION);
        out.writeFixed(session.id);
        out.writeUint32(0);
        out.writeUint32(0);
        assertThat(CompoundCodec.readResults(session.peer
                                .send(session.who, out.toByteArray())
                                .join())
                        .status())
                .isIn(NfsStatus.INVAL, NfsStatus.BADXDR);
    }

    private static void layoutGet(XdrWriter out, int type, int iomode, Stateid stateid) {
        out.writeUint32(0);
        out.writeUint32(type);
        out.writeUint32(iomode);
        out.writeUint64(0);
        out.writeUint64(4096);
        out.writeUint64(0);
        stateid(out, stateid);
        out.writeUint32(4096);
    }

    /// RFC 8881 §18.43.3, §18.42.3: sums that leave 64 bits, and a minimum over the length.
    @ParameterizedTest
    @CsvSource({
        "0, 4096, 8192, INVAL",
        "-4096, 8192, 4096, INVAL",
        "-4096, -1, 8192, INVAL",
        "0, 0, 0, INVAL",
        "4096, -1, 4096, OK"
    })
    void a_layout_is_of_bytes_that_a_file_can_have(long offset, long length, long minLength, NfsStatus expected) {
        assertThat(session.raw(file.file(), LAYOUTGET, out -> {
                    out.writeUint32(0);
                    out.writeUint32(5);
                    out.writeUint32(2);
                    out.writeUint64(offset);
                    out.writeUint64(length);
                    out.writeUint64(minLength);
                    stateid(out, file.stateid());
                    out.writeUint32(65536);
                }))
                .isEqualTo(expected);
    }

    @Test
    void what_ran_before_a_broken_operation_ran_and_is_told() {
        var out = new XdrWriter();
        CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, 1, 4));
        OpCodec.writeArgs(out, session.next(1, false));
        OpCodec.writeArgs(out, new PutRootFhArgs());
        OpCodec.writeArgs(out, new GetFhArgs());
        out.writeUint32(LOOKUP);
        out.writeUint32(1000); // of which nothing comes

        Results results = CompoundCodec.readResults(
                session.peer.send(session.who, out.toByteArray()).join());

        assertThat(results.status()).isEqualTo(NfsStatus.BADXDR);
        assertThat(results.operations()).hasSize(4);
        assertThat(results.operations().subList(0, 3))
                .allSatisfy(done -> assertThat(done.status()).isEqualTo(NfsStatus.OK));
    }

    @Test
    void bytes_behind_the_last_value_of_an_attribute_list_are_one_too_many() {
        for (int surplus : new int[] {4, 8}) {
            expect(NfsStatus.BADXDR, CREATE, out -> {
                out.writeUint32(2);
                out.writeString("new");
                out.writeUint32(2);
                out.writeUint32(0);
                out.writeUint32(2); // mode
                out.writeOpaque(new byte[4 + surplus]);
            });
        }
    }
}
