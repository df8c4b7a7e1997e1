using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>A run of one process: arguments are checked as among many, and nothing is sent.</summary>
public sealed class SingleProcess : ICommunicator
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public string Description => "one process";

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root = 0) => Collective.RequireRank(root, Size);

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor) => Collective.RequireSummable(tensor);

    /// <inheritdoc/>
    public byte[][] AllGather(byte[] bytes) => [(byte[])bytes.Clone()];

    /// <inheritdoc/>
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public void Abort(int code) => Environment.Exit(code == 0 ? 1 : code);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
