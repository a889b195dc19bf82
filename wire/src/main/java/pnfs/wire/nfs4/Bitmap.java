package pnfs.wire.nfs4;

import java.util.Arrays;
import java.util.Collection;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// `bitmap4`: a set of small numbers, 32 a word, as attributes and notifications use it. Immutable. Trailing
/// zero words, which Linux sends now and then, are kept for the way back but make no difference otherwise.
public final class Bitmap {
    public static final Bitmap EMPTY = new Bitmap(new int[0]);

    private final int[] words;
    /// How many words there are up to the last that is not zero.
    private final int significant;

    private Bitmap(int[] words) {
        this.words = words;
        int length = words.length;
        while (length > 0 && words[length - 1] == 0) {
            length--;
        }
        this.significant = length;
    }

    /// Takes `words` as they are, least numbers first: the caller gives them away.
    static Bitmap owning(int[] words) {
        return words.length == 0 ? EMPTY : new Bitmap(words);
    }

    /// Without trailing zero words.
    private static Bitmap shortest(int[] words) {
        var bitmap = owning(words);
        return bitmap.significant == words.length ? bitmap : owning(Arrays.copyOf(words, bitmap.significant));
    }

    public static Bitmap of(int... bits) {
        int highest = Arrays.stream(bits).max().orElse(-1);
        var words = new int[(highest + Integer.SIZE) / Integer.SIZE];
        for (int bit : bits) {
            words[bit / Integer.SIZE] |= 1 << bit;
        }
        return shortest(words);
    }

    public static Bitmap of(Attribute... attributes) {
        return of(Arrays.stream(attributes).mapToInt(Attribute::number).toArray());
    }

    public static Bitmap of(Collection<Attribute> attributes) {
        return of(attributes.stream().mapToInt(Attribute::number).toArray());
    }

    public boolean has(int bit) {
        int word = bit / Integer.SIZE;
        return word < words.length && (words[word] & 1 << bit) != 0;
    }

    public boolean has(Attribute attribute) {
        return has(attribute.number());
    }

    public boolean isEmpty() {
        return significant == 0;
    }

    public boolean containsAll(Bitmap other) {
        return other.minus(this).isEmpty();
    }

    public boolean intersects(Bitmap other) {
        return !and(other).isEmpty();
    }

    /// The least number from `from` upwards that is in the set, or -1: for loops that allocate nothing.
    public int next(int from) {
        int word = from / Integer.SIZE;
        if (word >= words.length) {
            return -1;
        }
        int left = words[word] & -1 << from;
        while (left == 0) {
            if (++word == words.length) {
                return -1;
            }
            left = words[word];
        }
        return word * Integer.SIZE + Integer.numberOfTrailingZeros(left);
    }

    public Bitmap and(Bitmap other) {
        var both = new int[Math.min(words.length, other.words.length)];
        for (int i = 0; i < both.length; i++) {
            both[i] = words[i] & other.words[i];
        }
        return shortest(both);
    }

    public Bitmap or(Bitmap other) {
        var either = Arrays.copyOf(words, Math.max(words.length, other.words.length));
        for (int i = 0; i < other.words.length; i++) {
            either[i] |= other.words[i];
        }
        return shortest(either);
    }

    public Bitmap minus(Bitmap other) {
        var rest = words.clone();
        for (int i = 0; i < Math.min(rest.length, other.words.length); i++) {
            rest[i] &= ~other.words[i];
        }
        return shortest(rest);
    }

    /// The numbers in ascending order.
    public IntStream stream() {
        return IntStream.iterate(next(0), bit -> bit >= 0, bit -> next(bit + 1));
    }

    int wordCount() {
        return words.length;
    }

    int word(int index) {
        return words[index];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bitmap that && Arrays.equals(words, 0, significant, that.words, 0, that.significant);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = 0; i < significant; i++) {
            hash = 31 * hash + words[i];
        }
        return hash;
    }

    @Override
    public String toString() {
        return stream().mapToObj(Integer::toString).collect(Collectors.joining(",", "{", "}"));
    }
}
