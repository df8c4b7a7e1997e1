using MambaExt.Kernels.Cuda;

namespace MambaExt.Kernels.Verification;

/// <summary>Memory of the device that a golden file runs on, given back as one.</summary>
internal abstract class GoldenArena : IDisposable
{
    public abstract nint Allocate(long bytes);

    public abstract void Write(nint target, ReadOnlySpan<byte> source);

    public abstract void Read(Span<byte> target, nint source);

    public abstract void Dispose();
}

/// <summary>The CPU's.</summary>
internal sealed unsafe class HostArena : GoldenArena
{
    private readonly Workspace _memory = new();

    public override nint Allocate(long bytes) => (nint)_memory.Allocate<byte>(bytes);

    public override void Write(nint target, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)target, source.Length));

    public override void Read(Span<byte> target, nint source) => new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    public override void Dispose() => _memory.Dispose();
}

/// <summary>A GPU's.</summary>
internal sealed class GpuArena(GpuDevice device) : GoldenArena
{
    private readonly List<nint> _blocks = [];

    public override nint Allocate(long bytes)
    {
        _blocks.Add(device.Allocate(Math.Max(bytes, 1)));
        return _blocks[^1];
    }

    public override void Write(nint target, ReadOnlySpan<byte> source) => device.CopyIn(target, source);

    public override void Read(Span<byte> target, nint source) => device.CopyOut(target, source);

    public override void Dispose() => _blocks.ForEach(device.Free);
}
