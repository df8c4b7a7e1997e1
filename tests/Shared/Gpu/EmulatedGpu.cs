using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Tests.Shared;

/// <summary>
/// Runs the CUDA sources on the CPU (<c>tests/gpu/emulator.h</c>), in memory whose ends are watched. With
/// <c>MAMBAEXT_EMULATOR=address</c> and libasan loaded first, AddressSanitizer watches instead: see <see cref="SanitizedRun"/>.
/// A launch returns when it is done, so streams make no difference.
/// </summary>
internal sealed class EmulatedGpu : GpuDevice, IDisposable
{
    private readonly bool _reverse;
    private readonly Dictionary<string, IReadOnlyList<string>> _declared = [];
    private readonly WatchedMemory _memory = new();

    /// <param name="reverse">Run blocks, warps and lanes in the opposite order.</param>
    /// <param name="sharedBytes">Shared memory a block may have; left out, that of the smallest GPU since sm_80.</param>
    public EmulatedGpu(bool reverse = false, int sharedBytes = 101_376)
    {
        _reverse = reverse;
        SharedBytes = sharedBytes;
    }

    public override string Name => "CPU emulator";

    public override int SharedBytes { get; }

    /// <summary>Whether the machine has the compiler; if not, why the test is skipped.</summary>
    public static bool IsAvailable(out string reason)
    {
        reason = EmulatedLibrary.Missing ?? "";
        return reason.Length == 0;
    }

    /// <summary>A device, or a skipped test where there is no compiler.</summary>
    public static EmulatedGpu Require(KernelSource source, IReadOnlyList<string> instances, bool reverse = false)
    {
        Assert.SkipUnless(IsAvailable(out string reason), reason);
        var gpu = new EmulatedGpu(reverse);
        gpu.Declare(source, instances);
        return gpu;
    }

    /// <summary>
    /// Names all instances of a source that will be launched. They become one library, which takes seconds once; a launch of any other
    /// instance of that source is then an error. A source without a declaration gets a library an instance.
    /// </summary>
    public void Declare(KernelSource source, IReadOnlyList<string> instances) => _declared[source.Hash] = instances;

    /// <summary>Aligned to 256 bytes. What lies behind the last byte, up to the next 256, is checked after every launch; further away a kernel faults.</summary>
    public override nint Allocate(long bytes) => _memory.Allocate(bytes, 256);

    /// <summary>Memory whose next byte is out of reach: its beginning is aligned as far as the size is.</summary>
    public nint AllocateExact(long bytes) => _memory.Allocate(bytes, 1);

    /// <summary>Checks what lies around the memory first.</summary>
    public override void Free(nint address) => _memory.Free(address);

    public override unsafe void Clear(nint address, long bytes, nint stream = 0) => NativeMemory.Clear((void*)address, (nuint)bytes);

    public override unsafe void CopyIn(nint target, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)target, source.Length));

    public override unsafe void CopyOut(Span<byte> target, nint source) => new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    public override void Synchronize() => _memory.Check("Synchronize");

    public void Dispose() => _memory.Dispose();

    protected override void CheckArguments(KernelSource source, string instance, int bytes)
    {
        (EmulatedLibrary library, int kernel) = Find(source, instance);
        if (library.ArgumentBytes(kernel) != bytes)
        {
            throw new CudaException($"{instance} takes {library.ArgumentBytes(kernel)} bytes of arguments and was given {bytes}; make the two structs alike.");
        }
    }

    protected override void Launch(KernelSource source, string instance, LaunchSize size, nint arguments, nint stream)
    {
        (EmulatedLibrary library, int kernel) = Find(source, instance);
        library.Launch(kernel, size, arguments, _reverse);
        _memory.Check(instance);
    }

    private (EmulatedLibrary Library, int Kernel) Find(KernelSource source, string instance)
    {
        IReadOnlyList<string> instances = _declared.GetValueOrDefault(source.Hash) ?? [instance];
        int kernel = instances.ToList().IndexOf(instance);
        return kernel >= 0
            ? (EmulatedLibrary.Get(source, instances), kernel)
            : throw new CudaException($"{source.Name} has no instance {instance} among the {instances.Count} that were declared.");
    }
}
