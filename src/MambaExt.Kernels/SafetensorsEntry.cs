using System.Runtime.InteropServices;

namespace MambaExt.Kernels;

/// <summary>One named array of a safetensors file: little-endian, row-major, at most 2 GiB.</summary>
public sealed class SafetensorsEntry
{
    private readonly long[] shape;

    /// <summary>An entry over <paramref name="data"/>, which is not copied and must hold exactly the shape's elements.</summary>
    public SafetensorsEntry(string name, SafetensorsType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name == SafetensorsHeader.MetadataKey)
        {
            throw new ArgumentException($"'{name}' is the key of the metadata map; give the array another name.", nameof(name));
        }

        if (!TryBytes(shape, type, out long bytes) || bytes != data.Length)
        {
            throw new ArgumentException(
                $"{name} has shape {Text(shape)} of {type.Name()}, but {data.Length} bytes of data; pass data of product(shape) x {type.Size()} bytes.", nameof(data));
        }

        Name = name;
        Type = type;
        this.shape = shape.ToArray();
        Data = data;
    }

    /// <summary>The name, unique in a file.</summary>
    public string Name { get; }

    /// <summary>The type of an element.</summary>
    public SafetensorsType Type { get; }

    /// <summary>The extent of every dimension; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => shape;

    /// <summary>The raw bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The number of elements.</summary>
    public long Count => Data.Length / Type.Size();

    /// <summary>An entry that holds a copy of <paramref name="values"/>; bfloat16 is made by the constructor.</summary>
    public static SafetensorsEntry Of<T>(string name, ReadOnlySpan<T> values, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        SafetensorsType type = SafetensorsTypes.Of(typeof(T)) ?? throw new ArgumentException(
            $"{name} holds {typeof(T).Name}; allowed are double, float, Half, long, int, short, sbyte, byte and bool; convert it first.", nameof(values));
        return new SafetensorsEntry(name, type, shape, MemoryMarshal.AsBytes(values).ToArray());
    }

    /// <summary>The elements in place; <typeparamref name="T"/> must be the type's own, <see langword="ushort"/> for BF16.</summary>
    public ReadOnlySpan<T> Span<T>() where T : unmanaged =>
        Type.Holds(typeof(T))
            ? MemoryMarshal.Cast<byte, T>(Data.Span)
            : throw new InvalidOperationException($"{Name} holds {Type.Name()} and was asked for as {typeof(T).Name}; ask for its own type and convert.");

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Type.Name()} {Text(shape)}";

    internal static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    /// <summary>The bytes a shape takes; false where a dimension is negative or the product, zeros counted as one, leaves 64 bits.</summary>
    internal static bool TryBytes(ReadOnlySpan<long> shape, SafetensorsType type, out long bytes)
    {
        long product = type.Size();
        bool empty = false;
        foreach (long extent in shape)
        {
            empty |= extent == 0;
            if (extent < 0 || Math.BigMul(product, Math.Max(extent, 1), out long low) != 0 || low < 0)
            {
                bytes = 0;
                return false;
            }

            product = low;
        }

        bytes = empty ? 0 : product;
        return true;
    }
}
