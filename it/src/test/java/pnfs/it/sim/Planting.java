package pnfs.it.sim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.CallSite;
import java.lang.invoke.ConstantCallSite;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// The cluster with bugs in it, of which one at most is there at a time. Nothing in the servers knows of that:
/// their classes are loaded once more, and where a bug is to be, the call in the byte code becomes one that is
/// linked here, to the method that was called or to what the bug does instead. All bugs share these classes, so
/// that they are loaded, and compiled, once.
public final class Planting {
    private static final MethodHandle IS_THERE;
    private static final ClassDesc SELF = Planting.class.describeConstable().orElseThrow();
    private static final List<String> REPLACED = List.of("pnfs.layout.", "pnfs.mds.", "pnfs.ds.", "pnfs.it.sim.");

    /// Bugs in the order in which they were planted, for [#link], which the virtual machine calls.
    private static List<PlantedBug> bugs = List.of();

    private static @Nullable PlantedBug present;

    static {
        try {
            IS_THERE = MethodHandles.lookup()
                    .findStatic(Planting.class, "isThere", MethodType.methodType(boolean.class, PlantedBug.class));
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final LongFunction<@Nullable String> run;
    private final LongFunction<@Nullable String> pair;
    private final Set<PlantedBug> met = new HashSet<>();

    /// Makes the classes anew. One thread, one of these at a time.
    static Planting of(List<PlantedBug> all) {
        bugs = List.copyOf(all);
        return new Planting();
    }

    private Planting() {
        var ground = new Ground();
        run = ground.make("pnfs.it.sim.PlantedRun");
        pair = ground.make("pnfs.it.sim.PlantedPair");
    }

    /// Runs the cluster from a seed with a bug in it.
    ///
    /// @param bug null for none
    /// @return what the checker said; null when it found nothing
    @Nullable
    String run(@Nullable PlantedBug bug, long seed) {
        return with(bug, run, seed);
    }

    /// The same twice, and both runs are to be the same.
    @Nullable
    String runTwice(@Nullable PlantedBug bug, long seed) {
        return with(bug, pair, seed);
    }

    private static @Nullable String with(@Nullable PlantedBug bug, LongFunction<@Nullable String> what, long seed) {
        present = bug;
        try {
            return what.apply(seed);
        } finally {
            present = null;
        }
    }

    /// Whether a class with a place for this bug was loaded: otherwise its place has another name by now.
    boolean hasMet(PlantedBug bug) {
        return met.contains(bug);
    }

    /// What the planted calls ask.
    static boolean isThere(PlantedBug bug) {
        return bug.equals(present);
    }

    /// Links a call that bugs may change.
    ///
    /// @param owner whose method was called
    /// @param isStatic 1 if it is
    /// @param which their numbers
    public static CallSite link(
            MethodHandles.Lookup caller, String name, MethodType type, Class<?> owner, int isStatic, int... which)
            throws ReflectiveOperationException {
        MethodHandle original = isStatic == 1
                ? caller.findStatic(owner, name, type)
                : caller.findVirtual(owner, name, type.dropParameterTypes(0, 1)).asType(type);
        MethodHandle call = original;
        for (int number : which) {
            PlantedBug bug = bugs.get(number);
            call = MethodHandles.guardWithTest(
                    MethodHandles.insertArguments(IS_THERE, 0, bug),
                    bug.instead().of(original, caller).asType(type),
                    call);
        }
        return new ConstantCallSite(call);
    }

    /// Loads our classes once more, with places for the bugs.
    private final class Ground extends ClassLoader {
        private final ClassFile files;

        Ground() {
            super(Planting.class.getClassLoader());
            files = ClassFile.of(
                    ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(getParent())));
        }

        @SuppressWarnings("unchecked")
        LongFunction<@Nullable String> make(String name) {
            try {
                return (LongFunction<@Nullable String>)
                        loadClass(name).getDeclaredConstructor().newInstance();
            } catch (ReflectiveOperationException impossible) {
                throw new IllegalStateException(impossible);
            }
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                boolean ours = REPLACED.stream().anyMatch(name::startsWith)
                        && !name.startsWith(Planting.class.getName())
                        && !name.startsWith(PlantedBug.class.getName() + "$")
                        && !name.equals(PlantedBug.class.getName());
                return ours ? define(name) : super.loadClass(name, resolve);
            }
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] code = planted(name, in.readAllBytes());
                return defineClass(name, code, 0, code.length);
            } catch (IOException unreadable) {
                throw new UncheckedIOException(unreadable);
            }
        }

        private byte[] planted(String name, byte[] code) {
            List<PlantedBug> here = bugs.stream().filter(bug -> bug.isIn(name)).toList();
            if (here.isEmpty()) {
                return code;
            }
            return files.transformClass(files.parse(code), (builder, element) -> {
                if (element instanceof MethodModel method) {
                    List<PlantedBug> inside = here.stream()
                            .filter(bug -> bug.isIn(name, method.methodName().stringValue()))
                            .toList();
                    builder.transformMethod(
                            method, MethodTransform.transformingCode((to, each) -> plant(inside, to, each)));
                } else {
                    builder.with(element);
                }
            });
        }

        private void plant(List<PlantedBug> here, CodeBuilder builder, CodeElement element) {
            if (!(element instanceof InvokeInstruction call) || call.opcode() == Opcode.INVOKESPECIAL) {
                builder.with(element);
                return;
            }
            List<PlantedBug> there = here.stream()
                    .filter(bug ->
                            bug.calls(call.owner().asInternalName(), call.name().stringValue()))
                    .toList();
            if (there.isEmpty()) {
                builder.with(element);
                return;
            }
            met.addAll(there);
            boolean isStatic = call.opcode() == Opcode.INVOKESTATIC;
            ClassDesc owner = call.owner().asSymbol();
            MethodTypeDesc type =
                    isStatic ? call.typeSymbol() : call.typeSymbol().insertParameterTypes(0, owner);
            var more = new ArrayList<ConstantDesc>(Arrays.asList(owner, isStatic ? 1 : 0));
            there.forEach(bug -> more.add(bugs.indexOf(bug)));
            builder.invokedynamic(DynamicCallSiteDesc.of(
                    ConstantDescs.ofCallsiteBootstrap(
                            SELF,
                            "link",
                            ConstantDescs.CD_CallSite,
                            ConstantDescs.CD_Class,
                            ConstantDescs.CD_int,
                            ConstantDescs.CD_int.arrayType()),
                    call.name().stringValue(),
                    type,
                    more.toArray(ConstantDesc[]::new)));
        }
    }
}
