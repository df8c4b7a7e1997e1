using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>
/// The processes (<em>ranks</em>) of one run and what they do together. Every member but <see cref="Rank"/>, <see cref="Size"/>,
/// <see cref="Description"/> and <see cref="Abort"/> is collective: all ranks call it, in the same order and with tensors of the same
/// shape and type; a rank that waits for a call which another never makes waits for ever. Calls of several threads of one rank take turns.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>This process, 0 to <see cref="Size"/> - 1.</summary>
    int Rank { get; }

    /// <summary>Number of processes.</summary>
    int Size { get; }

    /// <summary>What carries the messages, with its version.</summary>
    string Description { get; }

    /// <summary>Returns once all ranks have called it.</summary>
    void Barrier();

    /// <summary>Overwrites <paramref name="tensor"/> on all ranks with that of <paramref name="root"/>. Any type, layout and device;
    /// what is not a contiguous CPU tensor goes through a copy. Autograd does not notice the change.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="root"/> is no rank.</exception>
    void Broadcast(Tensor tensor, int root = 0);

    /// <summary>Overwrites <paramref name="tensor"/> on all ranks with the sum over the ranks, the same bits on each. float32, float64
    /// and int64 on the CPU, contiguous, are summed in place; other numbers, layouts and devices through a copy (narrower ones are
    /// summed as float32 or int64). Autograd does not notice the change.</summary>
    /// <exception cref="ArgumentException">Complex numbers, truth values, or a sparse tensor.</exception>
    void AllReduceSum(Tensor tensor);

    /// <summary>The bytes of every rank, by rank, on all ranks. Their lengths may differ.</summary>
    byte[][] AllGather(byte[] bytes);

    /// <summary>Ends the processes of all ranks at once with exit code <paramref name="code"/> (1 if 0 is given). Does not return.</summary>
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    void Abort(int code);
}
