package pnfs.it.sim;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.List;

/// A mistake that could be in the servers, and where: a call that does not do there what it should.
///
/// @param what is wrong then, in words
/// @param in the class whose code calls, without `pnfs.`, and with `#` one of its methods; what is nested
///     counts too
/// @param call the class by which the method is called, without its package, and the method
/// @param seeds that find it, as far as known
record PlantedBug(String what, String in, String call, Instead instead, List<Long> seeds) {
    PlantedBug(String what, String in, String call, Instead instead, long... seeds) {
        this(what, in, call, instead, Arrays.stream(seeds).boxed().toList());
    }

    /// What the call does instead.
    @FunctionalInterface
    interface Instead {
        /// The call that is made in its place.
        ///
        /// @param caller may see what the calling code may see
        MethodHandle of(MethodHandle original, MethodHandles.Lookup caller) throws ReflectiveOperationException;
    }

    /// Nothing happens; null, false or 0 comes back.
    static Instead nothing() {
        return (original, caller) -> MethodHandles.empty(original.type());
    }

    /// Nothing happens but an answer that is always the same.
    static Instead always(Object answer) {
        return (original, caller) -> MethodHandles.dropArguments(
                MethodHandles.constant(original.type().returnType(), answer),
                0,
                original.type().parameterList());
    }

    /// Nothing happens, and one of the arguments comes back.
    ///
    /// @param position 0 is the object whose method it is
    static Instead argument(int position) {
        return (original, caller) -> MethodHandles.permuteArguments(
                MethodHandles.identity(original.type().parameterType(position))
                        .asType(MethodType.methodType(
                                original.type().returnType(), original.type().parameterType(position))),
                original.type(),
                position);
    }

    /// It gets another argument, always the same.
    ///
    /// @param value for an enum the name of a constant
    static Instead with(int position, Object value) {
        return (original, caller) -> {
            Class<?> type = original.type().parameterType(position);
            Object given = !type.isEnum()
                    ? value
                    : Arrays.stream(type.getEnumConstants())
                            .filter(each -> each.toString().equals(value))
                            .findFirst()
                            .orElseThrow();
            return MethodHandles.dropArguments(
                    MethodHandles.insertArguments(original, position, given), position, type);
        };
    }

    /// What was asked for is not done, but somebody is told that it was.
    ///
    /// @param position of who is told
    /// @param method of his
    static Instead onlyTell(int position, String method, Object what) {
        return (original, caller) -> {
            Class<?> told = original.type().parameterType(position);
            var named = Arrays.stream(told.getMethods())
                    .filter(each -> each.getName().equals(method))
                    .findFirst()
                    .orElseThrow();
            MethodHandle tell = MethodHandles.insertArguments(caller.unreflect(named), 1, what);
            return MethodHandles.permuteArguments(
                    tell.asType(tell.type().changeReturnType(original.type().returnType())), original.type(), position);
        };
    }

    /// Another method of the same object is called instead, which has no arguments.
    static Instead other(String method) {
        return (original, caller) -> MethodHandles.dropArguments(
                caller.findVirtual(
                        original.type().parameterType(0),
                        method,
                        MethodType.methodType(original.type().returnType())),
                1,
                original.type().parameterList().subList(1, original.type().parameterCount()));
    }

    /// A method of [PlantedCode], which gets the same arguments.
    static Instead code(String method) {
        return (original, caller) -> caller.findStatic(
                caller.lookupClass().getClassLoader().loadClass(PlantedCode.class.getName()), method, original.type());
    }

    boolean isIn(String className) {
        String here = "pnfs." + (in.contains("#") ? in.substring(0, in.indexOf('#')) : in);
        return className.equals(here) || className.startsWith(here + "$");
    }

    boolean isIn(String className, String method) {
        if (!in.contains("#")) {
            return isIn(className);
        }
        String here = in.substring(in.indexOf('#') + 1);
        return isIn(className) && (method.equals(here) || method.startsWith("lambda$" + here + "$"));
    }

    boolean calls(String internalOwner, String method) {
        String simple = internalOwner.substring(internalOwner.lastIndexOf('/') + 1);
        return call.equals(simple.substring(simple.lastIndexOf('$') + 1) + "." + method);
    }

    @Override
    public String toString() {
        return what;
    }
}
