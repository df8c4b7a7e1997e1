using System.Numerics;

namespace MambaExt.Kernels.Verification;

/// <summary>Arrays of a golden file in the kernels' order. The files keep time last, [B, ..., L]; the kernels want it second, [B, L, ...].</summary>
internal sealed unsafe class GoldenMemory<T>(GoldenFile file) : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Workspace _memory = new();

    /// <summary>An array as it lies in the file, or null where it is absent.</summary>
    public T* Plain(string name, long count) => Find(name, count) is null ? null : Fill(file.Values(name));

    /// <summary>An array [B, inner, L] as [B, L, inner], or null where it is absent.</summary>
    public T* TimeSecond(string name, long count) => Find(name, count) is not { } entry ? null : Fill(Swap(file.Values(name), (int)entry.Shape[0], Inner(entry), (int)entry.Shape[^1]));

    /// <summary>An int32 array, or null where it is absent.</summary>
    public int* Integers(string name, long count)
    {
        if (Find(name, count) is not { } entry)
        {
            return null;
        }

        int* target = _memory.Allocate<int>(entry.Count);
        entry.Span<int>().CopyTo(new Span<int>(target, (int)entry.Count));
        return target;
    }

    /// <summary>Memory for a result, filled with not-a-number so that what is never written is seen.</summary>
    public T* Result(long count)
    {
        T* target = _memory.Allocate<T>(count);
        new Span<T>(target, (int)count).Fill(T.NaN);
        return target;
    }

    /// <summary>A result as it lies.</summary>
    public static double[] Read(T* source, long count)
    {
        var values = new double[count];
        for (long i = 0; i < count; i++)
        {
            values[i] = double.CreateTruncating(source[i]);
        }

        return values;
    }

    /// <summary>A result [B, L, inner] as the file keeps it, [B, inner, L].</summary>
    public static double[] ReadTimeLast(T* source, int batch, int length, int inner) => Swap(Read(source, (long)batch * length * inner), batch, length, inner);

    public void Dispose() => _memory.Dispose();

    /// <summary>The kernels read as many elements as the sizes in the text map promise, so the array must have them.</summary>
    private SafetensorsEntry? Find(string name, long count) => file.Find(name) is { } entry && entry.Count != count
        ? throw new InvalidDataException($"{file.Name}: '{name}' has {entry.Count} elements where the sizes in its text map promise {count}; the file is damaged, fetch it again.")
        : file.Find(name);

    private static int Inner(SafetensorsEntry entry) => (int)(entry.Count / Math.Max(1, entry.Shape[0] * entry.Shape[^1]));

    /// <summary>[batch, rows, columns] to [batch, columns, rows].</summary>
    private static double[] Swap(double[] source, int batch, int rows, int columns)
    {
        var target = new double[source.Length];
        for (int b = 0; b < batch; b++)
        {
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++)
                {
                    target[(b * columns + c) * rows + r] = source[(b * rows + r) * columns + c];
                }
            }
        }

        return target;
    }

    private T* Fill(double[] values)
    {
        T* target = _memory.Allocate<T>(values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            target[i] = T.CreateTruncating(values[i]);
        }

        return target;
    }
}
