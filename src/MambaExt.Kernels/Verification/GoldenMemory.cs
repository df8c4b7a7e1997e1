namespace MambaExt.Kernels.Verification;

/// <summary>
/// Arrays of a golden file in the kernels' order, in the memory of a device. The files keep time last, [B, ..., L]; the kernels want it
/// second, [B, L, ...]. What is a sequence is stored as T; parameters and states are float32 beside 16-bit sequences (and the pointers to
/// them pointers to T all the same).
/// </summary>
/// <param name="file">Where the arrays stand</param>
/// <param name="arena">Where they go</param>
/// <param name="round">What sequences go through before: the rounding of another type, for a reference on rounded inputs</param>
internal sealed unsafe class GoldenMemory<T>(GoldenFile file, GoldenArena arena, Func<double[], double[]> round)
    where T : unmanaged
{
    private static bool Narrow => sizeof(T) == 2;

    /// <summary>A parameter or state as it lies in the file, or null where it is absent.</summary>
    public T* Parameter(string name, long count) => Find(name, count) is null ? null : Fill(file.Values(name), Narrow);

    /// <summary>A state [B, inner, W] as [B, W, inner], or null where it is absent.</summary>
    public T* State(string name, long count) => Find(name, count) is not { } entry ? null : Fill(TimeSecond(name, entry), Narrow);

    /// <summary>A sequence [B, inner, L] as [B, L, inner], or null where it is absent.</summary>
    public T* Sequence(string name, long count) => Find(name, count) is not { } entry ? null : Fill(round(TimeSecond(name, entry)), wide: false);

    /// <summary>A sequence that has time second in the file too, or null where it is absent.</summary>
    public T* Rows(string name, long count) => Find(name, count) is null ? null : Fill(round(file.Values(name)), wide: false);

    /// <summary>An int32 array, or null where it is absent.</summary>
    public int* Integers(string name, long count)
    {
        if (Find(name, count) is not { } entry)
        {
            return null;
        }

        nint target = arena.Allocate(sizeof(int) * entry.Count);
        arena.Write(target, System.Runtime.InteropServices.MemoryMarshal.AsBytes(entry.Span<int>()));
        return (int*)target;
    }

    /// <summary>Memory for a sequence, filled with not-a-number so that what is never written is seen.</summary>
    public T* Result(long count) => Blank(count * sizeof(T));

    /// <summary>Memory for a parameter's gradient, a state or checkpoints, filled likewise.</summary>
    public T* WideResult(long count) => Blank(count * (Narrow ? sizeof(float) : sizeof(T)));

    /// <summary>Memory for a kernel to work in.</summary>
    public nint Workspace(long bytes) => bytes == 0 ? 0 : (nint)Blank(bytes);

    /// <summary>A sequence as it lies.</summary>
    public double[] Read(T* source, long count) => GoldenNumbers.Decode<T>(ReadBytes(source, count * sizeof(T)));

    /// <summary>A parameter or state as it lies.</summary>
    public double[] ReadWide(T* source, long count) => Narrow ? GoldenNumbers.Decode<float>(ReadBytes(source, count * sizeof(float))) : Read(source, count);

    /// <summary>A sequence [B, L, inner] as the file keeps it, [B, inner, L].</summary>
    public double[] ReadTimeLast(T* source, int batch, int length, int inner) => Swap(Read(source, (long)batch * length * inner), batch, length, inner);

    /// <summary>A state [B, W, inner] as the file keeps it, [B, inner, W].</summary>
    public double[] ReadStateTimeLast(T* source, int batch, int length, int inner) => Swap(ReadWide(source, (long)batch * length * inner), batch, length, inner);

    /// <summary>The kernels read as many elements as the sizes in the text map promise, so the array must have them.</summary>
    private SafetensorsEntry? Find(string name, long count) => file.Find(name) is { } entry && entry.Count != count
        ? throw new InvalidDataException($"{file.Name}: '{name}' has {entry.Count} elements where the sizes in its text map promise {count}; the file is damaged, fetch it again.")
        : file.Find(name);

    private double[] TimeSecond(string name, SafetensorsEntry entry) =>
        Swap(file.Values(name), (int)entry.Shape[0], (int)(entry.Count / Math.Max(1, entry.Shape[0] * entry.Shape[^1])), (int)entry.Shape[^1]);

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

    private T* Fill(double[] values, bool wide)
    {
        byte[] bytes = wide ? GoldenNumbers.Encode<float>(values) : GoldenNumbers.Encode<T>(values);
        nint target = arena.Allocate(bytes.Length);
        arena.Write(target, bytes);
        return (T*)target;
    }

    private T* Blank(long bytes)
    {
        nint target = arena.Allocate(bytes);
        var blank = new byte[bytes];
        Array.Fill(blank, (byte)0xFF);
        arena.Write(target, blank);
        return (T*)target;
    }

    private byte[] ReadBytes(T* source, long bytes)
    {
        var target = new byte[bytes];
        arena.Read(target, (nint)source);
        return target;
    }
}
