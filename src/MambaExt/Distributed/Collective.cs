using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>What all communicators ask of a tensor, and its way through a contiguous CPU copy where it needs one.</summary>
internal static class Collective
{
    /// <summary>The type in which numbers of type <paramref name="type"/> are summed, or null where they have no sum.</summary>
    public static ScalarType? SummedAs(ScalarType type) => type switch
    {
        ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64 => type,
        ScalarType.Float16 or ScalarType.BFloat16 => ScalarType.Float32,
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 => ScalarType.Int64,
        _ => null,
    };

    /// <summary>Refuses what has no sum.</summary>
    public static ScalarType RequireSummable(Tensor tensor) =>
        tensor.is_sparse ? throw new ArgumentException("A sparse tensor was given to a sum over ranks, which takes dense ones; convert it with to_dense.")
        : SummedAs(tensor.dtype) ?? throw new ArgumentException($"A tensor of {tensor.dtype} was given to a sum over ranks, which takes floating-point and whole numbers; convert it with to_type.");

    /// <summary>Refuses a root that is no rank.</summary>
    public static void RequireRank(int root, int size)
    {
        if (root < 0 || root >= size)
        {
            throw new ArgumentOutOfRangeException(nameof(root), $"root is {root}; a run of {size} rank(s) has 0 to {size - 1}.");
        }
    }

    /// <summary>Calls <paramref name="exchange"/> with the address of the tensor's elements as contiguous <paramref name="type"/> on the
    /// CPU, and puts what it leaves there back into <paramref name="tensor"/>.</summary>
    public static void OnCpu(Tensor tensor, ScalarType type, Action<nint> exchange)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        bool direct = tensor.device.type == DeviceType.CPU && tensor.dtype == type && tensor.is_contiguous();
        Tensor staged = direct ? tensor : tensor.detach().to(type, CPU).contiguous();
        exchange(TensorPointer.Of(staged));
        if (!direct)
        {
            tensor.copy_(staged);
        }

        // Known by its address only while the exchange runs.
        GC.KeepAlive(staged);
    }
}
