using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace MambaExt.Data;

/// <summary>A NumPy array: little-endian, row-major, at most 2 GiB, whatever the order in its file.</summary>
public sealed class NpyArray
{
    private long[] shape = [0];
    private IReadOnlyList<object?>? objects;
    private string source = "memory";

    /// <summary>An array that a pickle announces before it gives its content.</summary>
    internal NpyArray()
    {
    }

    /// <summary>The element type.</summary>
    public NpyType Type => Dtype.Type;

    /// <summary>The extent of every dimension; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => shape;

    /// <summary>The number of elements.</summary>
    public long Count => objects?.Count ?? (Dtype.Size == 0 ? 0 : Data.Length / Dtype.Size);

    /// <summary>The raw bytes; empty for objects.</summary>
    public ReadOnlyMemory<byte> Data { get; private set; }

    /// <summary>The elements of an object array, row-major.</summary>
    /// <exception cref="InvalidDataException">The array holds no objects.</exception>
    public IReadOnlyList<object?> Objects => objects ?? throw Wrong("objects", "an array of dtype O");

    /// <summary>The one element of an object array, as <c>np.save</c> stores a dict or a sparse matrix.</summary>
    /// <exception cref="InvalidDataException">The array does not hold one object.</exception>
    public object? Object => Objects.Count == 1 ? Objects[0] : throw Wrong("one object", "an object array of one element");

    internal NpyDtype Dtype { get; private set; } = new(NpyType.Float64, 8, false);

    internal bool IsFilled { get; private set; }

    /// <summary>An array that holds a copy of <paramref name="values"/>, for a writer.</summary>
    public static NpyArray Of<T>(ReadOnlySpan<T> values, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        NpyDtype dtype = NpyDtype.Of(typeof(T)) ?? throw new ArgumentException(
            $"The values are {typeof(T).Name}; allowed are bool, the integers of 8 to 64 bits, Half, float and double; convert them first.", nameof(values));
        if (!NpyLayout.TryBytes(shape, dtype.Size, out long bytes) || bytes != (long)values.Length * dtype.Size)
        {
            throw new ArgumentException($"{values.Length} values do not fill shape {NpyLayout.Text(shape)}; pass product(shape) values.", nameof(shape));
        }

        return new NpyArray().Fill(dtype, shape.ToArray(), MemoryMarshal.AsBytes(values).ToArray(), null, "memory");
    }

    /// <summary>The elements in place; <typeparamref name="T"/> must be the array's own number type.</summary>
    /// <exception cref="InvalidDataException">The array holds another type.</exception>
    public ReadOnlySpan<T> Span<T>() where T : unmanaged =>
        NpyDtype.Of(typeof(T)) is { } asked && asked.Type == Type ? MemoryMarshal.Cast<byte, T>(Data.Span) : throw Wrong(typeof(T).Name, "the array's own type");

    /// <summary>Numbers of any type, and bools as 0 and 1, as 32-bit floats.</summary>
    /// <exception cref="InvalidDataException">The array holds no numbers.</exception>
    public float[] ToFloats() => Type switch
    {
        NpyType.Float16 => Each<Half, float>(float.CreateTruncating),
        NpyType.Float32 => Span<float>().ToArray(),
        NpyType.Float64 => Each<double, float>(static v => (float)v),
        NpyType.UInt64 => Each<ulong, float>(static v => v),
        _ => Array.ConvertAll(Integers("floats", "numbers and bools"), static v => (float)v),
    };

    /// <summary>Numbers of any type, and bools as 0 and 1, as 64-bit floats.</summary>
    /// <exception cref="InvalidDataException">The array holds no numbers.</exception>
    public double[] ToDoubles() => Type switch
    {
        NpyType.Float16 => Each<Half, double>(double.CreateTruncating),
        NpyType.Float32 => Each<float, double>(static v => v),
        NpyType.Float64 => Span<double>().ToArray(),
        NpyType.UInt64 => Each<ulong, double>(static v => v),
        _ => Array.ConvertAll(Integers("doubles", "numbers and bools"), static v => (double)v),
    };

    /// <summary>Integers of any width, and bools as 0 and 1.</summary>
    /// <exception cref="InvalidDataException">The array holds something else, or a number above 2^63 - 1.</exception>
    public long[] ToLongs() => Type == NpyType.UInt64
        ? Each<ulong, long>(v => v <= long.MaxValue ? (long)v : throw Wrong($"64-bit integers, with {v} in it,", "at most 2^63 - 1"))
        : Integers("integers", "integers and bools");

    /// <summary>Integers of any width that fit 32 bits, and bools as 0 and 1.</summary>
    /// <exception cref="InvalidDataException">The array holds something else, or a number outside 32 bits.</exception>
    public int[] ToInts() => Type == NpyType.Int32
        ? Span<int>().ToArray()
        : Array.ConvertAll(ToLongs(), v => v == (int)v ? (int)v : throw Wrong($"32-bit integers, with {v} in it,", "-2^31 to 2^31 - 1"));

    /// <summary>Bools, or integers that are all 0 or 1 (masks are often stored so).</summary>
    /// <exception cref="InvalidDataException">The array holds something else.</exception>
    public bool[] ToBools() => Type == NpyType.Bool
        ? Span<bool>().ToArray()
        : Array.ConvertAll(ToLongs(), v => v is 0 or 1 ? v == 1 : throw Wrong($"bools, with {v} in it,", "bools, or integers 0 and 1"));

    /// <summary>Texts: <c>U</c>, <c>S</c> as Latin-1, or objects that are all text; the zeros that pad them are left out.</summary>
    /// <exception cref="InvalidDataException">The array holds something else, or code points that do not exist.</exception>
    public string[] ToStrings()
    {
        if (objects is not null)
        {
            return [.. objects.Select(o => o as string ?? throw Wrong($"texts, with a {o?.GetType().Name ?? "null"} in it,", "texts alone"))];
        }

        Encoding encoding = Type switch
        {
            NpyType.Text => new UTF32Encoding(bigEndian: false, byteOrderMark: false, throwOnInvalidCharacters: true),
            NpyType.Bytes => Encoding.Latin1,
            _ => throw Wrong("texts", "an array of dtype U, S or O"),
        };
        string[] texts = new string[Count];
        for (int i = 0; i < texts.Length; i++)
        {
            try
            {
                texts[i] = encoding.GetString(Data.Span.Slice(i * Dtype.Size, Dtype.Size)).TrimEnd('\0');
            }
            catch (ArgumentException error)
            {
                // The decoder's way to say that a code point does not exist.
                throw Kernels.BadFile.At(source, (long)i * Dtype.Size, "bytes that are no text (the offset counts from the first element)", "UTF-32", "write the array again", error);
            }
        }

        return texts;
    }

    internal NpyArray Fill(NpyDtype dtype, long[] extents, ReadOnlyMemory<byte> data, IReadOnlyList<object?>? elements, string file)
    {
        Dtype = dtype with { BigEndian = false };
        shape = extents;
        Data = data;
        objects = elements;
        source = file;
        IsFilled = true;
        return this;
    }

    private long[] Integers(string asked, string allowed) => Type switch
    {
        NpyType.Bool or NpyType.UInt8 => Array.ConvertAll(Data.ToArray(), static v => (long)v),
        NpyType.Int8 => Each<sbyte, long>(static v => v),
        NpyType.Int16 => Each<short, long>(static v => v),
        NpyType.Int32 => Each<int, long>(static v => v),
        NpyType.Int64 => Span<long>().ToArray(),
        NpyType.UInt16 => Each<ushort, long>(static v => v),
        NpyType.UInt32 => Each<uint, long>(static v => v),
        _ => throw Wrong(asked, allowed),
    };

    private TOut[] Each<TIn, TOut>(Func<TIn, TOut> convert) where TIn : unmanaged, INumberBase<TIn>
    {
        ReadOnlySpan<TIn> from = Span<TIn>();
        TOut[] to = new TOut[from.Length];
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = convert(from[i]);
        }

        return to;
    }

    private InvalidDataException Wrong(string asked, string allowed) =>
        new($"{source}: found an array of {Type} and shape {NpyLayout.Text(shape)} where {asked} were asked for; allowed is {allowed}; check that this is the right array.");
}
