namespace MambaExt.Data;

/// <summary>The .NET objects that stand for Python's.</summary>
internal static class PickleValues
{
    public static readonly object True = true;
    public static readonly object False = false;

    public static Dictionary<object, object?> NewDict() => new(Keys.Seeded);

    public static HashSet<object> NewSet() => new(Keys.Seeded);

    /// <summary>Python's hashable plain values; anything else would be compared by reference and never be found again.</summary>
    public static bool IsKey(object? value) => value is string or long or double or bool;

    /// <summary>Hashes numbers with the process's own seed: chosen keys that all collide would make reading quadratic.</summary>
    private sealed class Keys : IEqualityComparer<object>
    {
        public static readonly Keys Seeded = new();

        public new bool Equals(object? x, object? y) => object.Equals(x, y);

        public int GetHashCode(object key) => key switch
        {
            long number => Mix(number),
            double number => Mix(BitConverter.DoubleToInt64Bits(number + 0.0)), // -0 and 0 are equal
            _ => key.GetHashCode(),
        };

        // By halves: HashCode.Combine(long) would mix the long's own hash, which anyone can make collide.
        private static int Mix(long bits) => HashCode.Combine((int)bits, (int)(bits >> 32));
    }
}

/// <summary>A name a pickle may use, one of the allow-list.</summary>
internal sealed record PickleGlobal(PickleCallable Kind, string Name);

/// <summary>What the names of the allow-list stand for.</summary>
internal enum PickleCallable
{
    CsrMatrix,
    NdArray,
    ReconstructArray,
    Dtype,
    NumpyScalar,
    DefaultDict,
    Dict,
    OrderedDict,
    List,
    Set,
    FrozenSet,
    Tuple,
    Int,
    Float,
    Bool,
    Text,
    Bytes,
    Object,
    Encode,
    Reconstruct,
}

/// <summary>A dtype while its pickle is read: the byte order comes after the name.</summary>
internal sealed class PickleDtype(NpyDtype value)
{
    public NpyDtype Value { get; set; } = value;
}
