using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Launches nothing and says what it was asked to launch, each instance once, in the order of first use.</summary>
internal sealed unsafe class RecordingGpu : GpuDevice
{
    public List<(KernelSource Source, string Instance)> Launched { get; } = [];

    public override string Name => "recording";

    public override int SharedBytes => 232_448;

    public override nint Allocate(long bytes) => (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 256);

    public override void Free(nint address) => NativeMemory.AlignedFree((void*)address);

    public override void Clear(nint address, long bytes, nint stream = 0) => NativeMemory.Clear((void*)address, (nuint)bytes);

    public override void CopyIn(nint target, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)target, source.Length));

    public override void CopyOut(Span<byte> target, nint source) => new Span<byte>((void*)source, target.Length).CopyTo(target);

    public override void Synchronize()
    {
    }

    protected override void Launch(KernelSource source, string instance, LaunchSize size, nint arguments, nint stream)
    {
        if (!Launched.Contains((source, instance)))
        {
            Launched.Add((source, instance));
        }
    }
}
