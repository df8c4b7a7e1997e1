using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>Turns the payload of an array into little-endian, row-major bytes.</summary>
internal static class NpyLayout
{
    /// <summary>NumPy's own most.</summary>
    public const int MostDimensions = 64;

    public static string Text(ReadOnlySpan<long> shape) => $"({string.Join(", ", shape.ToArray())})";

    /// <summary>The bytes a shape takes; false where a dimension is negative or the product, zeros counted as one, leaves 64 bits.</summary>
    public static bool TryBytes(ReadOnlySpan<long> shape, int size, out long bytes)
    {
        // An element of no bytes would let a shape of any size pass as empty.
        long product = Math.Max(size, 1);
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

    /// <summary>Fills <paramref name="array"/> from a payload that must have exactly the bytes the shape asks for.</summary>
    public static NpyArray Fill(NpyArray array, NpyDtype dtype, long[] shape, bool fortranOrder, ReadOnlyMemory<byte> payload, string file, long offset)
    {
        if (shape.Length > MostDimensions || !TryBytes(shape, dtype.Size, out long bytes) || bytes != payload.Length || (dtype.Size == 0 && bytes > 0))
        {
            throw BadFile.At(file, offset, $"{payload.Length} bytes for shape {Text(shape.AsSpan(0, Math.Min(shape.Length, MostDimensions)))} of {dtype.Descr()}",
                "product(shape) x element size bytes, in at most 64 dimensions", "download or write the file again");
        }

        if (dtype.Type == NpyType.Bool && payload.Span.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and int odd)
        {
            throw BadFile.At(file, offset + odd, $"the bool {payload.Span[odd]}", "0 and 1", "write the array as u1");
        }

        if (fortranOrder && shape.Count(extent => extent != 1) > 1 && bytes > 0)
        {
            payload = ToRowMajor(payload.Span, shape, dtype.Size);
        }

        if (dtype.BigEndian && dtype.SwapWidth > 1)
        {
            payload = Swapped(payload.Span, dtype.SwapWidth);
        }

        return array.Fill(dtype, shape, payload, null, file);
    }

    private static byte[] ToRowMajor(ReadOnlySpan<byte> columns, long[] shape, int size)
    {
        byte[] rows = GC.AllocateUninitializedArray<byte>(columns.Length);
        long[] stride = new long[shape.Length];
        long[] index = new long[shape.Length];
        long step = size;
        for (int d = 0; d < shape.Length; d++)
        {
            stride[d] = step;
            step *= shape[d];
        }

        // Counts up the row-major index and keeps the column-major address beside it.
        long from = 0;
        for (int to = 0; to < rows.Length; to += size)
        {
            columns.Slice((int)from, size).CopyTo(rows.AsSpan(to, size));
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                from += stride[d];
                if (++index[d] < shape[d])
                {
                    break;
                }

                from -= stride[d] * shape[d];
                index[d] = 0;
            }
        }

        return rows;
    }

    private static byte[] Swapped(ReadOnlySpan<byte> bytes, int width)
    {
        byte[] turned = bytes.ToArray();
        switch (width)
        {
            case 2:
                Span<ushort> words = MemoryMarshal.Cast<byte, ushort>(turned.AsSpan());
                BinaryPrimitives.ReverseEndianness(words, words);
                break;
            case 4:
                Span<uint> halves = MemoryMarshal.Cast<byte, uint>(turned.AsSpan());
                BinaryPrimitives.ReverseEndianness(halves, halves);
                break;
            default:
                Span<ulong> longs = MemoryMarshal.Cast<byte, ulong>(turned.AsSpan());
                BinaryPrimitives.ReverseEndianness(longs, longs);
                break;
        }

        return turned;
    }
}
