using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Tests.Shared;

/// <summary>
/// Memory between two pages that nobody may touch, filled with 0xFF (not-a-number in every type). Its end lies at the end of its pages as far
/// as the alignment lets it; the bytes between are compared. Under AddressSanitizer it is the sanitizer's own memory.
/// </summary>
internal sealed unsafe class WatchedMemory : IDisposable
{
    private const int Nothing = 0, ReadWrite = 3, PrivateAnonymous = 0x22;
    private static readonly long Page = Environment.SystemPageSize;
    private static readonly delegate* unmanaged<nint*, nuint, nuint, int> SanitizedAllocate;
    private static readonly delegate* unmanaged<nint, void> SanitizedFree;
    private readonly Dictionary<nint, Region> _regions = [];

    static WatchedMemory()
    {
        if (EmulatedLibrary.Sanitized)
        {
            nint main = NativeLibrary.GetMainProgramHandle();
            SanitizedAllocate = (delegate* unmanaged<nint*, nuint, nuint, int>)NativeLibrary.GetExport(main, "posix_memalign");
            SanitizedFree = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(main, "free");
        }
    }

    public nint Allocate(long bytes, int alignment)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Region region = EmulatedLibrary.Sanitized ? Sanitized(bytes, alignment) : Guarded(bytes, alignment);
        new Span<byte>((void*)region.Inner, (int)region.InnerBytes).Fill(0xFF);
        lock (_regions)
        {
            _regions.Add(region.Address, region);
        }

        return region.Address;
    }

    public void Free(nint address)
    {
        Region region;
        lock (_regions)
        {
            if (!_regions.Remove(address, out region))
            {
                throw new CudaException($"{address:x} was freed, which is no memory of this device.");
            }
        }

        region.Check("Free");
        Release(region);
    }

    /// <summary>Compares the bytes around every region with what they were filled with.</summary>
    public void Check(string when)
    {
        lock (_regions)
        {
            foreach (Region region in _regions.Values)
            {
                region.Check(when);
            }
        }
    }

    public void Dispose()
    {
        foreach (Region region in _regions.Values)
        {
            Release(region);
        }

        _regions.Clear();
    }

    private static Region Guarded(long bytes, int alignment)
    {
        long aligned = Up(bytes, alignment), inner = Up(Math.Max(aligned, 1), Page);
        nint map = Map(0, (nuint)(inner + (2 * Page)), Nothing, PrivateAnonymous, -1, 0);
        if (map == -1 || Protect(map + (nint)Page, (nuint)inner, ReadWrite) != 0)
        {
            throw new CudaException($"The machine has no {bytes} bytes of memory left.");
        }

        nint begin = map + (nint)Page;
        return new Region(map, inner + (2 * Page), begin, inner, begin + (nint)(inner - aligned), bytes);
    }

    private static Region Sanitized(long bytes, int alignment)
    {
        nint address;
        int code = SanitizedAllocate(&address, (nuint)Math.Max(alignment, 16), (nuint)bytes);
        return code == 0 ? new Region(address, 0, address, bytes, address, bytes) : throw new CudaException($"The machine has no {bytes} bytes of memory left.");
    }

    private static void Release(Region region)
    {
        if (EmulatedLibrary.Sanitized)
        {
            SanitizedFree(region.Map);
        }
        else
        {
            _ = Unmap(region.Map, (nuint)region.MapBytes);
        }
    }

    private static long Up(long value, long unit) => (value + unit - 1) / unit * unit;

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect")]
    private static extern int Protect(nint address, nuint bytes, int protection);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(nint address, nuint bytes);

    private readonly record struct Region(nint Map, long MapBytes, nint Inner, long InnerBytes, nint Address, long Bytes)
    {
        public void Check(string when)
        {
            int front = (int)(Address - Inner);
            int back = (int)(InnerBytes - front - Bytes);
            int before = new ReadOnlySpan<byte>((void*)Inner, front).IndexOfAnyExcept((byte)0xFF);
            int after = new ReadOnlySpan<byte>((void*)(Address + (nint)Bytes), back).IndexOfAnyExcept((byte)0xFF);
            if (before >= 0 || after >= 0)
            {
                string where = before >= 0 ? $"{front - before} bytes before" : $"{after} bytes behind";
                throw new CudaException($"{when}: something was written {where} the {Bytes} bytes at {Address:x}.");
            }
        }
    }
}
