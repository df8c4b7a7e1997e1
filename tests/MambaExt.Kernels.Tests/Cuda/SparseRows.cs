using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Rows of float so far apart that their offsets leave 32 bits, in memory of which few pages exist: columns of any width lie side by side in
/// the same rows.</summary>
internal sealed unsafe class SparseRows : IDisposable
{
    private readonly nuint _bytes;
    private readonly nint _memory;
    private readonly long _rows, _stride;
    private float* _next;

    /// <summary>Skips the test where the machine has not so many addresses.</summary>
    /// <param name="rows">How many</param>
    /// <param name="stride">Elements between two</param>
    public SparseRows(long rows, long stride)
    {
        Xunit.Assert.SkipUnless(OperatingSystem.IsLinux(), "memory without pages is had as on Linux");
        (_rows, _stride) = (rows, stride);
        _bytes = checked((nuint)(rows * stride * sizeof(float)));
        _memory = Map(0, _bytes, 3, 0x4022, -1, 0);
        Xunit.Assert.SkipWhen(_memory == -1, $"the machine gives no address space of {_bytes >> 30} GiB");
        _next = (float*)_memory;
    }

    /// <summary>A column of that width, in every row.</summary>
    public float* Column(long width)
    {
        float* here = _next;
        _next += width;
        return here;
    }

    /// <summary>A column with these rows, which lie close together.</summary>
    public float* Spread(float* from, int width)
    {
        float* here = Column(width);
        for (long row = 0; row < _rows; row++)
        {
            new Span<float>(from + (row * width), width).CopyTo(new Span<float>(here + (row * _stride), width));
        }

        return here;
    }

    /// <summary>A column's rows, close together.</summary>
    public double[] Gather(float* column, int width)
    {
        double[] values = new double[_rows * width];
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = column[(i / width * _stride) + (i % width)];
        }

        return values;
    }

    public void Dispose() => _ = Unmap(_memory, _bytes);

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(nint address, nuint length);
}
