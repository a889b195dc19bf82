package pnfs.wire.nfs4;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Makes a value of any record of this package out of chance, by its components' types and names. A component
/// of a type that it does not know fails the test that asked: whoever adds one says here what its values are.
public final class RandomMessages {
    /// Numbers of 32 or 64 bits that must not be negative here, because they are amounts, positions or slots.
    private static final Set<String> AMOUNTS = Set.of(
            "offset",
            "count",
            "length",
            "minLength",
            "sourceOffset",
            "destinationOffset",
            "blockBytes",
            "blockCount",
            "blockNumberOffset",
            "patternOffset",
            "bytesCopied",
            "slot",
            "highestSlot",
            "targetHighestSlot",
            "maxBytes",
            "minBytes",
            "directoryBytes",
            "maxDevices",
            "headerPadBytes",
            "maxRequestBytes",
            "maxResponseBytes",
            "maxResponseCachedBytes",
            "maxOperations",
            "maxRequests");
    private static final Set<String> IDS_OF_16_BYTES = Set.of("session", "device", "devices");
    private static final Set<OpCode> WITHOUT_GRAMMAR = Set.of(
            OpCode.OPEN_CONFIRM,
            OpCode.RENEW,
            OpCode.SETCLIENTID,
            OpCode.SETCLIENTID_CONFIRM,
            OpCode.RELEASE_LOCKOWNER);

    private final RandomGenerator random;

    public RandomMessages(RandomGenerator random) {
        this.random = random;
    }

    /// All records under a sealed interface.
    public static <T> List<Class<? extends T>> leaves(Class<T> sealed) {
        return permitted(sealed)
                .<Class<? extends T>>map(leaf -> leaf.asSubclass(sealed))
                .toList();
    }

    private static Stream<Class<?>> permitted(Class<?> type) {
        return type.isRecord()
                ? Stream.of(type)
                : Arrays.stream(type.getPermittedSubclasses()).flatMap(RandomMessages::permitted);
    }

    /// A value of that record, or of one under that interface.
    public <T> T of(Class<T> type) {
        return type.cast(whole(type));
    }

    Attributes attributes() {
        var attributes = Attributes.builder();
        for (Attribute attribute : Attribute.values()) {
            if (random.nextInt(4) == 0) {
                attributes.put(attribute, attribute.type(), value(attribute));
            }
        }
        return attributes.build();
    }

    private Object value(Attribute attribute) {
        return switch (attribute.type()) {
            case BOOL -> random.nextBoolean();
            case UINT32 -> random.nextInt();
            case UINT64 -> random.nextLong();
            case LENGTH -> amount();
            case TEXT -> text();
            case TIME -> of(NfsTime.class);
            case SET_TIME -> of(AttributeValue.SetTime.class);
            case BITMAP -> bitmap();
            case FILE_HANDLE -> opaque(Nfs4Limits.FILE_HANDLE_BYTES);
            case FILE_TYPE -> of(FileType.class);
            case STATUS -> of(NfsStatus.class);
            case FSID -> of(AttributeValue.Fsid.class);
            case ACL -> list(() -> of(AttributeValue.Ace.class));
            case FLAGGED_ACL -> of(AttributeValue.FlaggedAcl.class);
            case DEVICE_NUMBERS -> of(AttributeValue.DeviceNumbers.class);
            case FS_LOCATIONS -> of(AttributeValue.FsLocations.class);
            case FS_LOCATIONS_INFO -> of(AttributeValue.FsLocationsInfo.class);
            case FS_STATUS -> of(AttributeValue.FsStatus.class);
            case CHANGE_POLICY -> of(AttributeValue.ChangePolicy.class);
            case CHANGE_TYPE -> of(ChangeType.class);
            case LAYOUT_TYPES -> list(() -> of(LayoutType.class));
            case LAYOUT_HINT -> of(AttributeValue.LayoutBody.class);
            case THRESHOLDS -> list(() -> of(AttributeValue.Threshold.class));
            case RETENTION -> of(AttributeValue.Retention.class);
            case SET_RETENTION -> of(AttributeValue.SetRetention.class);
            case MASKED_MODE -> of(AttributeValue.MaskedMode.class);
            case MODE_UMASK -> of(AttributeValue.ModeUmask.class);
            case SECURITY_LABEL -> of(AttributeValue.SecurityLabel.class);
            case OPEN_ARGUMENTS -> of(AttributeValue.OpenArguments.class);
        };
    }

    private Object whole(Class<?> type) {
        if (type.isEnum()) {
            return oneOf(Arrays.asList(type.getEnumConstants()));
        }
        if (type.isSealed()) {
            return whole(oneOf(permitted(type).toList()));
        }
        if (!type.isRecord()) {
            throw new AssertionError("no random values for " + type + ": say here what they are");
        }
        // Records whose components depend on each other.
        if (type == Stateid.class) {
            return new Stateid(random.nextInt(), bytes(Stateid.OTHER_BYTES));
        }
        if (type == NfsTime.class) {
            return new NfsTime(random.nextLong(), random.nextInt(1_000_000_000));
        }
        if (type == FileRange.class) {
            long offset = amount();
            return random.nextInt(4) == 0
                    ? FileRange.toEnd(offset)
                    : FileRange.of(offset, random.nextLong(Long.MAX_VALUE - offset));
        }
        if (type == OpArgs.UnsupportedArgs.class) {
            return new OpArgs.UnsupportedArgs(oneOf(List.copyOf(WITHOUT_GRAMMAR)));
        }
        if (type == OpArgs.IllegalArgs.class) {
            return new OpArgs.IllegalArgs(random.nextInt(76, Integer.MAX_VALUE));
        }
        if (type == CbArgs.CbIllegalArgs.class) {
            return new CbArgs.CbIllegalArgs(random.nextInt(16, Integer.MAX_VALUE));
        }
        if (type == OpArgs.CommitArgs.class) {
            return new OpArgs.CommitArgs(amount(), random.nextLong(1L << 32));
        }
        if (type == OpResult.OpSuccess.class || type == OpResult.OpFailure.class) {
            return bodyless(type.asSubclass(OpResult.class));
        }
        if (type == OpResult.LockDenied.class) {
            var op = random.nextBoolean() ? OpCode.LOCK : OpCode.LOCKT;
            return new OpResult.LockDenied(op, of(FileRange.class), of(LockType.class), of(StateOwner.class));
        }
        if (type == CbResult.CbSuccess.class) {
            return new CbResult.CbSuccess(oneOf(Stream.of(CbOpCode.values())
                    .filter(op -> op != CbOpCode.CB_GETATTR && op != CbOpCode.CB_SEQUENCE)
                    .toList()));
        }
        if (type == CbResult.CbFailure.class) {
            return new CbResult.CbFailure(of(CbOpCode.class), failure());
        }
        if (type == OffloadOutcome.Failed.class) {
            return new OffloadOutcome.Failed(failure(), amount());
        }
        if (type == SecurityFlavor.Plain.class) {
            return new SecurityFlavor.Plain(oneOf(List.of(0, 1, 390_003, -1)));
        }
        if (type == OpenDelegation.Refused.class) {
            var reason = of(NoDelegationReason.class);
            boolean more = reason == NoDelegationReason.CONTENTION || reason == NoDelegationReason.RESOURCE;
            return new OpenDelegation.Refused(reason, more && random.nextBoolean());
        }
        return byComponents(type);
    }

    private Object byComponents(Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        var values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            values[i] = component(components[i].getGenericType(), components[i].getName());
        }
        try {
            Class<?>[] types =
                    Stream.of(components).map(RecordComponent::getType).toArray(Class[]::new);
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(type + " of " + Arrays.toString(values), e);
        }
    }

    private Object component(Type type, String name) {
        if (type instanceof ParameterizedType generic) {
            Type element = generic.getActualTypeArguments()[0];
            if (generic.getRawType() == List.class) {
                return list(() -> component(element, name));
            }
            if (generic.getRawType() == Optional.class) {
                return random.nextBoolean() ? Optional.of(component(element, name)) : Optional.empty();
            }
        }
        boolean amount = AMOUNTS.contains(name);
        if (type == boolean.class) {
            return random.nextBoolean();
        }
        if (type == int.class || type == Integer.class) {
            return amount ? random.nextInt(Integer.MAX_VALUE) : random.nextInt();
        }
        if (type == long.class) {
            return amount ? amount() : random.nextLong();
        }
        if (type == OptionalLong.class) {
            return random.nextBoolean() ? OptionalLong.of(amount()) : OptionalLong.empty();
        }
        if (type == String.class) {
            return name.endsWith("ame") || name.equals("names") ? name() : text();
        }
        if (type == Opaque.class) {
            return IDS_OF_16_BYTES.contains(name) ? bytes(16) : opaque(100);
        }
        if (type == ByteBuffer.class) {
            return XdrReader.of(payload()).readOpaqueView(Integer.MAX_VALUE);
        }
        if (type == Bitmap.class) {
            return bitmap();
        }
        return whole((Class<?>) type);
    }

    /// A result that has nothing behind its status, whichever those are.
    private OpResult bodyless(Class<? extends OpResult> type) {
        while (true) {
            var out = new XdrWriter();
            out.writeUint32(of(OpCode.class).number());
            out.writeUint32((type == OpResult.OpFailure.class ? failure() : NfsStatus.OK).number());
            try {
                OpResult result = OpCodec.readResult(XdrReader.of(out.toOpaque()));
                if (type.isInstance(result)) {
                    return result;
                }
            } catch (XdrException e) {
                // That one has a body: try another.
            }
        }
    }

    private NfsStatus failure() {
        return oneOf(List.copyOf(EnumSet.complementOf(EnumSet.of(NfsStatus.OK))));
    }

    private long amount() {
        return random.nextInt(8) == 0 ? random.nextLong(Long.MAX_VALUE) : random.nextLong(1L << random.nextInt(1, 63));
    }

    private Opaque payload() {
        var out = new XdrWriter();
        out.writeOpaque(opaque(random.nextBoolean() ? 40 : 5_000));
        return out.toOpaque();
    }

    private Opaque opaque(int maxBytes) {
        return bytes(random.nextInt(maxBytes + 1));
    }

    private Opaque bytes(int length) {
        var bytes = new byte[length];
        random.nextBytes(bytes);
        return Opaque.of(bytes);
    }

    private Bitmap bitmap() {
        return Bitmap.of(random.ints(random.nextInt(6), 0, 200).toArray());
    }

    private String name() {
        return "ä" + text();
    }

    private String text() {
        var text = new StringBuilder();
        for (int i = random.nextInt(30); i > 0; i--) {
            text.appendCodePoint(oneOf(List.of((int) 'a', (int) '.', (int) ' ', 0xfc, 0x20ac, 0x1f431)));
        }
        return text.toString();
    }

    private <T> List<T> list(Supplier<T> element) {
        var list = new ArrayList<T>();
        for (int i = random.nextInt(4); i > 0; i--) {
            list.add(element.get());
        }
        return list;
    }

    private <T> T oneOf(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
