using System.Runtime.InteropServices;

namespace MambaExt.Kernels;

/// <summary>
/// The only allocator of the kernels: 64-byte aligned native memory, counted, so that a benchmark can say what an operator
/// needed beside its inputs and outputs. Freed as one when disposed.
/// </summary>
public sealed unsafe class Workspace : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<nint> _blocks = [];
    [ThreadStatic]
    private static long _lastPeak;

    /// <summary>Bytes allocated so far by this workspace.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of the workspace that this thread disposed last: what its latest kernel call needed.</summary>
    public static long LastBytes => _lastPeak;

    /// <summary>Allocates <paramref name="count"/> elements, zeroed if <paramref name="zeroed"/>.</summary>
    public T* Allocate<T>(long count, bool zeroed = false)
        where T : unmanaged
    {
        nuint bytes = checked((nuint)Math.Max(count, 1) * (nuint)sizeof(T));
        void* block = NativeMemory.AlignedAlloc(bytes, 64);
        if (zeroed)
        {
            NativeMemory.Clear(block, bytes);
        }

        lock (_gate)
        {
            _blocks.Add((nint)block);
            Bytes += (long)bytes;
        }

        return (T*)block;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint block in _blocks)
        {
            NativeMemory.AlignedFree((void*)block);
        }

        _blocks.Clear();
        _lastPeak = Bytes;
    }
}
